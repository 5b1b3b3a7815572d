package hostile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"leadgraph/test/soak/pace"
)

// Hangups makes leadgraph read again what it reads on SIGHUP, each time with another
// level of the log and another trusted document.
type Hangups struct {
	dir  string
	sent int
}

// NewHangups returns hangups that keep their files in a folder.
func NewHangups(dir string) (*Hangups, error) {
	h := &Hangups{dir: dir}
	return h, h.write()
}

// Flags returns the flags that make leadgraph read the files.
func (h *Hangups) Flags() []string {
	return []string{"--log-level-file", h.file("level"), "--trusted-documents", h.file("documents.json")}
}

func (h *Hangups) file(name string) string { return filepath.Join(h.dir, name) }

// document returns the id of the document that is trusted after so many hangups.
func (h *Hangups) document() string { return fmt.Sprintf("document-%d", h.sent) }

func (h *Hangups) write() error {
	level := []string{"info", "debug", "warn"}[h.sent%3]
	if err := os.WriteFile(h.file("level"), []byte(level), 0o600); err != nil {
		return err
	}
	// A document on one line is not a manifest any more: a reload in the middle of a
	// write keeps the old one.
	return os.WriteFile(h.file("documents.json"), fmt.Appendf(nil, `{%q:"{ __typename }"}`, h.document()), 0o600)
}

// Hangup is how hangups reach leadgraph, and how they are judged.
type Hangup struct {
	Endpoint string // URL of the API
	Signal   func() error
	Pause    time.Duration // between two hangups
	Deadline time.Duration // in which the new document must be known
	// Count notes a hangup, and Wrong a violation.
	Count func(what string)
	Wrong func(format string, args ...any)
}

// Run sends a hangup after each pause until ctx ends.
func (h *Hangups) Run(ctx context.Context, to Hangup) error {
	for pace.Rest(ctx, to.Pause) {
		h.sent++
		if err := h.write(); err != nil {
			return err
		}
		if err := to.Signal(); err != nil {
			return err
		}
		to.Count("SIGHUP")
		to.await(context.WithoutCancel(ctx), h.document())
	}
	return nil
}

// await waits until leadgraph knows the document.
func (to Hangup) await(ctx context.Context, document string) {
	ctx, cancel := context.WithTimeout(ctx, to.Deadline)
	defer cancel()
	client := newClient("127.0.0.1")
	defer client.CloseIdleConnections()
	for {
		status, text, err := post(ctx, client, to.Endpoint, "", fmt.Sprintf(`{"documentId":%q}`, document))
		if err == nil && strings.Contains(text, `"__typename":"Query"`) {
			return
		}
		if !pace.Rest(ctx, 50*time.Millisecond) {
			to.Wrong("after SIGHUP, %s is not known: %d %.*s %v", document, status, maxShown, text, err)
			return
		}
	}
}
