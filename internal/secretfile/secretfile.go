// Package secretfile keeps a secret that is in a file, and reads it again when
// the file has changed. Secrets are replaced while the program runs: by a person,
// or by Kubernetes, which swaps a symbolic link.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// maxSize is many times the size of any secret, in bytes.
const maxSize = 64 << 10

// File is a secret in a file. It is safe for concurrent use.
type File struct {
	name, path string
	log        *slog.Logger

	mu     sync.Mutex
	secret string
	seen   os.FileInfo // when secret was read
	failed bool        // to read it since
}

// Open reads the secret for the first time. The name is what logs call it. The
// error tells neither the path nor the secret.
func Open(name, path string, log *slog.Logger) (*File, error) {
	f := &File{name: name, path: path, log: log}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Read returns the secret that is in the file, without the space around it. If
// that is unchanged, it costs no more than to ask for the file's state. While the
// file cannot be read, or is empty because it is just being written, the last
// good secret stays, and a warning is logged once. The error is always nil.
func (f *File) Read() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.secret
	switch err := f.read(); {
	case err != nil && !f.failed:
		f.failed = true
		f.log.Warn("a secret's file cannot be read; the last one is kept", "secret", f.name, "reason", err.Error())
	case err == nil && (f.failed || f.secret != old):
		f.failed = false
		f.log.Info("a secret was read from its file again", "secret", f.name, "changed", f.secret != old)
	}
	return f.secret, nil
}

func (f *File) read() error {
	// Before the file is read, so that a change in between is seen the next time.
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
	secret := strings.TrimSpace(string(text))
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
