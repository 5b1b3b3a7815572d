package upstream

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
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

// MaxPageSize is the largest page that the platform returns, in leads [GAL].
const MaxPageSize = 20_000

// The defaults of Options.
const (
	DefaultTenantParam    = "msTenantID"
	DefaultPageSize       = 100 // the platform's own [GSL]
	DefaultMaxPages       = 10_000
	DefaultMaxLeads       = 500_000
	DefaultTimeout        = 10 * time.Second
	DefaultAttemptTimeout = 3 * time.Second
	DefaultOnlineTimeout  = 10 * time.Second
	DefaultTimePerRow     = time.Millisecond // 20 s for the largest page
	DefaultMaxConcurrent  = 64
	DefaultMaxOnline      = 4
	DefaultRetries        = 2
	DefaultMaxBody        = 64 << 20
	DefaultUserAgent      = "leadgraph"
)

// Options configures a Client. A field that is zero has the value of the Default
// constant with its name, if there is one.
type Options struct {
	// BaseURL is the URL that the paths of the API are appended to. The platform's is
	// https://<service provider host>/tenantui [AUTH]. It is required, and must be an
	// http or https URL without credentials, query or fragment. Trailing slashes do
	// not matter.
	BaseURL string

	// StaticToken is a bearer token that is sent unchanged. It cannot be combined
	// with TokenSource or Credentials. Without any of the three, requests carry no
	// authorization.
	StaticToken string
	// TokenSource returns the bearer token. It is read before each request and so
	// should be quick. It cannot be combined with StaticToken or Credentials.
	TokenSource token.SecretSource
	// Credentials are used to obtain bearer tokens with the client credentials grant.
	Credentials token.Credentials

	// TenantParam is the name of the query parameter with the tenant filter.
	TenantParam string
	// FirstPage is the number of the platform's first page, 0 or 1.
	FirstPage int
	// PageSize is the number of leads that a walk requests in a page, at most
	// MaxPageSize.
	PageSize int
	// MaxPages is the largest number of pages that a walk reads.
	MaxPages int
	// MaxLeads bounds the leads of a walk, which are kept in memory. A walk that has
	// more stops and is not complete.
	MaxLeads int

	// Timeout bounds a read with its retries, waits and token request. The deadline
	// of the caller's context applies too. A lookup that asks for two pages has this
	// time for each.
	Timeout time.Duration
	// AttemptTimeout bounds one attempt including its body, and a request for a
	// token.
	AttemptTimeout time.Duration
	// OnlineTimeout bounds a checkOnline read, which is a single attempt.
	OnlineTimeout time.Duration
	// TimePerRow extends the time-outs of a read and of its attempts for each lead
	// that the read requests: the platform may fetch addresses from Microsoft while
	// it answers a page [GAL]. A negative value means no extension.
	TimePerRow time.Duration

	// MaxConcurrent is the largest number of attempts at the same time, not counting
	// checkOnline reads. A call that finds all slots taken waits for up to half of
	// Timeout.
	MaxConcurrent int
	// Adaptive adjusts the number of concurrent attempts to the platform's speed. The
	// limit starts at a quarter of MaxConcurrent. It falls as low as a sixteenth
	// while the platform gets slower under load, and rises by little more than one a
	// second up to MaxConcurrent. This costs throughput at the start, and on a
	// platform whose answer times vary widely.
	Adaptive bool
	// MaxOnline is the largest number of checkOnline reads at the same time.
	MaxOnline int
	// RatePerSecond is the largest number of attempts started in one second. 0 means
	// no limit.
	RatePerSecond int
	// Retries is how often a failed read is retried; a negative value means never.
	// The retries of all calls together are limited to a tenth of the calls of the
	// last ten seconds, or to three if that is more.
	Retries int
	// MaxBody bounds an answer in bytes, after decompression. An answer that is kept
	// in memory is also bounded by 4 MiB plus 16 KiB for each requested lead. This
	// does not apply to EachLead, which keeps one lead at a time.
	MaxBody int64

	// IDKey is the key of the hashes that are the ids of addresses and locations without
	// one. Clients with the same key make the same ids. The default is random.
	IDKey []byte

	// Observe is called after each attempt with the context of its call. It must
	// return quickly. It may be nil.
	Observe func(context.Context, guard.Attempt)
	// ObserveUnreadable is called after each answer with rows that could not be read,
	// with their number by reason: see reader.Reasons. It must return quickly. It may be
	// nil.
	ObserveUnreadable func(context.Context, map[string]int)
	// ObserveConflicts is called after a lookup or a walk with rows that share an id with
	// an earlier row but differ from it, with their number. It must return quickly. It
	// may be nil.
	ObserveConflicts func(context.Context, int)
	// ObserveDisorder is called after a walk that met rows in another order than before.
	// It must return quickly. It may be nil.
	ObserveDisorder func(context.Context)
	// Wrap returns a round-tripper that wraps the given one, for example to trace. The
	// result makes every attempt, including requests for tokens. It may be nil.
	Wrap func(http.RoundTripper) http.RoundTripper

	// Logger gets attempts at debug level. It gets outages, tolerated oddities and
	// failed token requests as warnings. Nil means no log.
	Logger *slog.Logger
	// UserAgent is sent with every request.
	UserAgent string

	// rootCAs are the authorities to trust in tests. Nil means those of the system.
	rootCAs *x509.CertPool
}

func (o Options) withDefaults() Options {
	o.TenantParam = cmp.Or(o.TenantParam, DefaultTenantParam)
	o.PageSize = cmp.Or(o.PageSize, DefaultPageSize)
	o.MaxPages = cmp.Or(o.MaxPages, DefaultMaxPages)
	o.MaxLeads = cmp.Or(o.MaxLeads, DefaultMaxLeads)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.AttemptTimeout = cmp.Or(o.AttemptTimeout, DefaultAttemptTimeout)
	o.OnlineTimeout = cmp.Or(o.OnlineTimeout, DefaultOnlineTimeout)
	o.TimePerRow = cmp.Or(o.TimePerRow, DefaultTimePerRow)
	o.MaxConcurrent = cmp.Or(o.MaxConcurrent, DefaultMaxConcurrent)
	o.MaxOnline = cmp.Or(o.MaxOnline, DefaultMaxOnline)
	o.Retries = cmp.Or(o.Retries, DefaultRetries)
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.UserAgent = cmp.Or(o.UserAgent, DefaultUserAgent)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if len(o.IDKey) == 0 {
		o.IDKey = []byte(rand.Text())
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	o.TimePerRow = max(o.TimePerRow, 0)
	return o
}

// paramName matches query keys that need no escaping.
var paramName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// problems returns an error for every wrong field of o, whose defaults must be set.
// The texts name the fields but not the values, because some are secret.
func (o Options) problems() error {
	errs := []error{checkURL("BaseURL", o.BaseURL, false), o.checkAuth()}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(paramName.MatchString(o.TenantParam), "TenantParam: not the name of a query parameter")
	check(o.FirstPage == 0 || o.FirstPage == 1, "FirstPage: must be 0 or 1")
	check(o.PageSize >= 1 && o.PageSize <= MaxPageSize, "PageSize: must be between 1 and %d", MaxPageSize)
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

// checkURL returns what is wrong with the URL in a field. It may have a query only
// if query is true.
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
		return fmt.Errorf("%s: must not contain credentials", field)
	case u.Fragment != "":
		return fmt.Errorf("%s: must not have a fragment", field)
	case !query && (u.RawQuery != "" || u.ForceQuery):
		return fmt.Errorf("%s: must not have a query", field)
	}
	return nil
}
