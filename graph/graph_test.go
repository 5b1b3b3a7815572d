package graph_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leadgraph/graph"
	"leadgraph/graph/pagination"
	"leadgraph/internal/apptest"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

const (
	seedTenant = "f94238e5-4f2c-4e1b-8125-2d27122ca75f" // one direct lead
	fullTenant = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902" // contacts, addresses, locations
	twinTenant = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510" // a removed lead and an active one
	noTenant   = "00000000-0000-4000-8000-000000000000"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is leadgraph's handler in front of a sandbox platform, both over real
// HTTP.
type service struct {
	platform *sandbox.Server
	url      string
	memory   *recent.Memory
	log      *apptest.Buffer
}

type serviceOptions struct {
	sandbox   sandbox.Options
	catalogue catalogue.Options
	lookups   lookup.Options
	// feeds answers lookups from a young catalogue, as the program does.
	feeds    bool
	upstream func(*upstream.Options)
	// interval is how often the catalogue is read while a subscription runs; the default
	// if it is 0.
	interval time.Duration
	graph    func(*graph.Options)
	// detects leaves it to the client to find out how the platform pages.
	detects bool
	catchUp func(context.Context) // asks what replicas share
}

// allLeads reads the catalogue as the program does.
type allLeads struct{ client *upstream.Client }

func (a allLeads) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	walk, err := a.client.AllLeads(ctx, upstream.MaxPageSize)
	return catalogue.Reading{Leads: walk.Leads, Unreadable: walk.Unreadable, Complete: walk.Complete, Calls: walk.Calls}, err
}

// feeds is the log of changes as the program has it.
type feeds struct{ *changes.Feed }

func (f feeds) Log(context.Context) (*changes.Log, error) { return f.Feed.Log, nil }

func (f feeds) Listen(context.Context) (*changes.Log, func(), error) {
	return f.Feed.Log, f.Feed.Listen(), nil
}

// newPlatform starts a sandbox platform and returns it with its client.
func newPlatform(t *testing.T, o serviceOptions) (*sandbox.Server, *upstream.Client) {
	t.Helper()
	if o.sandbox.Leads == 0 {
		o.sandbox.Leads = 200
	}
	platform, err := sandbox.New(o.sandbox)
	if err != nil {
		t.Fatal(err)
	}
	platformServer := httptest.NewServer(platform)
	t.Cleanup(platformServer.Close)
	access := upstream.Options{
		BaseURL: platformServer.URL + sandbox.BasePath,
		Credentials: token.Credentials{
			TokenURL:     platformServer.URL + sandbox.TokenPath,
			ClientID:     sandbox.DefaultClientID,
			ClientSecret: sandbox.DefaultClientSecret,
			Scope:        sandbox.DefaultScope,
		},
		FirstPage: o.sandbox.FirstPage,
		Retries:   -1, // a fault is injected once; upstream's tests cover retries
	}
	if o.detects {
		access.FirstPage = 0
	}
	if o.upstream != nil {
		o.upstream(&access)
	}
	client, err := upstream.NewClient(access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return platform, client
}

func newService(t *testing.T, o serviceOptions) service {
	t.Helper()
	platform, client := newPlatform(t, o)
	if o.catalogue.TTL == 0 {
		o.catalogue.TTL = time.Minute
	}
	memory := recent.New()
	var lookups *lookup.Lookups
	var feed *changes.Feed
	o.catalogue.OnPublish = func(ctx context.Context, s *catalogue.Snapshot) {
		memory.Publish(s)
		feed.Publish(ctx, s)
		if o.feeds {
			lookups.Feed(s)
		}
	}
	// A demand for new leads is always met; package catalogue tests when it is not.
	o.catalogue.NoCacheInterval = cmp.Or(o.catalogue.NoCacheInterval, -1)
	o.lookups.NoCacheInterval = cmp.Or(o.lookups.NoCacheInterval, -1)
	all := catalogue.New(allLeads{client}, o.catalogue)
	t.Cleanup(all.Close)
	feed = changes.NewFeed(all, changes.Options{CatchUp: o.catchUp}, o.interval, slog.New(slog.DiscardHandler))
	t.Cleanup(feed.Close)
	o.lookups.OnRead = func(tenantID string, found lookup.Found) { memory.Tenant(tenantID, found.Leads, found.AsOf) }
	lookups = lookup.New(client, all, o.lookups)
	t.Cleanup(lookups.Close)
	log := &apptest.Buffer{}
	options := graph.Options{
		Leads:         client,
		Lookups:       lookups,
		Catalogue:     all,
		Changes:       feeds{feed},
		Recent:        func(context.Context) *recent.Memory { return memory },
		Cursors:       pagination.NewSeal("", []byte("the key of the tests")),
		Caller:        func(context.Context) string { return "" },
		SeesPII:       func(context.Context) bool { return true },
		Online:        graph.Online{Allowed: true, PerOperation: 100, PerSecond: 1000},
		Pages:         pagination.Sizes{},
		MaxPageSize:   client.MaxPageSize,
		MaxBody:       64 << 10,
		Timeout:       10 * time.Second,
		Introspection: true,
		Logger:        slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		RequestID:     func(context.Context) string { return "request-1" },
	}
	if o.graph != nil {
		o.graph(&options)
	}
	handler, err := graph.NewHandler(options)
	if err != nil {
		t.Fatal(err)
	}
	paths := http.NewServeMux()
	paths.Handle("/", handler)
	paths.Handle("/export", handler.Export())
	server := httptest.NewServer(paths)
	t.Cleanup(server.Close)
	// Finds the number of the first page, so that a lookup without a result
	// needs no second call, and fetches the token.
	if !o.detects {
		if _, err := client.LeadsPage(t.Context(), 1, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	platform.ResetCalls()
	return service{platform: platform, url: server.URL, memory: memory, log: log}
}

func (s service) post(t *testing.T, body string, header ...string) apptest.Answer {
	t.Helper()
	return apptest.Post(t, s.url, body, header...)
}

// query runs a document; variables come in pairs of name and value.
func (s service) query(t *testing.T, document string, variables ...any) apptest.Answer {
	t.Helper()
	values := map[string]any{}
	for i := 0; i < len(variables); i += 2 {
		values[fmt.Sprint(variables[i])] = variables[i+1]
	}
	return s.post(t, apptest.Body(document, values))
}

// data decodes the data of an answer that must have no errors.
func data[T any](t *testing.T, a apptest.Answer) T {
	t.Helper()
	if len(a.Errors) > 0 {
		t.Fatalf("errors: %s", a.Body)
	}
	var value T
	if err := json.Unmarshal(a.Data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// wantCalls checks how often tenants and pages were read from the platform.
func (s service) wantCalls(t *testing.T, byTenant, pages int) {
	t.Helper()
	if calls := s.platform.Calls(); calls.ByTenant != byTenant || calls.Pages != pages {
		t.Errorf("upstream calls: %d by tenant and %d pages, want %d and %d", calls.ByTenant, calls.Pages, byTenant, pages)
	}
}
