package auth

import (
	"cmp"
	"context"
	"errors"
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
)

// Times of reading keys.
const (
	defaultRefreshInterval = time.Hour
	defaultRefreshGap      = 30 * time.Second
	refreshTimeout         = 5 * time.Second
)

// errNoKeys means that keys were never read, so that no token can be judged.
var errNoKeys = errors.New("no keys")

// keySet holds an issuer's keys and keeps them fresh: read anew by the clock,
// and when a token names a key that is not among them. A read that fails leaves
// the keys as they were, for as long as it takes.
//
// keyfunc can refresh by itself, but its refresh for an unknown key ends with
// the caller that caused it, refuses the callers that come meanwhile and takes
// an empty answer for a revocation of all keys.
type keySet struct {
	url      string
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time
	interval time.Duration
	gap      time.Duration

	current atomic.Pointer[loaded] // nil until keys were read
	reading sync.Mutex             // a later read has a later answer
	flight  singleflight.Group     // the read for an unknown key
	unknown *rate.Limiter
	ctx     context.Context // ends at close
	cancel  context.CancelFunc
	running sync.WaitGroup
}

type loaded struct{ keys keyfunc.Keyfunc }

// openKeys reads the keys once and goes on without them if that fails.
func openKeys(o Options) *keySet {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	k := &keySet{
		url: o.KeysURL,
		client: &http.Client{
			Transport: transport,
			// A redirect could leave https.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log:      o.Log,
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

func (k *keySet) close() {
	k.cancel()
	k.running.Wait()
	k.client.CloseIdleConnections()
}

// keepFresh also reads the first keys if that failed: a server without any is not
// ready and gets no request that would cause it.
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

// read replaces the keys by those published now.
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
			k.log.WarnContext(k.ctx, "the keys of access tokens cannot be read", "held", k.current.Load() != nil, "error", err)
		}
		return
	}
	k.current.Store(&loaded{keys})
}

// key returns the public key that the token names. A token that names none is
// refused: trying all keys would multiply what a forged token costs.
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

// readForUnknown reads the keys for all callers that wait for it, unless that
// was done a moment ago: anybody can name keys that do not exist.
func (k *keySet) readForUnknown() (any, error) {
	if k.unknown.AllowN(k.now(), 1) {
		k.read()
	}
	return nil, nil
}
