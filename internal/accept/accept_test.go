package accept_test

import (
	"testing"

	"leadgraph/internal/accept"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	const json, graphql, events = "application/json", "application/graphql-response+json", "text/event-stream"
	for _, test := range []struct {
		headers []string
		want    string
		weight  float64
	}{
		{nil, "", 0},
		{[]string{"*/*"}, json, 1},
		{[]string{"application/*;q=0.4"}, json, 0.4},
		{[]string{graphql + ", " + json}, graphql, 1},
		{[]string{json, graphql}, json, 1},
		{[]string{graphql + ";q=0.5, " + json}, json, 1},
		{[]string{"*/*;q=0.9, " + json + ";q=0.1"}, graphql, 0.9},
		{[]string{"text/*, application/json"}, events, 1},
		{[]string{json + ";q=0"}, "", 0},
		{[]string{"Application/JSON; Q=0.3"}, json, 0.3},
		{[]string{"image/png"}, "", 0},
		{[]string{"/, " + json + ";q=2, " + events + ";q=x, " + graphql + ";q=0.2"}, graphql, 0.2},
	} {
		if got, weight := accept.Choose(accept.Parse(test.headers), json, graphql, events); got != test.want || weight != test.weight {
			t.Errorf("%q: %q with weight %v, want %q with %v", test.headers, got, weight, test.want, test.weight)
		}
	}
}

func TestParseKeepsParameters(t *testing.T) {
	t.Parallel()
	ranges := accept.Parse([]string{`multipart/mixed;deferSpec=20220824;q=0.8, */*`})
	if len(ranges) != 2 || ranges[0].Parameters["deferspec"] != "20220824" || ranges[0].Weight != 0.8 || ranges[1].MediaType != "*/*" {
		t.Errorf("%+v", ranges)
	}
}
