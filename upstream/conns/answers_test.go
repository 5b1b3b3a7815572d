package conns

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const good = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"

// zipped returns text compressed.
func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // to memory
	_ = w.Close()
	return b.String()
}

// plain returns an answer with these further header lines and this body.
func plain(lines, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(body), lines, body)
}

// answers are answers of all kinds. Each is sent for every request.
var answers = map[string]reply{
	"as it should be":                    {text: good},
	"large":                              {text: plain("", strings.Repeat("x", 3<<20))},
	"closed after it":                    {text: good, then: shut},
	"Connection: close":                  {text: plain("Connection: close\r\n", "[]"), then: shut},
	"Connection: close, kept open":       {text: plain("Connection: close\r\n", "[]"), then: hold},
	"Connection: keep-alive, Close":      {text: plain("Connection: keep-alive, Close\r\n", "[]"), then: shut},
	"Connection: keep-alive":             {text: plain("connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n", "[]")},
	"lower-case names":                   {text: "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n[]"},
	"a name beyond ASCII":                {text: plain("x-ümlaut: x\r\n", "[]"), then: shut},
	"odd names":                          {text: plain("x_y.z: 1\r\nX-a-B: 2\r\nETAG: 3\r\nwww-authenticate: Bearer\r\n", "[]")},
	"many values":                        {text: plain("A: 1\r\na: 2\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n", "[]")},
	"blank values":                       {text: plain("A:\r\nB: \t \r\nC:  x y \t\r\n", "[]")},
	"space before the colon":             {text: plain("A : 1\r\n", "[]"), then: shut},
	"no colon":                           {text: plain("A\r\n", "[]"), then: shut},
	"no name":                            {text: plain(": x\r\n", "[]"), then: shut},
	"NUL in a value":                     {text: plain("A: x\x00y\r\n", "[]"), then: shut},
	"other bytes in a value":             {text: plain("A: \x80\xff\x7f\r\n", "[]"), then: shut},
	"return in a value":                  {text: plain("A: x\ry\r\n", "[]"), then: shut},
	"folded line":                        {text: plain("A: x\r\n  y\r\n", "[]")},
	"folded first line":                  {text: "HTTP/1.1 200 OK\r\n A: x\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"folded Content-Length":              {text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 0\r\n\r\n[]", then: shut},
	"bare line feeds":                    {text: "HTTP/1.1 200 OK\nContent-Length: 2\n\n[]"},
	"mixed line ends":                    {text: "HTTP/1.1 200 OK\r\nContent-Length: 2\nA: x\r\n\n[]"},
	"Pragma":                             {text: plain("Pragma: no-cache\r\n", "[]")},
	"Trailer without chunks":             {text: plain("Trailer: A\r\n", "[]"), then: shut},
	"no reason":                          {text: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n[]"},
	"no reason but a space":              {text: "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n[]"},
	"spaces in the reason":               {text: "HTTP/1.1 200   a \tb  \r\nContent-Length: 2\r\n\r\n[]"},
	"four digits":                        {text: "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"signed status":                      {text: "HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"negative status":                    {text: "HTTP/1.1 -20 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"status 099":                         {text: "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"status 999":                         {text: "HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\n[]"},
	"not HTTP":                           {text: "SSH-2.0-OpenSSH\r\n\r\n", then: shut},
	"HTTP/2.0 in the text":               {text: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"HTTP/1.2":                           {text: "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"HTTP/1.10":                          {text: "HTTP/1.10 200 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"HTTP/1.0":                           {text: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]", then: shut},
	"HTTP/1.0, kept":                     {text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n[]"},
	"HTTP/1.0 until the end":             {text: "HTTP/1.0 200 OK\r\n\r\n[1]", then: shut},
	"HTTP/1.0, chunks":                   {text: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", then: shut},
	"until the end":                      {text: "HTTP/1.1 200 OK\r\n\r\n[1,2]", then: shut},
	"only a line feed":                   {text: "\n", then: shut},
	"empty line first":                   {text: "\r\n" + good, then: shut},
	"nothing":                            {then: shut},
	"reset":                              {then: reset},
	"cut status line":                    {text: "HTTP/1.1 20", then: shut},
	"cut header":                         {text: "HTTP/1.1 200 OK\r\nContent-Len", then: shut},
	"header without its end":             {text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", then: shut},
	"cut body":                           {text: "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n[", then: shut},
	"no body":                            {text: "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", then: shut},
	"length 0":                           {text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	"length 000002":                      {text: "HTTP/1.1 200 OK\r\nContent-Length: 000002\r\n\r\n[]"},
	"length +2":                          {text: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n[]", then: shut},
	"length -2":                          {text: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n[]", then: shut},
	"length x":                           {text: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]", then: shut},
	"length of nothing":                  {text: "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n[]", then: shut},
	"length beyond numbers":              {text: "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n[]", then: shut},
	"length at the end of numbers":       {text: "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n[]", then: shut},
	"two equal lengths":                  {text: plain("Content-Length: 2\r\n", "[]")},
	"two lengths":                        {text: plain("Content-Length: 3\r\n", "[]"), then: shut},
	"two lengths in a line":              {text: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n[]", then: shut},
	"length and chunks":                  {text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"},
	"chunks":                             {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1;ext=1\r\n]\r\n0\r\n\r\n"},
	"Chunks":                             {text: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"},
	"chunks and a trailer":               {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\n[]\r\n0\r\nA: x\r\nB: y\r\n\r\n"},
	"chunks and a bad trailer":           {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nno colon\r\n\r\n", then: shut},
	"chunks without an end":              {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n", then: shut},
	"chunks without the last line":       {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n", then: shut},
	"cut chunk":                          {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[", then: shut},
	"malformed chunk":                    {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n[]\r\n0\r\n\r\n", then: shut},
	"chunk longer than its size":         {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[]\r\n0\r\n\r\n", then: shut},
	"two encodings":                      {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", then: shut},
	"two encodings in lines":             {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", then: shut},
	"unknown encoding":                   {text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n[]", then: shut},
	"early hints":                        {text: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + good},
	"continue, processing, hints":        {text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + good},
	"hints alone":                        {text: "HTTP/1.1 103 Early Hints\r\n\r\n", then: shut},
	"hints without end":                  {text: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 3000) + good, then: shut},
	"switching protocols":                {text: "HTTP/1.1 101 Switching Protocols\r\n\r\n", then: shut},
	"204":                                {text: "HTTP/1.1 204 No Content\r\n\r\n"},
	"204 with a length":                  {text: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", then: shut},
	"304":                                {text: "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 20\r\n\r\n"},
	"304 with chunks":                    {text: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", then: shut},
	"302":                                {text: "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"},
	"408":                                {text: "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", then: shut},
	"500":                                {text: "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"},
	"gzip":                               {text: plain("Content-Encoding: gzip\r\n", zipped(strings.Repeat("[1,2,3]", 4000)))},
	"GZIP":                               {text: plain("content-encoding: GZIP\r\n", zipped("[]"))},
	"gzip of nothing":                    {text: plain("Content-Encoding: gzip\r\n", zipped(""))},
	"gzip without a body":                {text: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"},
	"gzip in chunks":                     {text: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(zipped("[]")), zipped("[]"))},
	"gzip until the end":                 {text: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zipped("[]"), then: shut},
	"gzip in two members":                {text: plain("Content-Encoding: gzip\r\n", zipped("[1,")+zipped("2]"))},
	"gzip and more":                      {text: plain("Content-Encoding: gzip\r\n", zipped("[]")+"more"), then: shut},
	"gzip, cut by the connection":        {text: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + zipped("[]")[:12], then: shut},
	"gzip, cut by its length":            {text: plain("Content-Encoding: gzip\r\n", zipped("[]")[:12]), then: shut},
	"gzip with a wrong sum":              {text: plain("Content-Encoding: gzip\r\n", zipped("[]")[:20]+"12345678"), then: shut},
	"gzip, broken inside":                {text: plain("Content-Encoding: gzip\r\n", zipped("[]")[:10]+"\xff\xff\xff\xff\xff\xff\xff\xff"), then: shut},
	"not gzip":                           {text: plain("Content-Encoding: gzip\r\n", "[1,2,3,4,5,6,7]"), then: shut},
	"deflate":                            {text: plain("Content-Encoding: deflate\r\n", "xyz")},
	"gzip twice":                         {text: plain("Content-Encoding: gzip, gzip\r\n", "xyz")},
	"header of 1 MB in one line":         {text: plain("A: "+strings.Repeat("x", 1<<20)+"\r\n", "[]"), then: shut},
	"header of 1 MB in many lines":       {text: plain(strings.Repeat("A: x\r\n", 1<<18), "[]"), then: shut},
	"header of 30 KB":                    {text: plain("A: "+strings.Repeat("x", 30<<10)+"\r\n", "[]")},
	"header of 63 KB in many lines":      {text: plain(strings.Repeat("Abcd: x\r\n", 7000), "[]")},
	"header about as long as the buffer": {text: plain("A: "+strings.Repeat("x", 4096-50)+"\r\n", "[]")},
}

// TestAnswersAreThoseOfNetHTTP sends the same requests to the same answers through
// net/http's transport.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		for name, answer := range answers {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				same := func(int) reply { return answer }
				ours, theirs := serve(t, scheme, same), serve(t, scheme, same)
				own, general := ours.transport(t), theirs.transport(t).general
				for range 3 {
					got, want := ask(t.Context(), own, ours.base), ask(t.Context(), general, theirs.base)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("net/http (-) and this transport (+) differ:\n%s", diff)
					}
				}
				if got, want := ours.calls.Load(), theirs.calls.Load(); got != want {
					t.Errorf("%d calls, want the %d of net/http", got, want)
				}
				if got, want := ours.conns.Load(), theirs.conns.Load(); got != want {
					t.Errorf("%d connections, want the %d of net/http", got, want)
				}
				if own.handed.Load() {
					t.Error("the requests went through net/http")
				}
			})
		}
	}
}
