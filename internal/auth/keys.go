package auth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"leadgraph/internal/plaintext"
)

const (
	defaultRefreshInterval = time.Hour
	defaultRefreshGap      = 30 * time.Second
	refreshTimeout         = 5 * time.Second
)

// errNoKeys means that keys were never read, so no token can be verified.
var errNoKeys = errors.New("no keys")

// keySet holds an issuer's keys and keeps them current. It reads them at a fixed
// interval and when a token names an unknown key. If a read fails the old keys
// stay in use, with no time limit.
//
// keyfunc can refresh by itself, but its refresh for an unknown key is canceled
// together with the request that triggered it, refuses callers that arrive during
// the refresh, and treats an empty answer as a revocation of all keys.
type keySet struct {
	url      string
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time
	interval time.Duration
	gap      time.Duration

	current atomic.Pointer[loaded] // nil until keys were read
	reading sync.Mutex             // so that an older answer never replaces a newer one
	flight  singleflight.Group     // the read for an unknown key
	unknown *rate.Limiter
	ctx     context.Context // canceled by close
	cancel  context.CancelFunc
	running sync.WaitGroup
}

type loaded struct{ keys keyfunc.Keyfunc }

// openKeys reads the keys once and continues without them if that fails.
func openKeys(o Options) *keySet {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	k := &keySet{
		url: o.KeysURL,
		client: &http.Client{
			Transport: plainBodies{transport},
			// A redirect could leave https.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log:      o.Logger,
		now:      o.Now,
		interval: cmp.Or(o.RefreshInterval, defaultRefreshInterval),
		gap:      cmp.Or(o.RefreshGap, defaultRefreshGap),
	}
	k.unknown = rate.NewLimiter(rate.Every(k.gap), 1)
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.read()
	k.running.Go(k.keepFresh)
	return k
}

// maxKeysBody bounds an answer with keys, in bytes.
const maxKeysBody = 1 << 20

// plainBodies converts bodies to UTF-8 without a byte order mark.
type plainBodies struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeysBody+1))
	_ = response.Body.Close() // it has been read
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxKeysBody:
		return nil, errors.New("the key set is too large")
	}
	body = plaintext.Decode(body)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

func (k *keySet) close() {
	k.cancel()
	k.running.Wait()
	k.client.CloseIdleConnections()
}

// keepFresh refreshes the keys at the interval. While there are no keys it retries
// after the gap, because a server without keys is not ready and so gets no
// requests that would trigger a read.
func (k *keySet) keepFresh() {
	for {
		wait := k.interval
		if k.current.Load() == nil {
			wait = min(wait, k.gap)
		}
		select {
		case <-k.ctx.Done():
			return
		case <-time.After(wait):
			k.read()
		}
	}
}

// read replaces the keys with those that are published now.
func (k *keySet) read() {
	k.reading.Lock()
	defer k.reading.Unlock()
	published := jwkset.NewMemoryStorage()
	_, err := jwkset.NewStorageFromHTTP(k.url, jwkset.HTTPClientStorageOptions{
		Client: k.client, Ctx: k.ctx, HTTPTimeout: refreshTimeout, Storage: published,
	})
	if all, _ := published.KeyReadAll(k.ctx); err == nil && len(all) == 0 {
		err = errors.New("the key set is empty")
	}
	var keys keyfunc.Keyfunc
	if err == nil {
		keys, err = keyfunc.New(keyfunc.Options{
			Storage: published, UseWhitelist: []jwkset.USE{jwkset.UseSig, ""},
		})
	}
	if err != nil {
		if k.ctx.Err() == nil {
			k.log.WarnContext(k.ctx, "cannot read the keys that verify access tokens", "held", k.current.Load() != nil, "error", err)
		}
		return
	}
	k.current.Store(&loaded{keys})
}

// key returns the public key that the token names. It refuses a token that names
// no key: trying all keys would multiply the cost of a forged token.
func (k *keySet) key(ctx context.Context, token *jwt.Token) (any, error) {
	if _, named := token.Header["kid"].(string); !named {
		return nil, errHeader
	}
	found, err := k.find(ctx, token)
	if !errors.Is(err, jwkset.ErrKeyNotFound) && !errors.Is(err, errNoKeys) {
		return found, err
	}
	select {
	case <-k.flight.DoChan("", k.readForUnknown):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return k.find(ctx, token)
}

func (k *keySet) find(ctx context.Context, token *jwt.Token) (any, error) {
	held := k.current.Load()
	if held == nil {
		return nil, errNoKeys
	}
	return held.keys.KeyfuncCtx(ctx)(token)
}

// readForUnknown reads the keys for all callers that wait for them. It does
// nothing within the gap after such a read, because anybody can name keys that do
// not exist.
func (k *keySet) readForUnknown() (any, error) {
	if k.unknown.AllowN(k.now(), 1) {
		k.read()
	}
	return nil, nil
}
