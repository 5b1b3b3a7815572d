// Package web holds the browser assets of leadgraph, embedded in the binary, and
// serves them: the playground, a GraphiQL built from the folder playground into
// the folder dist.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"time"
)

// ContentSecurityPolicy is what the playground's pages and workers may do. All
// of it comes from and talks to this origin; no inline script, no eval, no blob.
// Inline styles stay allowed because the Monaco editor positions every line with
// a style attribute and writes its theme as a style element; with images, fonts
// and connections bound to this origin, a style cannot carry data away. The
// data: images are Monaco's own icons and the waves under errors.
const ContentSecurityPolicy = "default-src 'none'; " +
	"script-src 'self'; " +
	"worker-src 'self'; " +
	"connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; " +
	"font-src 'self'; " +
	"base-uri 'none'; " +
	"form-action 'none'; " +
	"frame-ancestors 'none'"

//go:embed dist/index.html
var index []byte

//go:embed dist/assets
var assets embed.FS

// Examples holds the queries that the playground opens with, one tab each:
// playground/examples/*.graphql, with variables in a .json file of the same name
// where the query has any.
//
//go:embed playground/examples
var Examples embed.FS

// Playground serves the page at / and its assets below /assets/; the page sends
// its queries to /graphql of the same origin. It answers only GET and HEAD. The
// handler holds no state and is safe for concurrent use.
func Playground() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", serveIndex(etag(index)))
	mux.HandleFunc("GET /assets/{name}", serveAsset)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// On every answer, not only on the page: a worker obeys the policy that
		// came with its own script.
		h := w.Header()
		h.Set("Content-Security-Policy", ContentSecurityPolicy)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

func serveIndex(tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(index))
	}
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	file, err := assets.Open("dist/assets/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = file.Close() }() // read only: nothing can be lost
	// An embedded file can seek, an embedded folder cannot.
	content, ok := file.(io.ReadSeeker)
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", contentType(name))
	h.Set("ETag", `"`+name+`"`) // the name holds a hash of the content
	http.ServeContent(w, r, "", time.Time{}, content)
}

// contentType knows the kinds of file that the build writes. The mime package
// would also ask the machine, whose answers differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	default:
		return "application/octet-stream"
	}
}

func etag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}
