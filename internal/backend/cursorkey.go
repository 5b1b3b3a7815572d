package backend

import (
	"cmp"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"leadgraph/graph/pagination"
)

// derivedKeyBytes is the length of a key that is made here.
const derivedKeyBytes = 32

// seal returns the seal of the account's cursors. All replicas have the platform's
// credentials, so a key derived from them makes replicas and restarts agree without
// a setting. If a key is set, cursors made with the derived one are still accepted,
// so that setting it for the first time breaks no walk.
func (o *Options) seal() (*pagination.Seal, error) {
	derived, err := o.derivedKey()
	if err != nil {
		return nil, err
	}
	key := o.CursorKey
	var previous [][]byte
	if o.CursorKeyPrevious != nil {
		previous = append(previous, o.CursorKeyPrevious)
	}
	switch {
	case key != nil && derived != nil:
		previous = append(previous, derived)
	case key == nil && derived != nil:
		key = derived
	case key == nil:
		o.Logger.Warn("--cursor-key is not set and there are no credentials to derive it from: cursors become invalid on restart and do not work across replicas")
		key = make([]byte, derivedKeyBytes)
		_, _ = rand.Read(key) // never fails, by its documentation
	}
	return pagination.NewSeal(o.account(), key, previous...), nil
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
	return hkdf.Key(sha256.New, []byte(secret), []byte(client.ClientID), "leadgraph cursor key", derivedKeyBytes)
}
