package auth

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

var (
	// errUnknownKey means that the issuer publishes no key of that name.
	errUnknownKey = errors.New("unknown key")
	// errUnfitKey means that no key of that name is for the token's algorithm.
	errUnfitKey = errors.New("the key is not for this algorithm")
)

// maxSameName is how many keys of one name are tried. Issuers rarely publish two.
const maxSameName = 4

// publishedKeys are an issuer's keys by their names.
type publishedKeys map[string][]publishedKey

type publishedKey struct {
	key       any    // an *rsa.PublicKey or *ecdsa.PublicKey
	algorithm string // empty if the key is for all algorithms of its type
}

// parseKeys parses a JSON Web Key Set. It skips every key that is malformed, has no
// name, is of an unknown type or does not verify signatures, and returns how many
// these are. It fails if no key is left.
func parseKeys(body []byte) (keys publishedKeys, skipped int, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, 0, errors.New("the key set is not a JSON object with an array of keys")
	}
	keys = publishedKeys{}
	for _, raw := range set.Keys {
		name, key, ok := parseKey(raw)
		if !ok || len(keys[name]) == maxSameName {
			skipped++
			continue
		}
		keys[name] = append(keys[name], key)
	}
	if len(keys) == 0 {
		return nil, skipped, errors.New("the key set has no key that verifies signatures")
	}
	return keys, skipped, nil
}

func parseKey(raw json.RawMessage) (name string, key publishedKey, ok bool) {
	// Only the key itself is read, so certificates cannot make it unusable.
	var said struct {
		KID string
		Use jwkset.USE
		Ops []jwkset.KEYOPS `json:"key_ops"`
		Alg string

		Kty        jwkset.KTY
		Crv        jwkset.CRV
		X, Y, N, E string
	}
	if json.Unmarshal(raw, &said) != nil || said.KID == "" ||
		said.Use != "" && said.Use != jwkset.UseSig ||
		len(said.Ops) > 0 && !slices.Contains(said.Ops, jwkset.KeyOpsVerify) {
		return "", key, false
	}
	public := jwkset.JWKMarshal{KTY: said.Kty, CRV: said.Crv, X: said.X, Y: said.Y, N: said.N, E: said.E}
	parsed, err := jwkset.NewJWKFromMarshal(public, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil {
		return "", key, false
	}
	key = publishedKey{parsed.Key(), said.Alg}
	switch key.key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return said.KID, key, true
	}
	return "", key, false
}

// find returns the key that a token names, or a set of several with that name. All of
// them are for the algorithm.
func (p publishedKeys) find(name, algorithm string) (any, error) {
	named, known := p[name]
	if !known {
		return nil, errUnknownKey
	}
	var fit jwt.VerificationKeySet
	for _, k := range named {
		if k.verifies(algorithm) {
			fit.Keys = append(fit.Keys, k.key)
		}
	}
	if len(fit.Keys) == 0 {
		return nil, errUnfitKey
	}
	return fit, nil
}

func (k publishedKey) verifies(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	_, isCurve := k.key.(*ecdsa.PublicKey)
	return isCurve == strings.HasPrefix(algorithm, "ES")
}
