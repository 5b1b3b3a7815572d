package httpd

import (
	"net/http"
	"strings"

	"leadgraph/internal/errcode"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// worthCompressing is the minimum size of a compressed answer in bytes. A smaller
// answer fits into one packet anyway.
const worthCompressing = 1 << 10

// withCompression compresses answers for clients that accept gzip, and
// decompresses request bodies in gzip. maxBody bounds a body twice. It bounds the
// bytes sent, because gzip can contain any number of blocks that decompress to
// nothing. It also bounds the decompressed bytes, which are streamed and read no
// further than the bound. This limits the cost of a decompression bomb, so its
// ratio need not be checked.
func withCompression(maxBody int64, next http.Handler) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(
		gzhttp.MinSize(worthCompressing),
		gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.EnableZstd(false), // every client and proxy understands gzip
		gzhttp.ContentTypes([]string{"application/json", "application/graphql-response+json", "application/x-ndjson", "text/csv"}),
		gzhttp.AllowCompressedRequests(true),
	)
	if err != nil {
		return nil, err
	}
	coded := compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := http.MaxBytesReader(w, r.Body, maxBody)
		defer func() { _ = body.Close() }() // returns the decompressor to its pool
		r.Body = body
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.ToLower(strings.Join(r.Header.Values("Content-Encoding"), ",")) {
		case "", "identity":
		case "gzip", "x-gzip":
			r.Header.Set("Content-Encoding", "gzip")
			r.ContentLength = -1 // the decompressed length is unknown
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		default:
			w.Header().Set("Accept-Encoding", "gzip")
			Refuse(w, r, http.StatusUnsupportedMediaType, errcode.BadUserInput, "Content-Encoding must be gzip or absent.")
			return
		}
		coded.ServeHTTP(w, r)
	}), nil
}
