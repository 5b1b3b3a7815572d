package catalogue

import (
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"leadgraph/lead"
	"leadgraph/lead/flight"
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

// A cursor holds the value that its lead is ordered by, and the lead's id. So both
// are cut, and leads are ordered by exactly what is left of them: then the place
// of a cursor is known in any snapshot, even if its lead has changed or is gone.
const (
	maxValueRunes = 64
	maxTieBytes   = 40
)

// cutValue returns the first runes of a text.
func cutValue(text string) string {
	if len(text) <= maxValueRunes {
		return text
	}
	runes := 0
	for i := range text {
		if runes == maxValueRunes {
			return text[:i]
		}
		runes++
	}
	return text
}

// tie returns what leads of equal value are ordered by: the id, or the beginning
// of a long id and its hash.
func tie(id string) string {
	if len(id) <= maxTieBytes {
		return id
	}
	return string(binary.BigEndian.AppendUint64([]byte(id[:maxTieBytes-8]), lead.AnchorHash(id)))
}

// keyWriter writes the values that leads are ordered by as texts whose bytes
// compare as the values do; "" means no value. It is not safe for concurrent use.
type keyWriter struct {
	collator *collate.Collator // nil until a name is collated
	buffer   collate.Buffer
}

func newKeyWriter() *keyWriter { return &keyWriter{} }

// key returns the key of one lead.
func (w *keyWriter) key(field lead.OrderField, l *lead.Lead) string {
	return string(w.append(nil, field, l))
}

// keys returns the key of each lead; the keys share one string.
func (w *keyWriter) keys(field lead.OrderField, leads []*lead.Lead, pace *flight.Pace) []string {
	var all []byte
	ends := make([]int, len(leads))
	for row, l := range leads {
		pace.Step()
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
		return w.collate(dst, cutValue(companyName(l)))
	case lead.OrderStatus:
		const states = lead.StatusRemoved + 1
		return append(dst, byte((l.Status+states-1)%states)) // the unknown state last
	case lead.OrderTenantID:
		return append(dst, cutValue(strings.ToLower(l.TenantID))...)
	default:
		return dst
	}
}

func (w *keyWriter) collate(dst []byte, name string) []byte {
	if name == "" {
		return dst
	}
	if w.collator == nil {
		w.collator = collate.New(language.Und)
	}
	dst = append(dst, w.collator.KeyFromString(&w.buffer, name)...)
	w.buffer.Reset()
	return dst
}

// value returns the value that a cursor holds: the name for the order by company
// name, whose key is too long, and otherwise the key.
func (w *keyWriter) value(field lead.OrderField, l *lead.Lead) string {
	if field == lead.OrderCompanyName {
		return cutValue(companyName(l))
	}
	return w.key(field, l)
}

// keyOf returns the key of a value.
func (w *keyWriter) keyOf(field lead.OrderField, value string) string {
	if field == lead.OrderCompanyName {
		return string(w.collate(nil, value))
	}
	return value
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
