package catalogue

import (
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"leadgraph/lead"
)

// normalOrder drops the direction of the platform's own order, where it has no
// meaning.
func normalOrder(o lead.Order) lead.Order {
	if o.Field == lead.OrderAsRead {
		o.Descending = false
	}
	return o
}

// compareKeys compares two leads by their keys and ids.
func compareKeys(o lead.Order, keyA, idA, keyB, idB string) int {
	switch {
	case keyA == keyB:
		return strings.Compare(idA, idB)
	case keyA == "":
		return 1
	case keyB == "":
		return -1
	case o.Descending:
		return strings.Compare(keyB, keyA)
	default:
		return strings.Compare(keyA, keyB)
	}
}

// keyWriter writes the values that leads are ordered by as texts whose bytes
// compare as the values do; "" means no value. It is not safe for concurrent use.
type keyWriter struct {
	collator *collate.Collator
	buffer   collate.Buffer
}

func newKeyWriter() *keyWriter { return &keyWriter{collator: collate.New(language.Und)} }

// key returns the key of one lead.
func (w *keyWriter) key(field lead.OrderField, l *lead.Lead) string {
	return string(w.append(nil, field, l))
}

// keys returns the key of each lead; the keys share one string.
func (w *keyWriter) keys(field lead.OrderField, leads []*lead.Lead) []string {
	var all []byte
	ends := make([]int, len(leads))
	for row, l := range leads {
		all = w.append(all, field, l)
		ends[row] = len(all)
	}
	arena := string(all)
	keys := make([]string, len(leads))
	start := 0
	for row, end := range ends {
		keys[row] = arena[start:end]
		start = end
	}
	return keys
}

func (w *keyWriter) append(dst []byte, field lead.OrderField, l *lead.Lead) []byte {
	switch field {
	case lead.OrderConsentedOn:
		return appendMoment(dst, l.ConsentedOn)
	case lead.OrderLastModifiedOn:
		return appendMoment(dst, l.LastModifiedOn)
	case lead.OrderCompanyName:
		if name := companyName(l); name != "" {
			dst = append(dst, w.collator.KeyFromString(&w.buffer, name)...)
			w.buffer.Reset()
		}
		return dst
	case lead.OrderStatus:
		const states = lead.StatusRemoved + 1
		return append(dst, byte((l.Status+states-1)%states)) // the unknown state last
	case lead.OrderTenantID:
		return append(dst, strings.ToLower(l.TenantID)...)
	default:
		return dst
	}
}

func appendMoment(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	// With the sign bit flipped, unsigned order equals signed order.
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()))
}

func companyName(l *lead.Lead) string {
	if l.ContactDetails == nil || l.ContactDetails.CompanyName == nil {
		return ""
	}
	return strings.TrimSpace(*l.ContactDetails.CompanyName)
}
