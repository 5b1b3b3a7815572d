package truth_test

import (
	"strings"
	"testing"

	"leadgraph/test/bench/truth"
)

const (
	ours = `{"data":{"leads":{"nodes":[
	  {"id":"1","status":"NOT_ACTIVE","on":1,"consentedOn":"2024-04-03T11:32:12Z","comments":["call"],"contactDetails":{"companyName":"A"},"contacts":[]},
	  {"id":"2","status":"UNKNOWN","consentedOn":null,"comments":[],"contactDetails":null,"contacts":[{"fullName":"B"}]}]}}}`
	rest = `[{"id":"1","status":"Not Active","on":"1","other":true,"consentedOn":"2024-04-03T13:32:12+02:00","comments":"call","contactDetails":{"companyName":"A","email":"x"},"contacts":null},
	  {"id":"2","status":"Odd","consentedOn":"0001-01-01T00:00:00","contactDetails":{"email":"x"},"contacts":[{"fullName":"B"}]}]`
)

func TestTheSameLeadsInOtherShapes(t *testing.T) {
	t.Parallel()
	known, err := truth.Of([][]byte{[]byte(ours)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer      string
		from, leads int
		problem     string // empty if there is none
	}{
		"itself":          {ours, 0, 2, ""},
		"rows":            {rest, 0, 2, ""},
		"a list of one":   {`{"data":{"lead":[{"status":"odd","id":"2","contacts":[{"fullName":"B"}]}]}}`, 1, 1, ""},
		"the wrong place": {`[{"id":"1","status":"NotActive"}]`, 1, 1, "lead 1 is"},
		"a missing field": {strings.Replace(rest, `"comments":"call",`, "", 1), 0, 2, "lead 0 is"},
		"another value":   {strings.Replace(rest, `"fullName":"B"`, `"fullName":"C"`, 1), 0, 2, "lead 1 is"},
		"another status":  {strings.Replace(rest, "Not Active", "Active", 1), 0, 2, "lead 0 is"},
		"another time":    {strings.Replace(rest, "13:32:12+02", "13:32:12+03", 1), 0, 2, "lead 0 is"},
		"too few":         {rest, 0, 3, "2 leads instead of 3"},
		"unknown leads":   {rest, 1, 2, "not known"},
		"no JSON":         {`[`, 0, 0, "EOF"},
		"two answers":     {`[][]`, 0, 0, "follows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := known.Check([]byte(c.answer), c.from, c.leads)
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("error %v, want %q", err, c.problem)
			}
		})
	}
}

func TestAliasesAreInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	known, err := truth.Of([][]byte{[]byte(`{"data":{"b":{"id":"2","status":"ACTIVE"},"a":{"id":"1","status":"ACTIVE"}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := known.Check([]byte(`{"data":{"a":[{"id":"1","status":"Active"}],"b":[{"id":"2","status":"active"}]}}`), 0, 2); err != nil {
		t.Error(err)
	}
}
