package secretfile_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"leadgraph/internal/plaintext/plaintexttest"
	"leadgraph/internal/secretfile"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) (*secretfile.File, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	file, err := secretfile.Open("client secret", path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return file, log
}

func want(t *testing.T, file *secretfile.File, secret string) {
	t.Helper()
	if got, err := file.Read(); got != secret || err != nil {
		t.Errorf("secret is %q, error %v, want %q", got, err, secret)
	}
}

func TestAChangedFileIsReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, " canary-1\n")
	file, log := open(t, path)
	want(t, file, "canary-1")
	write(t, path, "canary-22\n")
	want(t, file, "canary-22")
	// Another file with the same size and time replaces it.
	other := path + ".new"
	write(t, other, "canary-33\n")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(other, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	want(t, file, "canary-33")
	want(t, file, "canary-33")
	if text := log.String(); strings.Count(text, "reloaded a secret from its file") != 2 || strings.Contains(text, "canary") {
		t.Errorf("the log is %s", text)
	}
}

// Kubernetes creates a new directory next to the old one and swaps the link.
func TestASwappedLinkIsFollowed(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	version := func(name, secret string) {
		if err := os.Mkdir(filepath.Join(volume, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(volume, name, "secret"), secret)
		link := filepath.Join(volume, "..data_tmp")
		if err := os.Symlink(name, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(volume, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", "first")
	path := filepath.Join(volume, "secret")
	if err := os.Symlink(filepath.Join("..data", "secret"), path); err != nil {
		t.Fatal(err)
	}
	file, _ := open(t, path)
	want(t, file, "first")
	version("..2", "other")
	if err := os.RemoveAll(filepath.Join(volume, "..1")); err != nil {
		t.Fatal(err)
	}
	want(t, file, "other")
}

func TestTheLastGoodSecretStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "good")
	file, log := open(t, path)
	for name, spoil := range map[string]func(){
		"missing":   func() { _ = os.Remove(path) },
		"empty":     func() { write(t, path, "\n") },
		"too large": func() { write(t, path, strings.Repeat("x", 65<<10)) },
		"directory": func() { _ = os.Remove(path); _ = os.Mkdir(path, 0o700) },
	} {
		log.Reset()
		spoil()
		for range 3 {
			want(t, file, "good")
		}
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || strings.Contains(text, path) {
			t.Errorf("%s: the log is %s", name, text)
		}
		_ = os.Remove(path)
		write(t, path, "good")
		want(t, file, "good")
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "changed=false") {
			t.Errorf("%s: the log is %s", name, text)
		}
	}
}

func TestOpenFailures(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	for _, says := range []string{"client secret: the file cannot be read", "client secret: the file is empty"} {
		if _, err := secretfile.Open("client secret", path, slog.New(slog.DiscardHandler)); err == nil || err.Error() != says {
			t.Errorf("error is %v", err)
		}
		write(t, path, " ")
	}
}

func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "a")
	file, _ := open(t, path)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 100 {
				if got, _ := file.Read(); got != "a" && got != "bb" {
					t.Errorf("secret is %q", got)
				}
			}
		})
	}
	write(t, path, "bb")
	readers.Wait()
	want(t, file, "bb")
}

// Editors and shells on Windows write a byte order mark, and UTF-16.
func TestSecretsInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, text := range plaintexttest.Encodings(" canary\r\n") {
		path := filepath.Join(t.TempDir(), "secret")
		write(t, path, text)
		file, _ := open(t, path)
		want(t, file, "canary")
	}
}
