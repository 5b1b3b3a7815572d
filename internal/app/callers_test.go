package app_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// operators is a platform on which each caller sees different rows of the same
// tenants, in the same order.
type operators struct {
	sandboxes map[string]*sandbox.Server // by subject of the token
	revoked   sync.Map                   // tokens
}

// ServeHTTP implements http.Handler.
func (o *operators) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	var said jwt.RegisteredClaims
	_, _, err := jwt.NewParser().ParseUnverified(token, &said)
	own, known := o.sandboxes[said.Subject]
	if _, revoked := o.revoked.Load(token); err != nil || !known || revoked {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	own.ServeHTTP(w, r)
}

// bearer returns a new token of a caller.
func bearer(t *testing.T, subject string, serial int64, expires time.Time) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: "https://issuer.example", Subject: subject, ID: fmt.Sprint(serial), ExpiresAt: jwt.NewNumericDate(expires),
	}).SignedString([]byte("only the platform knows"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// customer is a caller and what the caller has learnt from earlier answers.
type customer struct {
	name  string
	total int // leads that the caller may see
	mu    sync.Mutex
	token string
	used  int
	// The latest cursor, and the ids of some of the leads.
	cursor string
	ids    []string
}

// proof is a run of many requests of two callers.
type proof struct {
	t         *testing.T
	platform  *operators
	endpoint  string
	client    *http.Client
	customers []*customer
	tenants   []string
	served    atomic.Int64
	refused   atomic.Int64
	serial    atomic.Int64
	codes     sync.Map
}

// workers is the number of concurrent requests. Most of them wait for a platform
// that has failed.
const workers = 48

// TestNoRowReachesAnotherCaller sends mixed requests of two callers for the same
// tenants while tokens are replaced and revoked and the platform sometimes fails.
func TestNoRowReachesAnotherCaller(t *testing.T) { //nolint:paralleltest // it is parallel if it is short
	requests := 100_000
	if os.Getenv("LEADGRAPH_THOROUGH") == "" {
		requests = 10_000
		t.Parallel() // so many requests would starve the other tests
	}
	p := newProof(t)
	var work sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(requests))
	for worker := range workers {
		random := rand.New(rand.NewPCG(7, uint64(worker)))
		work.Go(func() {
			for left.Add(-1) >= 0 && !t.Failed() {
				p.ask(random)
			}
		})
	}
	work.Wait()
	t.Logf("%d answered in full, %d with errors", p.served.Load(), p.refused.Load())
	if p.served.Load() < int64(requests)*3/4 {
		p.codes.Range(func(code, example any) bool { t.Logf("%v: %.300v", code, example); return true })
		t.Error("too few requests were answered to prove anything")
	}
}

func newProof(t *testing.T) *proof {
	t.Helper()
	p := &proof{t: t, platform: &operators{sandboxes: map[string]*sandbox.Server{}}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}}
	t.Cleanup(p.client.CloseIdleConnections)
	for name, leads := range map[string]int{"alice": 300, "bob": 250} {
		own, err := sandbox.New(sandbox.Options{Leads: leads, NoAuth: true, Operator: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range []sandbox.Fault{
			{Kind: sandbox.KindLead, Times: -1, Every: 40, Status: http.StatusServiceUnavailable},
			{Kind: sandbox.KindLead, Times: -1, Every: 41, CutBody: 200},
			{Kind: sandbox.KindTenant, Times: -1, Every: 43, Reset: true},
			{Kind: sandbox.KindLead, Times: -1, Every: 3, Latency: time.Millisecond},
		} {
			own.Inject(fault)
		}
		p.platform.sandboxes[name] = own
		p.customers = append(p.customers, &customer{name: name, total: leads})
	}
	upstream := httptest.NewServer(p.platform)
	t.Cleanup(upstream.Close)
	p.endpoint = startServer(t, "--auth", "passthrough", "--upstream-url", upstream.URL+sandbox.BasePath,
		"--catalogue-ttl", "1s", "--catalogue-revalidate", "1s", "--lookup-ttl", "300ms", "--passthrough-callers", "3",
		"--max-in-flight", "0") // a refused request proves nothing
	// The smaller platform's leads are the first of the larger one's.
	for _, c := range p.customers {
		_, data, errs := p.post(c, `{"query":"{ leads(first: 200) { nodes { id tenantId operatorId } pageInfo { endCursor } } }"}`)
		if errs != nil {
			t.Fatal(errs)
		}
		p.learn(c, data)
		if p.tenants == nil {
			p.tenants = gather(data, "tenantId")
		}
	}
	return p
}

// ask sends one request of a random kind and checks every row of the answer.
func (p *proof) ask(random *rand.Rand) {
	turn := random.IntN(2)
	c, other := p.customers[turn], p.customers[1-turn]
	var headers []string
	if random.IntN(40) == 0 {
		headers = []string{"Cache-Control", "no-cache"}
	}
	c.mu.Lock()
	own := c.cursor
	id := c.ids[random.IntN(len(c.ids))]
	c.mu.Unlock()
	other.mu.Lock()
	foreign := other.cursor
	other.mu.Unlock()
	tenants := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = p.tenants[random.IntN(len(p.tenants))]
		}
		return `"` + strings.Join(list, `", "`) + `"`
	}
	wantCode := ""
	var query string
	switch random.IntN(9) {
	case 0, 1:
		query = `{ lead(tenantId: ` + tenants(1) + `) { id operatorId contactDetails { companyName } } }`
	case 2:
		query = `{ a: lead(tenantId: ` + tenants(1) + `) { operatorId } b: lead(tenantId: ` + tenants(1) + `) { operatorId } }`
	case 3:
		query = `{ leadsByTenantIds(tenantIds: [` + tenants(1+random.IntN(12)) + `]) { id operatorId } }`
	case 4:
		query = `{ leads(first: 7, after: "` + own + `") { nodes { id operatorId } edges { cursor node { operatorId } } pageInfo { endCursor } } }`
	case 5:
		query = `{ leads(first: 5, filter: {status: [ACTIVE]}, orderBy: {field: COMPANY_NAME}) { nodes { id operatorId } totalCount } }`
	case 6:
		query = `{ leadStats { total } }`
	case 7:
		query = `{ node(id: "` + id + `") { ... on Lead { id operatorId } } }`
	case 8:
		query, wantCode = `{ leads(first: 3, after: "`+foreign+`") { nodes { operatorId } } }`, "BAD_USER_INPUT"
	}
	text, data, codes := p.post(c, apptest.Body(query, nil), headers...)
	p.judge(c, query, text, data, codes, wantCode)
}

// failures are the codes that faults of the platform and revoked tokens cause.
var failures = []string{"UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "UPSTREAM_RATE_LIMITED", "UPSTREAM_BAD_RESPONSE", "UNAUTHENTICATED"}

func (p *proof) judge(c *customer, query, text string, data any, codes []string, wantCode string) {
	for _, operator := range gather(data, "operatorId") {
		if operator != c.name {
			p.t.Errorf("%s was shown a row of %s: %s\n%.2000s", c.name, operator, query, text)
		}
	}
	for _, total := range gather(data, "total") {
		if total != fmt.Sprint(c.total) {
			p.t.Errorf("%s got a count of %s leads instead of %d: %s", c.name, total, c.total, text)
		}
	}
	for _, code := range codes {
		p.codes.Store(code, text)
		if code != wantCode && !slices.Contains(failures, code) {
			p.t.Errorf("%s: code %s\n%s", query, code, text)
		}
	}
	switch {
	case wantCode != "" && codes == nil:
		p.t.Errorf("%s used a cursor of the other caller: %s", c.name, text)
	case codes == nil, codes[0] == wantCode:
		p.served.Add(1)
		p.learn(c, data)
	default:
		p.refused.Add(1)
	}
}

// learn takes cursors and ids from an answer.
func (p *proof) learn(c *customer, data any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cursor := range gather(data, "endCursor") {
		c.cursor = cursor
	}
	if ids := gather(data, "id"); len(ids) > 0 {
		c.ids = ids
	}
}

// post sends a request with the caller's token. It renews the token after 300
// requests; every third renewal revokes the old token.
func (p *proof) post(c *customer, body string, headers ...string) (text string, data any, codes []string) {
	c.mu.Lock()
	if c.used%300 == 0 {
		serial := p.serial.Add(1)
		if serial%3 == 0 {
			p.platform.revoked.Store(c.token, true)
		}
		c.token = bearer(p.t, c.name, serial, time.Now().Add(time.Hour))
	}
	c.used++
	token := c.token
	c.mu.Unlock()
	request, err := apptest.NewRequest(p.t.Context(), p.endpoint, body, append(headers, "Authorization", "Bearer "+token)...)
	if err != nil {
		p.t.Error(err)
		return "", nil, nil
	}
	answer, err := apptest.Do(p.client, request)
	if err != nil {
		p.t.Error(err)
		return "", nil, nil
	}
	if answer.Data == nil && answer.Errors == nil {
		p.t.Errorf("answer %.200s", answer.Body)
	}
	if answer.Data != nil {
		if err := json.Unmarshal(answer.Data, &data); err != nil {
			p.t.Error(err)
		}
	}
	return answer.Body, data, answer.Codes()
}

// gather returns the values of all members with a name, as text.
func gather(value any, name string) (found []string) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if key == name && member != nil {
				found = append(found, fmt.Sprint(member))
			}
			found = append(found, gather(member, name)...)
		}
	case []any:
		for _, element := range value {
			found = append(found, gather(element, name)...)
		}
	}
	return found
}
