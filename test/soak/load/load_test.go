package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/test/soak/client"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serving returns a load of one client over a server, and a request for the lead
// of a tenant that has none.
func serving(t *testing.T, answer http.HandlerFunc) (*Load, client.Request) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	l := &Load{Client: client.New(server.URL, 1), History: oracle.NewHistory(nil, time.Now()), Tally: report.NewTally(), Deadline: time.Minute}
	t.Cleanup(l.Client.CloseIdle)
	return l, asking(operations.Lead("00000000-0000-4000-8000-00000000000f", oracle.Selection{Fields: []oracle.Field{oracle.ID()}}))
}

func asking(o operations.Operation) client.Request {
	return client.Request{Way: client.ByPost, Operations: []operations.Operation{o}}
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
		way               client.Way
		contentType, body string
		sort              string // of the violation; empty if there is none
	}{
		"JSON":                       {client.ByPost, jsonType, `{"data":{"lead":null}}`, ""},
		"JSON with a field more":     {client.ByPost, jsonType, `{"data":{"lead":null,"more":1}}`, report.WrongRows},
		"cut JSON":                   {client.ByPost, jsonType, `{"data":{"lead":`, report.Broken},
		"nothing":                    {client.ByPost, jsonType, `{}`, report.WrongRows},
		"array":                      {client.ByArray, jsonType, `[{"data":{"lead":null}}]`, ""},
		"array of two":               {client.ByArray, jsonType, `[{"data":{"lead":null}},{"data":{"lead":null}}]`, report.Broken},
		"parts":                      {client.ByParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n" + head + `{"incremental":[{"data":{"lead":null},"path":[]}],"hasNext":false}` + "\r\n-----\r\n", ""},
		"parts, the last is missing": {client.ByParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n-----\r\n", report.Broken},
		"parts, cut":                 {client.ByParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n" + head + `{"incremental":[{"data":{"le`, report.Broken},
		"parts for nowhere":          {client.ByParts, partsType, head + `{"data":{},"hasNext":true}` + "\r\n" + head + `{"incremental":[{"data":{"id":"1"},"path":["lead"]}],"hasNext":false}` + "\r\n-----\r\n", report.Broken},
		"events":                     {client.ByEvents, "text/event-stream", ":\n\nevent: next\ndata: {\"data\":{\"lead\":null}}\n\nevent: complete\ndata:\n\n", ""},
		"events without an end":      {client.ByEvents, "text/event-stream", ":\n\nevent: next\ndata: {\"data\":{\"lead\":null}}\n\n", report.Broken},
		"events without a response":  {client.ByEvents, "text/event-stream", ":\n\nevent: complete\ndata:\n\n", report.Broken},
		"HTML":                       {client.ByPost, "text/html", "<html>", report.Broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, r := serving(t, respond(test.contentType, test.body))
			r.Way = test.way
			l.ask(t.Context(), l.Client, r)
			if test.sort == "" && l.Tally.Failed() || test.sort != "" && l.Tally.Violations(test.sort) != 1 {
				t.Errorf("violations %s", l.Tally.Evidence())
			}
		})
	}
}

func TestLateAnswersAreNoticed(t *testing.T) {
	t.Parallel()
	l, r := serving(t, respond(jsonType, `{"data":{"lead":null}}`))
	l.Deadline = 0 // everything is late
	l.ask(t.Context(), l.Client, r)
	if l.Tally.Violations(report.Late) != 1 {
		t.Errorf("violations %s", l.Tally.Evidence())
	}
}

// TestHungRequestsAreNoticed runs in a bubble, where waiting takes no time.
func TestHungRequestsAreNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &Load{Client: client.NewOver("http://soak.invalid", silent{}), Tally: report.NewTally(), Deadline: time.Second}
		l.ask(t.Context(), l.Client, asking(operations.Operation{Kind: "lead"}))
		if l.Tally.Violations(report.Hung) != 1 || l.Tally.UnderWay() != 0 {
			t.Errorf("violations %s", l.Tally.Evidence())
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
		l := &Load{Client: client.NewOver("http://soak.invalid", refusing{}), Tally: report.NewTally()}
		l.checkHealth(t.Context())
		if l.Tally.Violations(report.Unhealthy) != 2 {
			t.Errorf("violations %s", l.Tally.Evidence())
		}
	})
}

// refusing is a server that refuses all requests.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}
