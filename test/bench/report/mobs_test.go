package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestMobs(t *testing.T) {
	t.Parallel()
	good := func(n int) []time.Duration { return make([]time.Duration, n) }
	r := Mobs{Report: &Report{}, Mobs: []Mob{
		{Kind: "lookups", Server: "limited", Manner: "at once", Connections: 1, Took: 2 * time.Second, Good: good(9000)},
		{Kind: "lookups", Server: "limited", Manner: "at once", Connections: 16, Took: 2 * time.Second, Good: good(8000)},
		{Kind: "lookups", Server: "limited", Manner: "at once", Connections: 256, Took: 2 * time.Second, Good: good(4000), Refused: 20, First: []time.Duration{time.Millisecond, 3 * time.Millisecond}},
		{Kind: "pages", Server: "unlimited", Manner: "at once", Connections: 256, Took: 2 * time.Second, Good: good(4)},
	}}
	for _, want := range []string{
		"| lookups | limited | at once | 16 | 4,000 | 100 % |",
		"| lookups | limited | at once | 256 | 2,000 | 50 % | 0.0 | 0.0 | 10.0 | 3.0 | 0 | 0 % | 0 % |",
	} {
		if text := r.markdown(); !strings.Contains(text, want) {
			t.Errorf("%s\nlacks %s", text, want)
		}
	}
	for chart := xml.NewDecoder(strings.NewReader(string(r.chart()))); ; {
		if _, err := chart.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
