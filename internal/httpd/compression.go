package httpd

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// worthCompressing is in bytes; less than that fits into one packet anyway.
const worthCompressing = 1 << 10

// withCompression compresses answers for clients that accept gzip, and reads
// bodies that came in it. maxBody bounds a body twice: what was sent, because
// gzip can hold any number of blocks that decompress to nothing, and what it
// decompresses to, which is read as a stream and no further than the bound.
// That also bounds what a bomb costs, so that its ratio need not be looked at.
func withCompression(maxBody int64, next http.Handler) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(
		gzhttp.MinSize(worthCompressing),
		gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.EnableZstd(false), // one coding that every client and proxy reads
		gzhttp.ContentTypes([]string{"application/json", "application/graphql-response+json"}),
		gzhttp.AllowCompressedRequests(true),
	)
	if err != nil {
		return nil, err
	}
	coded := compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := http.MaxBytesReader(w, r.Body, maxBody)
		defer func() { _ = body.Close() }() // the decompressor goes back to its pool
		r.Body = body
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.ToLower(strings.Join(r.Header.Values("Content-Encoding"), ",")) {
		case "", "identity":
		case "gzip", "x-gzip":
			r.Header.Set("Content-Encoding", "gzip")
			r.ContentLength = -1 // of what next reads
		default:
			w.Header().Set("Accept-Encoding", "gzip")
			Refuse(w, r, http.StatusUnsupportedMediaType, "BAD_USER_INPUT", "Content-Encoding must be gzip, or there must be none.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		coded.ServeHTTP(w, r)
	}), nil
}
