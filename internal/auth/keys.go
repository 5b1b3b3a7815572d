package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"leadgraph/internal/plaintext"
)

const (
	defaultRefreshInterval = time.Hour
	// defaultRefreshGap is also how long a new key can stay unknown after somebody
	// asked for a key that does not exist.
	defaultRefreshGap = 5 * time.Second
	refreshTimeout    = 5 * time.Second
)

// errNoKeys means that keys were never read, so no token can be verified.
var errNoKeys = errors.New("no keys")

// keySet holds an issuer's keys and keeps them current. It reads them at a fixed
// interval and when a token names an unknown key. If a read fails the old keys
// stay in use, with no time limit.
//
// The library keyfunc also keeps keys current, but one malformed key makes it refuse
// the whole set, its refresh for an unknown key is canceled together with the request
// that triggered it and refuses callers that arrive meanwhile, and it treats an empty
// answer as a revocation of all keys.
type keySet struct {
	url      string
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time
	interval time.Duration
	gap      time.Duration

	current atomic.Pointer[publishedKeys] // nil until keys were read
	reading sync.Mutex                    // so that an older answer never replaces a newer one
	flight  singleflight.Group            // the read for an unknown key
	unknown *rate.Limiter
	ctx     context.Context // canceled by close
	cancel  context.CancelFunc
	running sync.WaitGroup
	skipped int // in the last key set; protected by reading
}

// openKeys reads the keys once and continues without them if that fails.
func openKeys(o Options) *keySet {
	k := &keySet{
		url: o.KeysURL,
		client: &http.Client{
			Transport: http.DefaultTransport.(*http.Transport).Clone(),
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

// fetch returns the published key set as UTF-8 without a byte order mark.
func (k *keySet) fetch() ([]byte, error) {
	ctx, cancel := context.WithTimeout(k.ctx, refreshTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeysBody+1))
	_ = response.Body.Close() // it has been read
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d", response.StatusCode)
	case err != nil:
		return nil, err
	case len(body) > maxKeysBody:
		return nil, errors.New("the key set is too large")
	}
	return plaintext.Decode(body), nil
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
	body, err := k.fetch()
	var keys publishedKeys
	skipped := 0
	if err == nil {
		keys, skipped, err = parseKeys(body)
	}
	if err != nil {
		if k.ctx.Err() == nil {
			k.log.WarnContext(k.ctx, "cannot read the keys that verify access tokens", "held", k.current.Load() != nil, "error", err)
		}
		return
	}
	if skipped != k.skipped {
		k.log.InfoContext(k.ctx, "some published keys are malformed or do not verify signatures; they are not used", "skipped", skipped)
	}
	k.skipped = skipped
	k.current.Store(&keys)
}

// key returns the public key that the token names. It refuses a token that names
// no key: trying all keys would multiply the cost of a forged token.
func (k *keySet) key(ctx context.Context, token *jwt.Token) (any, error) {
	name, named := token.Header["kid"].(string)
	if !named {
		return nil, errHeader
	}
	found, err := k.find(name, token.Method.Alg())
	if !errors.Is(err, errUnknownKey) && !errors.Is(err, errNoKeys) {
		return found, err
	}
	select {
	case <-k.flight.DoChan("", k.readForUnknown):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return k.find(name, token.Method.Alg())
}

func (k *keySet) find(name, algorithm string) (any, error) {
	held := k.current.Load()
	if held == nil {
		return nil, errNoKeys
	}
	return held.find(name, algorithm)
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
