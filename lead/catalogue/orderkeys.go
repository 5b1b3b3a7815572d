package catalogue

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// normalOrder returns the orders up to the platform's own one, in which no two leads are
// equal and which has no direction.
func normalOrder(orders []lead.Order) []lead.Order {
	if i := slices.IndexFunc(orders, func(o lead.Order) bool { return o.Field == lead.OrderAsRead }); i >= 0 {
		return orders[:i]
	}
	return orders
}

// compareKeys compares the keys of two leads in one order.
func compareKeys(o lead.Order, a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	case o.Descending:
		return strings.Compare(b, a)
	default:
		return strings.Compare(a, b)
	}
}

// A cursor holds the values that its lead is ordered by, and the lead's id. So all
// are cut, and leads are ordered by exactly what is left of them: then the place
// of a cursor is known in any snapshot, even if its lead has changed or is gone. Three
// values of different fields and an id fit into a cursor.
const (
	maxValueRunes  = 64
	maxValueBytes  = 192
	maxTieBytes    = 40
	maxTenantBytes = 40 // a UUID has 36
	maxCodeBytes   = 16
)

// cutValue returns the first runes of a text.
func cutValue(text string) string {
	if len(text) <= maxValueRunes {
		return text
	}
	end := 0
	for runes := 0; end < len(text) && runes < maxValueRunes; runes++ {
		_, size := utf8.DecodeRuneInString(text[end:])
		if end+size > maxValueBytes {
			break
		}
		end += size
	}
	return text[:end]
}

func cutBytes(text string, most int) string { return text[:min(len(text), most)] }

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
	sizes    map[string]string // keys by code: there are few codes, and parsing one is slow
}

func newKeyWriter() *keyWriter { return &keyWriter{sizes: map[string]string{}} }

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
		return append(dst, cutBytes(strings.ToLower(l.TenantID), maxTenantBytes)...)
	case lead.OrderCompanySize:
		return w.appendSize(dst, l)
	case lead.OrderCountry:
		return append(dst, cutBytes(firstCountry(l), maxCodeBytes)...)
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
		return string(w.collate(nil, cutValue(value)))
	}
	return value
}

// values returns the values of several orders as one text, each after its length. The
// value of a single order is the text itself.
func (w *keyWriter) values(orders []lead.Order, l *lead.Lead) string {
	if len(orders) == 1 {
		return w.value(orders[0].Field, l)
	}
	var all []byte
	for _, o := range orders {
		value := w.value(o.Field, l)
		all = append(binary.AppendUvarint(all, uint64(len(value))), value...)
	}
	return string(all)
}

// keysOf returns the keys of what values returned.
func (w *keyWriter) keysOf(orders []lead.Order, values string) []string {
	keys := make([]string, len(orders))
	for i, o := range orders {
		value := values
		if len(orders) > 1 {
			length, n := binary.Uvarint([]byte(values))
			rest := values[max(n, 0):]
			value = rest[:min(length, uint64(len(rest)))]
			values = rest[len(value):]
		}
		keys[i] = w.keyOf(o.Field, value)
	}
	return keys
}

// appendSize appends the key of an employee band: its bounds, or the code after all bands.
func (w *keyWriter) appendSize(dst []byte, l *lead.Lead) []byte {
	d := l.ContactDetails
	if d == nil || d.CompanySize == nil || *d.CompanySize == "" {
		return dst
	}
	key, known := w.sizes[*d.CompanySize]
	if !known {
		const band, code = 0, 1
		if size := lead.ParseSizeRange(d.CompanySize); size == nil {
			key = string(append([]byte{code}, cutBytes(*d.CompanySize, maxCodeBytes)...))
		} else {
			largest := uint32(math.MaxUint32)
			if size.Max != nil {
				largest = uint32(*size.Max)
			}
			bounds := binary.BigEndian.AppendUint32([]byte{band}, uint32(size.Min))
			key = string(binary.BigEndian.AppendUint32(bounds, largest))
		}
		w.sizes[*d.CompanySize] = key
	}
	return append(dst, key...)
}

// firstCountry returns the first consented country in the alphabet; "" if there is none.
func firstCountry(l *lead.Lead) (first string) {
	for _, country := range l.ConsentedCountries {
		if country = strings.ToUpper(country); first == "" || country != "" && country < first {
			first = country
		}
	}
	return first
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
