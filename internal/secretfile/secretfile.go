// Package secretfile reads a secret from a file, and reads it again when the file
// has changed. Secrets are replaced while the program runs: by a person, or by
// Kubernetes, which swaps a symbolic link.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"leadgraph/internal/plaintext"
)

// maxSize is the maximum size of a file in bytes, far larger than any secret.
const maxSize = 64 << 10

// File is a secret in a file. It is safe for concurrent use.
type File struct {
	name, path string
	log        *slog.Logger

	mu     sync.Mutex
	secret string
	seen   os.FileInfo // the state of the file when secret was read
	failed bool        // the last read failed
}

// Open reads the secret for the first time. Logs refer to the secret by name. The
// error contains neither the path nor the secret.
func Open(name, path string, log *slog.Logger) (*File, error) {
	f := &File{name: name, path: path, log: log}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Read returns the secret in the file, without surrounding white space. If the
// file is unchanged, this costs one stat call. While the file cannot be read, or
// is empty because it is being written, Read returns the last good secret and logs
// a warning once. The error is always nil.
func (f *File) Read() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.secret
	switch err := f.read(); {
	case err != nil && !f.failed:
		f.failed = true
		f.log.Warn("cannot read the file of a secret; the last good secret stays in use", "secret", f.name, "reason", err.Error())
	case err == nil && (f.failed || f.secret != old):
		f.failed = false
		f.log.Info("reloaded a secret from its file", "secret", f.name, "changed", f.secret != old)
	}
	return f.secret, nil
}

// Reload reads the file even if it seems unchanged. A failure is logged, and the last
// good secret stays in use.
func (f *File) Reload() {
	f.mu.Lock()
	f.seen = nil
	f.mu.Unlock()
	_, _ = f.Read() // the error is always nil
}

func (f *File) read() error {
	// Stat comes before reading, so that the next call sees a change made in between.
	info, err := os.Stat(f.path)
	if err != nil {
		return errors.New("the file cannot be read")
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return errors.New("the file cannot be read")
	}
	defer func() { _ = file.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	secret := plaintext.Trimmed(text)
	switch {
	case err != nil:
		return errors.New("the file cannot be read")
	case len(text) > maxSize:
		return errors.New("the file is too large")
	case secret == "":
		return errors.New("the file is empty")
	}
	f.secret, f.seen = secret, info
	return nil
}
