package faults

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

const (
	// cellsAtATime is more than the number of processors because most cells wait.
	cellsAtATime = 10
	// platformLeads is the number of leads of the platform that fails.
	platformLeads = 40
	// cellRequest is the id of the one request of a cell that meets the fault.
	cellRequest = "under-a-fault"

	canarySecret = "secret-canary"
	canaryBody   = `{"title":"Dana Levi","detail":"dana.levi-canary@contoso.example","errorTicket":"T-7"}`
	canaryPage   = `<html><body>Welcome, <a href="https://portal.contoso.example">Dana Levi-canary</a></body></html>`
)

// cellCursorKey is the same in all programs, so they accept each other's cursors.
var cellCursorKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))

// TestFaultMatrix runs every operation with every fault: with empty, fresh and
// expired caches. Each cell has its own program and its own platform. docs/faults.md
// lists the expected outcomes; the page and this test both come from faultList.
//
//nolint:paralleltest // cellsAtATime run in parallel, more than -parallel allows
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	pageTwo.after = cursorOfThirdLead(t)
	shownPage.after = pageTwo.after
	var cells errgroup.Group
	cells.SetLimit(cellsAtATime)
	for _, f := range faultList {
		for _, op := range operations {
			for _, w := range warmths {
				cells.Go(func() error {
					t.Run(f.name+"/"+op.name+"/"+string(w), func(t *testing.T) { cell{f, op, w}.run(t) })
					return nil
				})
			}
		}
	}
	_ = cells.Wait() // its functions return no errors
	checkFaultsPage(t)
}

// cursorOfThirdLead returns a cursor from a platform without faults.
func cursorOfThirdLead(t *testing.T) string {
	t.Helper()
	var got struct {
		Data struct {
			Leads struct{ PageInfo struct{ EndCursor string } }
		}
	}
	answer := apptest.Query(t, startServer(t, "--sandbox-leads", fmt.Sprint(platformLeads), "--cursor-key", cellCursorKey),
		`{ leads(first: 3) { pageInfo { endCursor } } }`).Body
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Data.Leads.PageInfo.EndCursor == "" {
		t.Fatalf("no cursor: %v in %s", err, answer)
	}
	return got.Data.Leads.PageInfo.EndCursor
}

// site is a platform with the network between it and leadgraph.
type site struct {
	*sandbox.Server
	relay     *relay
	name      string // resolves to the relay; empty unless the fault is in name resolution
	base      string // URL of the leads
	tokenBase string
}

func newSite(t *testing.T, f fault) *site {
	t.Helper()
	platform, err := sandbox.New(sandbox.Options{Leads: platformLeads, ClientSecret: canarySecret})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	s := &site{Server: platform, base: server.URL, tokenBase: server.URL}
	if f.network != nil {
		s.relay = newRelay(t, strings.TrimPrefix(server.URL, "http://"))
		through := "http://" + s.relay.address()
		if f.name == dnsFailure {
			_, port, _ := strings.Cut(s.relay.address(), ":")
			s.name = "platform-" + port + ".leadgraph.test."
			names.set(s.name, true)
			through = "http://" + s.name + ":" + port
		}
		if f.ofToken {
			s.tokenBase = through
		} else {
			s.base = through
		}
	}
	return s
}

// cell is one cell of the matrix.
type cell struct {
	fault fault
	op    *operation
	warm  warmth
}

// args returns the settings of the cell's program.
func (c cell) args(s *site) []string {
	args := []string{
		"--upstream-url", s.base + sandbox.BasePath, "--token-url", s.tokenBase + sandbox.TokenPath,
		"--client-id", sandbox.DefaultClientID, "--client-secret", canarySecret, "--scope", sandbox.DefaultScope,
		"--cursor-key", cellCursorKey, "--no-playground", "--insecure-upstream", "--log-level", "debug",
		// Each requested row adds a millisecond to the time-outs.
		"--catalogue-page-size", "100", "--max-pages", fmt.Sprint(mostPages),
		"--catalogue-revalidate", "0s", "--upstream-max-body", fmt.Sprint(mostBody),
	}
	if c.warm == expired {
		args = append(args, "--catalogue-ttl", "1ns", "--lookup-ttl", "1ns")
	} else {
		args = append(args, "--catalogue-ttl", "1h", "--lookup-ttl", "1h")
	}
	if c.fault.patience == short {
		args = append(args, "--upstream-retries", "1")
	}
	read, attempt, request := c.fault.budget()
	return append(args, "--upstream-timeout", read.String(), "--upstream-attempt-timeout", attempt.String(), "--request-timeout", request.String())
}

// reply is an answer with the calls and the log that it caused.
type reply struct {
	apptest.Answer
	took   time.Duration
	calls  sandbox.Calls
	log    []logLine
	rawLog string
}

type logLine struct {
	Level     string
	Msg       string
	RequestID string   `json:"requestId"`
	Name      string   `json:"name"`
	Codes     []string `json:"codes"`
	Code      string   `json:"code"`
	Cause     string   `json:"cause"`
}

func (c cell) run(t *testing.T) {
	s := newSite(t, c.fault)
	p := apptest.Serve(t, run, c.args(s)...)
	endpoint := p.Endpoint()
	if c.warm != cold {
		c.warmUp(t, endpoint)
	}
	s.ResetCalls()
	c.strike(s)
	begun := time.Now()
	r := c.ask(t, endpoint, cellRequest)
	r.took = time.Since(begun)
	p.Stop()
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with: %v", err)
	}
	r.calls = s.Calls()
	r.rawLog = p.Log.String()
	for line := range strings.Lines(r.rawLog) {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Errorf("a line of the log is not JSON: %s", line)
		}
		r.log = append(r.log, l)
	}
	want := c.want()
	c.checkAnswer(t, want, r)
	c.checkCalls(t, want, r)
	c.checkLog(t, want, r)
	checkSilence(t, r)
	if t.Failed() {
		t.Logf("answer after %v: %s\ncalls: %+v\nlog:\n%s", r.took, r.Body, r.calls, r.rawLog)
	}
}

// warmUp repeats the query until the answer is right, because the time-outs of some
// faults are short for a busy machine.
func (c cell) warmUp(t *testing.T, endpoint string) {
	t.Helper()
	if c.op.before != "" {
		apptest.Post(t, endpoint, apptest.Body(c.op.before, nil), "X-Request-Id", "before")
	}
	var r reply
	for range 20 {
		if r = c.ask(t, endpoint, "before"); string(r.Data) == c.op.right && len(r.Errors) == 0 {
			return
		}
	}
	t.Fatalf("without a fault: %s", r.Body)
}

func (c cell) strike(s *site) {
	if c.fault.network != nil {
		c.fault.network(s)
		return
	}
	for _, f := range c.fault.faults {
		if f.Kind == "" {
			f.Kind = c.op.strikes
		}
		s.Inject(f)
	}
}

func (c cell) ask(t *testing.T, endpoint, id string) reply {
	t.Helper()
	body := apptest.Body(c.op.document, map[string]string{"after": c.op.after})
	r := reply{Answer: apptest.Post(t, endpoint, body, "X-Request-Id", id)}
	if r.Status != http.StatusOK {
		t.Fatalf("status %d: %s", r.Status, r.Body)
	}
	return r
}
