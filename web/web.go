// Package web embeds leadgraph's browser assets and serves them. They are the
// playground: a GraphiQL that is built from the folder playground into the folder
// dist.
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

// ContentSecurityPolicy restricts the playground's page and workers. They load
// everything from this origin and connect only to it; inline scripts, eval and
// blobs are forbidden. Inline styles are allowed because the Monaco editor
// positions every line with a style attribute and writes its theme into a style
// element. A style cannot send data elsewhere, because images, fonts and
// connections are restricted to this origin. Monaco's icons and the wavy lines
// under errors are data: images.
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

// Examples holds the queries that the playground shows at first, one in each tab:
// playground/examples/*.graphql. The variables of a query, if it has any, are in
// the .json file of the same name.
//
//go:embed playground/examples
var Examples embed.FS

// Playground returns a handler that serves the page at / and its assets below
// /assets/. The page sends its queries to /graphql of the same origin. The handler
// accepts only GET and HEAD, has no state and is safe for concurrent use.
func Playground() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", serveIndex(etag(index)))
	mux.HandleFunc("GET /assets/{name}", serveAsset)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Every response needs the policy, not only the page: a worker obeys the
		// policy that its own script was served with.
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
	defer func() { _ = file.Close() }() // it was only read
	// Embedded files can seek, embedded folders cannot.
	content, ok := file.(io.ReadSeeker)
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", contentType(name))
	h.Set("ETag", `"`+name+`"`) // the name contains a hash of the content
	http.ServeContent(w, r, "", time.Time{}, content)
}

// contentType returns the media type of a file that the build writes. The mime
// package also uses the machine's configuration, which differs between machines.
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
