package backend

import (
	"cmp"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"

	"leadgraph/graph/pagination"
)

// derivedKeyBytes is the length of a key that is made here.
const derivedKeyBytes = 32

// cursorKeys are the keys of an account's cursors.
type cursorKeys struct {
	key      []byte
	previous [][]byte
	// derived reports whether key follows from the credentials, which may change.
	derived bool
}

// cursorKeys returns the keys; key is nil if it is neither set nor derived. All replicas
// have the platform's credentials, so a key derived from them makes replicas and restarts
// agree without a setting. If a key is set, cursors made with the derived one are still
// accepted, so that setting it for the first time breaks no walk.
func (o *Options) cursorKeys() (k cursorKeys, err error) {
	derived, err := o.derivedKey()
	if err != nil {
		return k, err
	}
	k.key = o.CursorKey
	if o.CursorKeyPrevious != nil {
		k.previous = append(k.previous, o.CursorKeyPrevious)
	}
	if o.SecretPrevious != "" {
		former, err := o.deriveFrom(o.SecretPrevious)
		if err != nil {
			return k, err
		}
		k.previous = append(k.previous, former)
	}
	switch {
	case k.key != nil && derived != nil:
		k.previous = append(k.previous, derived)
	case k.key == nil:
		k.key, k.derived = derived, derived != nil
	}
	return k, nil
}

// invent makes a random key if none is known.
func (k *cursorKeys) invent(logger *slog.Logger) {
	if k.key != nil {
		return
	}
	logger.Warn("--cursor-key is not set and there are no credentials to derive it from: cursors become invalid on restart and do not work across replicas")
	k.key = make([]byte, derivedKeyBytes)
	_, _ = rand.Read(k.key) // never fails, by its documentation
}

// seal returns the seal of the account's cursors. If a secret is rotated in its file,
// the derived key changes while the server runs; the former one is a previous key then.
func (o *Options) seal(k cursorKeys) *pagination.Seal {
	seal := pagination.NewSeal(o.account(), k.key, k.previous...)
	if !k.derived {
		return seal
	}
	return seal.Renewing(func() []byte {
		key, err := o.derivedKey()
		if err != nil {
			return nil
		}
		return key
	})
}

// idKey derives the key of the ids that leadgraph makes. Like cursors, these ids are the
// same for all replicas with the same key, and differ between accounts.
func (o *Options) idKey(k cursorKeys) []byte {
	mac := hmac.New(sha256.New, k.key)
	_, _ = mac.Write([]byte("leadgraph ids 1 " + o.namespace())) // hashes never fail
	return mac.Sum(nil)
}

// account identifies the account in cursors. Replicas may reach the platform under
// different URLs, so the URL counts only if there is no client id.
func (o *Options) account() string {
	return cmp.Or(o.Upstream.Credentials.ClientID, o.Upstream.BaseURL)
}

// derivedKey returns a key derived from the credentials of the account, or nil if
// there are none, as in passthrough.
func (o *Options) derivedKey() (key []byte, err error) {
	client := o.Upstream.Credentials
	secret := cmp.Or(client.ClientSecret, o.Upstream.StaticToken)
	switch {
	case o.Upstream.TokenSource != nil:
		secret, err = o.Upstream.TokenSource.Read()
	case client.SecretSource != nil:
		secret, err = client.SecretSource.Read()
	}
	if err != nil {
		return nil, fmt.Errorf("deriving the cursor key: %w", err)
	}
	if secret == "" {
		return nil, nil
	}
	return o.deriveFrom(secret)
}

func (o *Options) deriveFrom(secret string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(secret), []byte(o.Upstream.Credentials.ClientID), "leadgraph cursor key", derivedKeyBytes)
}
