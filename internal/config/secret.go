package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"leadgraph/internal/plaintext"
)

// Secret is a string that is never printed.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a secret from a flag or a variable. White space around it is
// left out, as it is from a file.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(strings.TrimSpace(string(text)))
	return nil
}

func (s *Secret) readFile(flag, path string) error {
	if path == "" {
		return nil
	}
	if *s != "" {
		return fmt.Errorf("%s: the secret is also given as a value; give only one of the two", flag)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: cannot read the file", flag)
	}
	*s = Secret(plaintext.Trimmed(text))
	if *s == "" {
		return fmt.Errorf("%s: the file is empty", flag)
	}
	return nil
}

// keyBytes is the length of every key among the settings.
const keyBytes = 32

// Key decodes a secret that holds a key. It returns nil if the secret is empty;
// Load has already refused a malformed one.
func (s Secret) Key() []byte {
	key, err := base64.StdEncoding.DecodeString(string(s))
	if err != nil || len(key) != keyBytes {
		return nil
	}
	return key
}

func (s *Secret) checkKey(flag string) error {
	if *s != "" && s.Key() == nil {
		return fmt.Errorf("%s must be %d bytes, encoded in base64", flag, keyBytes)
	}
	return nil
}
