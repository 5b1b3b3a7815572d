package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"

	"leadgraph/test/soak/oracle"
)

// patch is a deferred part of an answer.
type patch struct {
	Data       oracle.Object
	Path       []any
	Errors     []oracle.Failure
	Extensions oracle.Object
}

// readParts assembles a deferred answer, as Apollo Client does.
func readParts(body io.Reader, boundary string) (oracle.Answer, error) {
	var whole oracle.Answer
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
			oracle.Answer
			Incremental []patch
			HasNext     *bool
		}
		if err := json.NewDecoder(part).Decode(&next); err != nil {
			return whole, err
		}
		if first {
			whole = next.Answer
		}
		for _, p := range next.Incremental {
			whole.Errors = append(whole.Errors, p.Errors...)
			if whole.Extensions == nil {
				whole.Extensions = oracle.Object{}
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

// apply adds the patch to the object at its path.
func (p patch) apply(data any) error {
	for _, step := range p.Path {
		switch at := step.(type) {
		case string:
			inside, _ := data.(oracle.Object)
			data = inside[at]
		case float64:
			inside, _ := data.([]any)
			if int(at) >= len(inside) {
				return fmt.Errorf("a part is for %v, which is not there", p.Path)
			}
			data = inside[int(at)]
		}
	}
	target, here := data.(oracle.Object)
	if !here {
		return fmt.Errorf("a part is for %v, which is not there", p.Path)
	}
	merge(target, p.Data)
	return nil
}

// merge adds the values that target lacks. It assumes that a list in both
// contains the same objects.
func merge(target, addition oracle.Object) {
	for key, value := range addition {
		switch value := value.(type) {
		case oracle.Object:
			if inside, both := target[key].(oracle.Object); both {
				merge(inside, value)
				continue
			}
		case []any:
			if inside, both := target[key].([]any); both && len(inside) == len(value) {
				for i := range inside {
					a, objects := inside[i].(oracle.Object)
					b, too := value[i].(oracle.Object)
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
