package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// BasePath is what a client appends to the server's URL to get the
	// platform's base URL [AUTH].
	BasePath = "/tenantui"
	// TokenPath is the path of the token endpoint for the sandbox's own
	// directory. Any other directory in the path works as well.
	TokenPath = "/0f1c8a3e-5b7d-4e92-a6c4-1d2e3f405162/oauth2/v2.0/token"

	// DefaultClientID is accepted when the options set no client ID. It, the
	// secret and the scope below protect invented data only.
	DefaultClientID = "3d9f2b64-7c1e-4a58-9e03-8b6a5c4d7e20"
	// DefaultClientSecret is accepted when the options set no secret.
	DefaultClientSecret = "sandbox-secret"
	// DefaultScope is accepted when the options set no scope.
	DefaultScope = "api://6e4b1a90-2f8d-4c37-b5e1-9a0c7d3f8b46/.default"

	// DefaultLeads is the initial number of leads when the options set none.
	DefaultLeads = 2000
	// MaxLeads is the largest initial number of leads.
	MaxLeads = 500_000

	defaultSeed     = 20240403
	defaultLifetime = 3599 * time.Second // from an AudioCodes page; Entra's own default is about an hour
	leadPath        = BasePath + "/api/v2/oc/lead"
)

// Answers to a request for page 0 when the first page is 1. None of them is
// documented; all are plausible.
const (
	PageZeroRepeat = "repeat" // answers page 1
	PageZeroEmpty  = "empty"  // answers no rows
	PageZeroError  = "error"  // answers 400
)

// Options selects the data and the quirks of a sandbox. The zero value behaves
// as the platform is documented and has DefaultLeads leads.
type Options struct {
	// Leads is the initial number of leads, at most MaxLeads. Zero means
	// DefaultLeads.
	Leads int
	// Seed selects the data. The same seed gives the same leads, byte for byte;
	// fewer leads are a prefix of more leads. Zero means a fixed default seed.
	Seed uint64
	// Operator, if set, is the operatorId of every lead. Sandboxes with the same
	// seed and different operators then have leads of the same tenants.
	Operator string
	// FirstPage is 0 [GSL] or 1 [GAL].
	FirstPage int
	// PageZero is one of the PageZero constants, by default PageZeroRepeat. It
	// has an effect only if FirstPage is 1.
	PageZero string
	// Nested wraps the rows in two arrays, as the example in [GAL] does.
	Nested bool
	// Envelope returns the rows in the member "data" of an object, as the numbers
	// page does [NUM3].
	Envelope bool
	// TenantParam is the only accepted spelling of the tenant parameter; a query
	// without it is a page query. Empty accepts any case (guess).
	TenantParam string
	// IgnorePageSize always returns ten rows a page. IgnorePageNumber always
	// returns the first page.
	IgnorePageSize, IgnorePageNumber bool
	// RefuseAbove is the largest accepted page size. Zero means 20,000 [GAL].
	RefuseAbove int
	// CutAbove, CutKeepsOffset and PastEnd are those of Paging.
	CutAbove       int
	CutKeepsOffset bool
	PastEnd        string
	// Unordered shuffles the list for every page query.
	Unordered bool
	// Single returns a single lead without an array around it.
	Single bool
	// UnknownTenant is how the lookup of a tenant without leads is answered: one of
	// the Nothing constants or a status. Empty means NothingEmpty.
	UnknownTenant string
	// UnknownTenant404 means NothingNamed404 for UnknownTenant.
	UnknownTenant404 bool
	// Empty starts without leads and overrides Leads.
	Empty bool
	// NoAuth accepts calls without a token.
	NoAuth bool
	// ClientID, ClientSecret and Scope are the credentials that the token endpoint
	// accepts. Empty means the default constants.
	ClientID, ClientSecret, Scope string
	// TokenLifetime is the lifetime of tokens, rounded down to seconds on the
	// wire. Zero means 3599 s.
	TokenLifetime time.Duration
	// Latency delays every lead call.
	Latency time.Duration
	// OnlineLatency additionally delays a checkOnline lookup that finds no local
	// lead: only such a lookup asks Microsoft [GAL].
	OnlineLatency time.Duration
	// Clock decides when tokens expire and dates the changes of Live. Nil means
	// time.Now.
	Clock func() time.Time
}

func (o Options) withDefaults() Options {
	o.Leads = cmp.Or(o.Leads, DefaultLeads)
	o.Seed = cmp.Or(o.Seed, defaultSeed)
	o.PageZero = cmp.Or(o.PageZero, PageZeroRepeat)
	o.RefuseAbove = cmp.Or(o.RefuseAbove, maxPageSize)
	if o.UnknownTenant404 {
		o.UnknownTenant = NothingNamed404
	}
	if o.Empty {
		o.Leads = 0
	}
	o.ClientID = cmp.Or(o.ClientID, DefaultClientID)
	o.ClientSecret = cmp.Or(o.ClientSecret, DefaultClientSecret)
	o.Scope = cmp.Or(o.Scope, DefaultScope)
	o.TokenLifetime = cmp.Or(o.TokenLifetime, defaultLifetime)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

func (o Options) validate() error {
	var errs []error
	if o.Leads < 0 || o.Leads > MaxLeads {
		errs = append(errs, fmt.Errorf("number of leads must be between 0 and %d, not %d", MaxLeads, o.Leads))
	}
	if problem := o.paging().problem(); problem != "" {
		errs = append(errs, errors.New(problem))
	}
	if !validNothing(o.UnknownTenant) {
		errs = append(errs, fmt.Errorf("unknown tenant must be a kind of nothing or a status from 400 to 499, not %q", o.UnknownTenant))
	}
	return errors.Join(errs...)
}

// Server is a simulated platform. It implements http.Handler, starts no
// goroutines and is safe for concurrent use.
type Server struct {
	opts    Options
	paging  atomic.Pointer[Paging]
	onPage  atomic.Pointer[func(PageCall)]
	mux     *http.ServeMux
	factory factory
	rows    *store
	online  []row           // not in rows until a checkOnline lookup finds them
	samples map[string]bool // ids of the documents' sample leads
	serial  atomic.Uint64   // serial number of the next inserted lead
	changes atomic.Uint64   // number of changes that Live has made
	tokens  tokens
	faults  faultQueue
	tally   tally
	buffers sync.Pool // *[]byte, for the bodies of pages
}

// New makes the leads and returns the server. It fails only if an option is out
// of range.
func New(opts Options) (*Server, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	f := newFactory(opts.Seed)
	f.operator = opts.Operator
	rows, err := f.initial(opts.Leads)
	if err != nil {
		return nil, fmt.Errorf("sandbox: read the sample leads: %w", err)
	}
	s := &Server{
		opts:    opts,
		mux:     http.NewServeMux(),
		factory: f,
		rows:    newStore(rows),
		online:  f.batch(firstOnline, onlineTenants),
		samples: map[string]bool{},
		tokens:  tokens{expiry: make(map[string]time.Time)},
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
	for _, r := range rows[:min(sampleLeads, len(rows))] {
		s.samples[r.id] = true
	}
	s.serial.Store(firstInserted)
	s.paging.Store(opts.paging())
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	s.mux.HandleFunc("POST /{directory}/oauth2/v2.0/token", s.serveToken)
	s.mux.HandleFunc("GET "+leadPath, s.serveLeads)
	// A base URL without BasePath works too; no other path would conflict with it.
	s.mux.HandleFunc("GET "+strings.TrimPrefix(leadPath, BasePath), s.serveLeads)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // fails only if the prober has left
	})
	s.routeControl()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }
