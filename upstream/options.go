package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"leadgraph/upstream/guard"
	"leadgraph/upstream/token"
)

const (
	// MaxPageSize is the most leads the platform answers in one page [GAL].
	MaxPageSize = 20_000

	// DefaultPageSize is the page size of walks unless set; the default of [GSL].
	DefaultPageSize = 100
)

// Options configures a Client. A zero value means the default named at the field.
type Options struct {
	// BaseURL is where the API's paths start, for the platform
	// https://<service provider host>/tenantui [AUTH]. Required; http or https,
	// without credentials, query or fragment. Trailing slashes do not matter.
	BaseURL string

	// StaticToken is a bearer token to send as it is. It excludes TokenSource and
	// Credentials; without any of them, requests carry no authorization.
	StaticToken string
	// TokenSource is asked for the bearer token before each request, so it should
	// be quick. It excludes StaticToken and Credentials.
	TokenSource token.SecretSource
	// Credentials obtain bearer tokens by the client credentials grant.
	Credentials token.Credentials

	// TenantParam is the spelling of the tenant filter. Default msTenantID.
	TenantParam string
	// FirstPage is the number the platform gives its first page: 0 (default) or 1.
	FirstPage int
	// PageSize is the number of leads a page of a walk asks for, up to
	// MaxPageSize. Default DefaultPageSize.
	PageSize int
	// MaxPages bounds a walk. Default 10,000.
	MaxPages int

	// MaxLeads bounds a walk too, since its leads are kept in memory: it ends,
	// incomplete, once it has more. Default 500,000.
	MaxLeads int

	// Timeout bounds a read with its retries, waits and token; the deadline of the
	// caller's context does too. A lookup that must ask twice has it twice.
	// Default 10 s.
	Timeout time.Duration
	// AttemptTimeout bounds a single attempt including its body, and a request
	// for a token. Default 3 s.
	AttemptTimeout time.Duration
	// OnlineTimeout bounds a checkOnline read, which is one attempt. Default 10 s.
	OnlineTimeout time.Duration
	// TimePerRow extends both time-outs for each lead that the call asks for: the
	// platform may fetch addresses from Microsoft while it answers a page [GAL].
	// Default 1 ms, hence 20 s more for the largest page; negative means none.
	TimePerRow time.Duration

	// MaxConcurrent bounds the attempts under way. Default 64. A call that finds
	// no room waits for half of Timeout at most.
	MaxConcurrent int
	// Adaptive lets that bound follow the platform's speed: it begins with a
	// quarter, falls to a sixteenth while the platform gets slower the more it is
	// asked, and rises, by little more than one a second, up to the whole. That
	// costs throughput at the start, and where answers take very different times.
	Adaptive bool
	// MaxOnline bounds the checkOnline reads under way, which do not count for
	// MaxConcurrent. Default 4.
	MaxOnline int
	// RatePerSecond bounds the attempts begun in a second. 0 means no bound.
	RatePerSecond int
	// Retries is how often a failed read is tried again. Default 2; negative
	// means never. Retries of all calls together are at most a tenth of the calls
	// of the last ten seconds, or three.
	Retries int
	// MaxBody bounds an answer, after decompression, in bytes. Default 64 MiB. An
	// answer that is kept in memory has further at most 4 MiB and 16 KiB for each
	// lead that was asked for: all but those of EachLead, which reads them one by
	// one.
	MaxBody int64

	// Observe is called after each attempt, with the context of its call; it must
	// return soon. Nil means that nobody watches.
	Observe func(context.Context, guard.Attempt)
	// Wrap puts a round-tripper around each single attempt on the wire, requests
	// for tokens included, as tracing needs it. Nil means none.
	Wrap func(http.RoundTripper) http.RoundTripper

	// Logger gets attempts at debug level, and outages, tolerated oddities and
	// failures to get a token as warnings. Default: no log.
	Logger *slog.Logger
	// UserAgent is sent with every request. Default leadgraph.
	UserAgent string
}

func (o Options) withDefaults() Options {
	setDefault(&o.TenantParam, "msTenantID")
	setDefault(&o.PageSize, DefaultPageSize)
	setDefault(&o.MaxPages, 10_000)
	setDefault(&o.MaxLeads, 500_000)
	setDefault(&o.Timeout, 10*time.Second)
	setDefault(&o.AttemptTimeout, 3*time.Second)
	setDefault(&o.OnlineTimeout, 10*time.Second)
	setDefault(&o.TimePerRow, time.Millisecond)
	setDefault(&o.MaxConcurrent, 64)
	setDefault(&o.MaxOnline, 4)
	setDefault(&o.Retries, 2)
	setDefault(&o.MaxBody, 64<<20)
	setDefault(&o.Logger, slog.New(slog.DiscardHandler))
	setDefault(&o.UserAgent, "leadgraph")
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	o.TimePerRow = max(o.TimePerRow, 0)
	return o
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// paramName is what a query key can be without escaping.
var paramName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// problems reports everything that is wrong with o, which has its defaults set.
// The texts name the fields, never the values: some are secret.
func (o Options) problems() error {
	errs := []error{checkURL("BaseURL", o.BaseURL, false), o.checkAuth()}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(paramName.MatchString(o.TenantParam), "TenantParam: not the name of a query parameter")
	check(o.FirstPage == 0 || o.FirstPage == 1, "FirstPage: must be 0 or 1")
	check(o.PageSize >= 1 && o.PageSize <= MaxPageSize, "PageSize: must be 1 to %d", MaxPageSize)
	check(o.MaxPages >= 1, "MaxPages: must be positive")
	check(o.MaxLeads >= 1, "MaxLeads: must be positive")
	check(o.Timeout > 0, "Timeout: must be positive")
	check(o.AttemptTimeout > 0, "AttemptTimeout: must be positive")
	check(o.OnlineTimeout > 0, "OnlineTimeout: must be positive")
	check(o.MaxConcurrent >= 1, "MaxConcurrent: must be positive")
	check(o.MaxOnline >= 1, "MaxOnline: must be positive")
	check(o.RatePerSecond >= 0, "RatePerSecond: must not be negative")
	check(o.MaxBody >= 1, "MaxBody: must be positive")
	check(token.Printable(o.UserAgent), "UserAgent: must be printable ASCII")
	return errors.Join(errs...)
}

func (o Options) checkAuth() error {
	c := o.Credentials
	var errs []error
	check := func(ok bool, problem string) {
		if !ok {
			errs = append(errs, errors.New(problem))
		}
	}
	check(token.Printable(o.StaticToken), "StaticToken: must be printable ASCII")
	check(o.StaticToken == "" || o.TokenSource == nil, "TokenSource: excludes StaticToken")
	if c == (token.Credentials{}) {
		return errors.Join(errs...)
	}
	check(o.StaticToken == "", "StaticToken: excludes Credentials")
	check(o.TokenSource == nil, "TokenSource: excludes Credentials")
	errs = append(errs, checkURL("Credentials.TokenURL", c.TokenURL, true))
	check(c.ClientID != "", "Credentials.ClientID: missing")
	check(c.ClientSecret != "" || c.SecretSource != nil, "Credentials.ClientSecret: missing")
	check(c.ClientSecret == "" || c.SecretSource == nil, "Credentials.SecretSource: excludes ClientSecret")
	return errors.Join(errs...)
}

func checkURL(field, text string, query bool) error {
	if text == "" {
		return fmt.Errorf("%s: missing", field)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil: // its text quotes the URL, which may hold a secret
		return fmt.Errorf("%s: not a URL", field)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%s: must start with http:// or https://", field)
	case u.Hostname() == "":
		return fmt.Errorf("%s: has no host", field)
	case u.User != nil:
		return fmt.Errorf("%s: must not hold credentials", field)
	case u.Fragment != "" || !query && (u.RawQuery != "" || u.ForceQuery):
		return fmt.Errorf("%s: must end with its path", field)
	}
	return nil
}
