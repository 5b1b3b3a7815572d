package reader

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"leadgraph/lead"
	"leadgraph/upstream/sandbox"
)

// largestPage is the largest page that the platform returns, in leads [GAL].
const largestPage = 20_000

// BenchmarkRead compares the reader with the reference on pages of the sandbox's
// leads.
func BenchmarkRead(b *testing.B) {
	platform, err := sandbox.New(sandbox.Options{Leads: largestPage, NoAuth: true})
	if err != nil {
		b.Fatal(err)
	}
	read := func(o Options, each func(*lead.Lead) error) func([]byte) error {
		return func(body []byte) error {
			_, err := Read(bytes.NewReader(body), Leads, o, each)
			return err
		}
	}
	nothing := func(*lead.Lead) error { return nil }
	var kept []*lead.Lead
	for _, size := range []int{1, 100, 1000, largestPage} {
		body := pageOf(b, platform, size)
		for name, read := range map[string]func([]byte) error{
			"reference": func(body []byte) error { _, _, err := ReferenceLeads(body); return err },
			"all":       read(Options{Want: lead.AllParts, Borrow: true}, nothing),
			"some":      read(Options{Want: lead.PartStatus | lead.PartConsentedOn, Borrow: true}, nothing),
			"kept": func(body []byte) error {
				kept = make([]*lead.Lead, 0, size)
				return read(Options{Want: lead.AllParts}, func(l *lead.Lead) error { kept = append(kept, l); return nil })(body)
			},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if err := read(body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func pageOf(b *testing.B, platform http.Handler, size int) []byte {
	b.Helper()
	answer := httptest.NewRecorder()
	target := fmt.Sprintf("%s/api/v2/oc/lead?PageNumber=0&PageSize=%d", sandbox.BasePath, size)
	platform.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, target, nil))
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.Code != http.StatusOK {
		b.Fatalf("status %d, error %v", answer.Code, err)
	}
	return body
}
