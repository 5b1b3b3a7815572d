package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// claims holds the claims that are used here. Issuers write scopes either as one
// string or as a list. Entra grants roles to a program that acts for no user.
type claims struct {
	jwt.RegisteredClaims
	OID               string // Entra's id of the user or the program
	SCP, Scope, Roles jwt.ClaimStrings
}

// UnmarshalJSON implements json.Unmarshaler. encoding/json ignores case, takes texts
// for numbers and lets the last of two members count; claims are read to the letter
// instead. null means that a claim is absent.
func (c *claims) UnmarshalJSON(data []byte) error {
	said, err := membersOf(data)
	if err != nil {
		return err
	}
	var errs []error
	for name, into := range map[string]*string{"iss": &c.Issuer, "sub": &c.Subject, "oid": &c.OID, "jti": &c.ID} {
		errs = append(errs, said.read(name, `"`, into))
	}
	for name, into := range map[string]**jwt.NumericDate{"exp": &c.ExpiresAt, "nbf": &c.NotBefore, "iat": &c.IssuedAt} {
		errs = append(errs, said.readTime(name, into))
	}
	for name, into := range map[string]*jwt.ClaimStrings{"aud": &c.Audience, "scp": &c.SCP, "scope": &c.Scope, "roles": &c.Roles} {
		errs = append(errs, said.read(name, `"[`, into))
	}
	return errors.Join(errs...)
}

var errClaim = errors.New("a claim has the wrong type")

// members are the values of an object by their exact names.
type members map[string]json.RawMessage

// read parses a member, which must begin with one of the characters.
func (m members) read(name, begins string, into any) error {
	value, given := m[name]
	switch {
	case !given || string(value) == "null":
		return nil
	case !strings.ContainsRune(begins, rune(value[0])):
		return errClaim
	}
	return json.Unmarshal(value, into)
}

// membersOf splits an object. It refuses one that has two members of the same name,
// because the program that made the token may have meant the other one.
func membersOf(data []byte) (members, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errClaim
	}
	said := members{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		text, _ := name.(string) // the decoder accepts no other names
		if _, twice := said[text]; twice {
			return nil, errClaim
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		said[text] = value
	}
	return said, nil
}

// readTime parses a time in seconds since 1970. It refuses times without a text form,
// because the conversion of a huge number can result in any other time.
func (m members) readTime(name string, into **jwt.NumericDate) error {
	var seconds *float64
	err := m.read(name, "-0123456789", &seconds)
	switch {
	case err != nil || seconds == nil:
		return err
	case *seconds < 0 || *seconds > endOfTime:
		return errClaim
	}
	*into = jwt.NewNumericDate(time.Unix(int64(*seconds), 0))
	return nil
}

// endOfTime is the last second of the year 9999.
const endOfTime = 253_402_300_799

func (c *claims) grants(scope string) bool {
	for _, list := range slices.Concat(c.SCP, c.Scope) {
		if slices.Contains(strings.Fields(list), scope) {
			return true
		}
	}
	// A role's name may contain spaces, so it is not split.
	return slices.Contains(c.Roles, scope)
}
