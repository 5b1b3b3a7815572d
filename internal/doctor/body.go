package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// form is the JSON structure that an answer holds its leads in.
type form string

const (
	formArray    form = "array"
	formNested   form = "nested array"
	formEnvelope form = "envelope"
	formObject   form = "single object"
	formNull     form = "null"
)

// maxNesting is the maximum depth of nested arrays that leadgraph reads.
const maxNesting = 8

// row is one lead.
type row struct {
	id, tenant string
	raw        json.RawMessage
}

var (
	errHTML  = errors.New("the platform answered HTML instead of leads, from a proxy, a login page or the portal itself; is the base URL right?")
	errJSON  = errors.New("the platform answered something that is not JSON instead of leads")
	errBlank = errors.New("the platform answered without a body instead of leads")
	errShape = errors.New("the answer is JSON, but not in a form that leadgraph reads")
)

// parse parses the body. Its errors quote nothing from the body.
func (p *page) parse() error {
	body := bytes.TrimSpace(p.Body)
	switch {
	case bytes.HasPrefix(body, []byte("<")) || strings.Contains(p.Header.Get("Content-Type"), "html"):
		return errHTML
	case len(body) == 0:
		return errBlank
	case body[0] == '[':
		p.form = formArray
		return p.array(body, 0)
	case body[0] == '{':
		return p.object(body)
	case string(body) == "null":
		p.form = formNull
		return nil
	case !json.Valid(body):
		return errJSON
	}
	return errShape
}

func (p *page) array(text json.RawMessage, depth int) error {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return errJSON
	}
	for _, element := range list {
		switch {
		case element[0] == '{':
			p.rows = append(p.rows, newRow(element))
		case element[0] == '[' && depth < maxNesting:
			if p.form == formArray {
				p.form = formNested
			}
			if err := p.array(element, depth+1); err != nil {
				return err
			}
		case element[0] == 'n':
			p.rows = append(p.rows, row{raw: element})
		default:
			return errShape
		}
	}
	return nil
}

func (p *page) object(text json.RawMessage) error {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		return errJSON
	}
	if _, ok := member(members, "id", "tenantId"); ok {
		p.form, p.rows = formObject, []row{newRow(text)}
		return nil
	}
	p.form = formEnvelope
	if total, ok := member(members, "totalRecords"); ok {
		if err := json.Unmarshal(total, &p.total); err != nil {
			p.total = -1
		}
	}
	if data, ok := member(members, "data"); ok {
		switch data[0] {
		case '[':
			return p.array(data, 0)
		case 'n':
			return nil
		}
	}
	return errShape
}

// member returns a member that has one of the names, in any letter case.
func member(members map[string]json.RawMessage, names ...string) (json.RawMessage, bool) {
	for name, value := range members {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			return value, true
		}
	}
	return nil, false
}

func newRow(raw json.RawMessage) row {
	var keys struct{ ID, TenantID json.RawMessage }
	_ = json.Unmarshal(raw, &keys) // never fails: raw is a valid object
	return row{id: scalar(keys.ID), tenant: scalar(keys.TenantID), raw: raw}
}

// guid matches the forms of a GUID that leadgraph reads.
var guid = regexp.MustCompile(`^(?:[[:xdigit:]]{32}|(?:[[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12})|` +
	`\{[[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}\}|\([[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}\))$`)

// readable reports whether leadgraph can use the row: it has an id and a tenant, which
// is a GUID. A GUID of zeros is no id.
func (r row) readable() bool {
	zero := func(text string) bool { return guid.MatchString(text) && strings.Trim(text, "{(0-)}") == "" }
	return r.id != "" && !zero(r.id) && guid.MatchString(r.tenant) && !zero(r.tenant)
}

// scalar returns a string or number as a string, or "" for any other value.
func scalar(value json.RawMessage) string {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(value, &text) == nil:
		return strings.TrimSpace(text)
	case json.Unmarshal(value, &number) == nil:
		return number.String()
	}
	return ""
}
