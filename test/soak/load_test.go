package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// serving makes a load of one client over a server that answers as told.
func serving(t *testing.T, answer http.HandlerFunc) (*load, request) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	w := newWorld(t)
	l := &load{client: newClient(server.URL, 1), history: w.history, places: &places{}, tally: newTally(), ages: agesSet(), deadline: time.Minute}
	t.Cleanup(l.client.http.CloseIdleConnections)
	return l, request{way: byPost, operations: []operation{newOperation("lead", false, w.maker.leadOf("lead", unknownTenant(w.maker.random)))}}
}

func respond(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

const (
	jsonType  = "application/json"
	partsType = `multipart/mixed; boundary="-"; deferSpec=20220824`
	head      = "---\r\nContent-Type: application/json\r\n\r\n"
)

func TestAnswersOfEachKindAreRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		way               way
		contentType, body string
		sort              string // of the violation; empty: none
	}{
		"JSON":                       {byPost, jsonType, `{"data":{"lead":null}}`, ""},
		"JSON with more":             {byPost, jsonType, `{"data":{"lead":null,"more":1}}`, wrongRows},
		"no JSON":                    {byPost, jsonType, `{"data":{"lead":`, broken},
		"nothing":                    {byPost, jsonType, `{}`, wrongRows},
		"array":                      {byArray, jsonType, `[{"data":{"lead":null}}]`, ""},
		"array of two":               {byArray, jsonType, `[{"data":{"lead":null}},{"data":{"lead":null}}]`, broken},
		"parts":                      {byParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n" + head + `{"incremental":[{"data":{"lead":null},"path":[]}],"hasNext":false}` + "\r\n-----\r\n", ""},
		"parts, the last is missing": {byParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n-----\r\n", broken},
		"parts, cut":                 {byParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n" + head + `{"incremental":[{"data":{"le`, broken},
		"parts for nowhere":          {byParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n" + head + `{"incremental":[{"data":{"id":"1"},"path":["lead"]}],"hasNext":false}` + "\r\n-----\r\n", broken},
		"events":                     {byEvents, "text/event-stream", ":\n\nevent: next\ndata: {\"data\":{\"lead\":null}}\n\nevent: complete\ndata:\n\n", ""},
		"events without an end":      {byEvents, "text/event-stream", ":\n\nevent: next\ndata: {\"data\":{\"lead\":null}}\n\n", broken},
		"events without a response":  {byEvents, "text/event-stream", ":\n\nevent: complete\ndata:\n\n", broken},
		"HTML":                       {byPost, "text/html", "<html>", broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, r := serving(t, respond(test.contentType, test.body))
			r.way = test.way
			l.ask(t.Context(), r)
			if test.sort == "" && l.tally.failed() || test.sort != "" && l.tally.violations[test.sort] != 1 {
				t.Errorf("violations %v", l.tally.evidence)
			}
		})
	}
}

func TestLateAnswersAreNoticed(t *testing.T) {
	t.Parallel()
	l, r := serving(t, respond(jsonType, `{"data":{"lead":null}}`))
	l.deadline = 0 // everything is late
	l.ask(t.Context(), r)
	if l.tally.violations[late] != 1 {
		t.Errorf("violations %v", l.tally.evidence)
	}
}

// TestHungRequestsAreNoticed does not wait for long: time is the test's own.
func TestHungRequestsAreNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &load{client: newClient("http://soak.invalid", 1), tally: newTally(), deadline: time.Second}
		l.client.http.Transport = silent{}
		l.ask(t.Context(), request{way: byPost, operations: []operation{newOperation("lead", false)}})
		if l.tally.violations[hung] != 1 || l.tally.underWay() != 0 {
			t.Errorf("violations %v", l.tally.evidence)
		}
	})
}

// silent is a server that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestUnhealthyServersAreNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &load{client: newClient("http://soak.invalid", 1), tally: newTally()}
		l.client.http.Transport = shedding{}
		l.checkHealth(t.Context())
		if l.tally.violations[unhealthy] != 2 {
			t.Errorf("violations %v", l.tally.evidence)
		}
	})
}

// shedding is a server that refuses all.
type shedding struct{}

func (shedding) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

func TestLeaksAreNoticed(t *testing.T) {
	t.Parallel()
	before := vitals{Goroutines: 20, Files: 10, Heap: 20 << 20, RSS: 80 << 20}
	for name, test := range map[string]struct {
		change func(*summary)
		sort   string
	}{
		"none":       {func(*summary) {}, ""},
		"goroutines": {func(s *summary) { s.After.Goroutines = 30 }, leaks},
		"files":      {func(s *summary) { s.After.Files = 30 }, leaks},
		"heap":       {func(s *summary) { s.After.Heap = 100 << 20 }, leaks},
		"memory":     {func(s *summary) { s.Peak.RSS = 300 << 20 }, leaks},
	} {
		k := &soak{tally: newTally(), summary: summary{Before: before, Early: before, Peak: before, After: before}}
		k.tally.walks, k.tally.faults = 1, map[string]int{"a": 1, "b": 1, "c": 1}
		test.change(&k.summary)
		k.compare()
		if test.sort == "" && k.tally.failed() || test.sort != "" && k.tally.violations[test.sort] != 1 {
			t.Errorf("%s: %v", name, k.tally.evidence)
		}
	}
}

func TestProofsOfTooLittleAreNoticed(t *testing.T) {
	t.Parallel()
	faults := map[string]int{"a": 1, "b": 1, "c": 1}
	for name, test := range map[string]struct {
		tally *tally
		want  string
	}{
		"enough":         {&tally{walks: 1, faults: faults, kinds: map[string]*kindTally{"lead": {served: 5, refused: 5}}}, ""},
		"few are served": {&tally{walks: 1, faults: faults, kinds: map[string]*kindTally{"lead": {served: 4, refused: 5}}}, "4 of 9"},
		"no walk":        {&tally{faults: faults}, "walk"},
		"no fault":       {&tally{walks: 1}, "wrong"},
	} {
		if got := test.tally.vacuous(); !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
