package reader

import (
	"strings"
	"testing"

	"leadgraph/lead"
)

// The form of an answer and the member with the leads are reported, and how many of the
// members of leads are unknown.
func TestForm(t *testing.T) {
	t.Parallel()
	const row = `{"id":"7","tenantId":"f94238e5-4f2c-4e1b-8125-2d27122ca75f"}`
	for body, want := range map[string]Result{
		`[` + row + `]`:   {Form: FormArray, Count: 1, Fields: 2},
		`[]`:              {Form: FormArray},
		`[[` + row + `]]`: {Form: FormNested, Count: 1, Fields: 2},
		`[[]]`:            {Form: FormNested},
		`null`:            {Form: FormNull},
		row:               {Form: FormSingle, Count: 1, Fields: 2},
		`{"count":1,"Items":[` + row + `],"next":null}`: {Form: FormEnvelope, List: "items", Count: 1, Fields: 2},
		`{"d":{"results":[` + row + `]}}`:               {Form: FormEnvelope, List: "d.results", Count: 1, Fields: 2},
		`{"result":{"code":0},"data":[[` + row + `]]}`:  {Form: FormEnvelope, List: "data", Count: 1, Fields: 2},
		`{"$id":"1","$values":[` + row + `]}`:           {Form: FormEnvelope, List: "$values", Count: 1, Fields: 2},
		`{"data":` + row + `}`:                          {Form: FormEnvelope, List: "data", Count: 1, Fields: 2},
		`{"data":null}`:                                 {Form: FormEnvelope},
		`[{"$id":"1","x":{"y":1},"contacts":[{"z":1,"full_name":"n"}],` + row[1:] + `,null]`: {Form: FormArray, Count: 2, Fields: 6, UnknownFields: 2, Unreadable: Oddities{reasonNull: 1}},
	} {
		got, err := Read(strings.NewReader(body), Leads, Options{Want: lead.AllParts}, func(*lead.Lead) error { return nil })
		if err != nil || got.Form != want.Form || got.List != want.List || got.Count != want.Count || got.Fields != want.Fields ||
			got.UnknownFields != want.UnknownFields || got.Holes() != want.Holes() {
			t.Errorf("%s: error %v\n got %+v\nwant %+v", body, err, got, want)
		}
	}
}
