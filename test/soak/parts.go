package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
)

// patch is a piece of a deferred answer.
type patch struct {
	Data       object
	Path       []any
	Errors     []failure
	Extensions object
}

// readParts puts a deferred answer together, as Apollo Client does.
func readParts(body io.Reader, boundary string) (answer, error) {
	var whole answer
	parts := multipart.NewReader(body, boundary)
	for first, more := true, true; more; first = false {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return whole, errors.New("the last part says that more follow")
		}
		if err != nil {
			return whole, err
		}
		var next struct {
			answer
			Incremental []patch
			HasNext     *bool
		}
		if err := json.NewDecoder(part).Decode(&next); err != nil {
			return whole, err
		}
		if first {
			whole = next.answer
		}
		for _, p := range next.Incremental {
			whole.Errors = append(whole.Errors, p.Errors...)
			if whole.Extensions == nil {
				whole.Extensions = object{}
			}
			merge(whole.Extensions, p.Extensions)
			if err := p.apply(whole.Data); err != nil {
				return whole, err
			}
		}
		if next.HasNext == nil {
			return whole, errors.New("a part does not say whether more follow")
		}
		more = *next.HasNext
	}
	return whole, nil
}

// apply adds the piece to the object at its path.
func (p patch) apply(data any) error {
	for _, step := range p.Path {
		switch at := step.(type) {
		case string:
			inside, _ := data.(object)
			data = inside[at]
		case float64:
			inside, _ := data.([]any)
			if int(at) >= len(inside) {
				return fmt.Errorf("a piece is for %v, which is not there", p.Path)
			}
			data = inside[int(at)]
		}
	}
	target, here := data.(object)
	if !here {
		return fmt.Errorf("a piece is for %v, which is not there", p.Path)
	}
	merge(target, p.Data)
	return nil
}

// merge adds what target lacks. Lists that both have are of the same objects.
func merge(target, addition object) {
	for key, value := range addition {
		switch value := value.(type) {
		case object:
			if inside, both := target[key].(object); both {
				merge(inside, value)
				continue
			}
		case []any:
			if inside, both := target[key].([]any); both && len(inside) == len(value) {
				for i := range inside {
					a, objects := inside[i].(object)
					b, too := value[i].(object)
					if objects && too {
						merge(a, b)
					}
				}
				continue
			}
		}
		target[key] = value
	}
}
