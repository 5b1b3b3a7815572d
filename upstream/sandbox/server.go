package sandbox

import (
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
	// directory; every other directory answers alike.
	TokenPath = "/0f1c8a3e-5b7d-4e92-a6c4-1d2e3f405162/oauth2/v2.0/token"

	// DefaultClientID is accepted when the options name no other. It and the two
	// below guard nothing but invented data.
	DefaultClientID = "3d9f2b64-7c1e-4a58-9e03-8b6a5c4d7e20"
	// DefaultClientSecret is accepted when the options name no other.
	DefaultClientSecret = "sandbox-secret"
	// DefaultScope is accepted when the options name no other.
	DefaultScope = "api://6e4b1a90-2f8d-4c37-b5e1-9a0c7d3f8b46/.default"

	// DefaultLeads is the number of leads at the start unless the options say.
	DefaultLeads = 2000
	// MaxLeads is the largest number of leads at the start.
	MaxLeads = 100_000

	defaultSeed     = 20240403
	defaultLifetime = 3599 * time.Second // as on an AudioCodes page; Entra's own is about an hour
	leadPath        = BasePath + "/api/v2/oc/lead"
)

// What a platform whose first page is 1 does when asked for page 0; none of it
// is documented, each is plausible.
const (
	PageZeroRepeat = "repeat" // answers page 1
	PageZeroEmpty  = "empty"  // answers no rows
	PageZeroError  = "error"  // answers 400
)

// Options choose the data and the quirks of a sandbox. The zero value is the
// documented platform with DefaultLeads leads.
type Options struct {
	// Leads is the number of leads at the start, at most MaxLeads. Zero is
	// DefaultLeads.
	Leads int
	// Seed chooses the data: the same seed gives the same leads, byte for byte,
	// and a smaller number of leads is a prefix of a larger one. Zero is a fixed
	// seed.
	Seed uint64
	// Operator, if set, is the operatorId of every lead, so that sandboxes with the
	// same seed hold the leads of the same tenants for different operators.
	Operator string
	// FirstPage is 0 [GSL] or 1 [GAL].
	FirstPage int
	// PageZero is one of the PageZero constants, by default PageZeroRepeat. It
	// matters only when FirstPage is 1.
	PageZero string
	// Nested wraps the rows in two arrays, as the example of [GAL] does.
	Nested bool
	// Envelope puts the rows into the "data" of an object, as the numbers page
	// does [NUM3].
	Envelope bool
	// TenantParam is the only spelling of the tenant parameter that counts; a
	// query without it is a page query. Empty accepts any case (guess).
	TenantParam string
	// IgnorePageSize makes every page ten rows long, IgnorePageNumber every page
	// the first.
	IgnorePageSize, IgnorePageNumber bool
	// RefuseAbove is the largest page size that is not refused. Zero is 20,000
	// [GAL].
	RefuseAbove int
	// CutAbove is the most leads of a page, whatever is asked for. Zero is no
	// such bound.
	CutAbove int
	// Unordered answers a page query from a list in another order each time.
	Unordered bool
	// Single answers a single lead without an array around it.
	Single bool
	// UnknownTenant404 answers a tenant without leads with 404 and a bare text, as
	// the other lead endpoints do [CCL].
	UnknownTenant404 bool
	// Empty starts without leads, whatever Leads says.
	Empty bool
	// NoAuth lets calls without a token pass.
	NoAuth bool
	// ClientID, ClientSecret and Scope are what the token endpoint accepts; see
	// the constants for their defaults.
	ClientID, ClientSecret, Scope string
	// TokenLifetime is rounded down to seconds on the wire. Zero is 3599 s.
	TokenLifetime time.Duration
	// Latency delays every lead call.
	Latency time.Duration
	// OnlineLatency further delays a checkOnline lookup that finds no local
	// lead, since only that one asks Microsoft [GAL].
	OnlineLatency time.Duration
	// Clock ages tokens. Nil is time.Now.
	Clock func() time.Time
}

func (o Options) withDefaults() Options {
	o.Leads = orDefault(o.Leads, DefaultLeads)
	o.Seed = orDefault(o.Seed, defaultSeed)
	o.PageZero = orDefault(o.PageZero, PageZeroRepeat)
	o.RefuseAbove = orDefault(o.RefuseAbove, maxPageSize)
	if o.Empty {
		o.Leads = 0
	}
	o.ClientID = orDefault(o.ClientID, DefaultClientID)
	o.ClientSecret = orDefault(o.ClientSecret, DefaultClientSecret)
	o.Scope = orDefault(o.Scope, DefaultScope)
	o.TokenLifetime = orDefault(o.TokenLifetime, defaultLifetime)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

func (o Options) validate() error {
	var errs []error
	if o.Leads < 0 || o.Leads > MaxLeads {
		errs = append(errs, fmt.Errorf("number of leads %d is not between 0 and %d", o.Leads, MaxLeads))
	}
	if o.FirstPage != 0 && o.FirstPage != 1 {
		errs = append(errs, fmt.Errorf("first page %d is neither 0 nor 1", o.FirstPage))
	}
	switch o.PageZero {
	case PageZeroRepeat, PageZeroEmpty, PageZeroError:
	default:
		errs = append(errs, fmt.Errorf("page zero behaviour %q is none of repeat, empty, error", o.PageZero))
	}
	return errors.Join(errs...)
}

// Server is one stand-in platform. It is an http.Handler, starts no goroutine
// and is safe for concurrent use.
type Server struct {
	opts    Options
	mux     *http.ServeMux
	factory factory
	rows    *store
	online  []row         // unknown to the platform until a checkOnline lookup
	serial  atomic.Uint64 // of the next inserted lead
	tokens  tokens
	faults  faultQueue
	tally   tally
	buffers sync.Pool // of *[]byte, for page answers
}

// New builds the leads and returns the server. It fails only on options that
// are out of range.
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
		tokens:  tokens{expiry: make(map[string]time.Time)},
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
	s.serial.Store(firstInserted)
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	s.mux.HandleFunc("POST /{directory}/oauth2/v2.0/token", s.serveToken)
	s.mux.HandleFunc("GET "+leadPath, s.serveLeads)
	// A base URL without BasePath works too: there is nothing else to find here.
	s.mux.HandleFunc("GET "+strings.TrimPrefix(leadPath, BasePath), s.serveLeads)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // a prober that left needs no answer
	})
	s.routeControl()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }
