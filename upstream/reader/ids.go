package reader

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"leadgraph/lead"
)

// OwnID is the start of the ids that the reader makes. The platform's are GUIDs.
const OwnID = "lgid_"

// ids makes ids for the parts of one lead that have none, so that the caches of clients
// can tell them apart. An id is a hash of the lead's id, of the part's content and of
// how often the lead had this content before. It is the same in every answer. It is
// keyed, because somebody who knows the ids of some streets or phone numbers could
// otherwise find them in ids.
type ids struct {
	key  []byte
	seen map[string]uint64
	text []byte
}

// nameParts gives an id to each address and location of a lead that has none.
func nameParts(key []byte, l *lead.Lead) {
	n := ids{key: key}
	for i := range l.CivicAddresses {
		a := &l.CivicAddresses[i]
		if a.ID == "" {
			a.ID = name(&n, l.ID, "address", "", lead.AddressFields, a)
		}
		for j := range a.Locations {
			if at := &a.Locations[j]; at.ID == "" {
				at.ID = name(&n, l.ID, "location", a.ID, lead.LocationFields, at)
			}
		}
	}
}

// name returns the id of a part. Its content does not include nested parts, which are
// not read in every answer.
func name[T any](n *ids, leadID, kind, parent string, fields []lead.Field[T], x *T) string {
	n.text = n.text[:0]
	for _, text := range []string{leadID, kind, parent} {
		n.add(&text)
	}
	for _, f := range fields {
		switch {
		case f.Optional != nil:
			n.add(*f.Optional(x))
		case f.Flag != nil:
			var text *string
			if flag := *f.Flag(x); flag != nil {
				text = new("false")
				if *flag {
					text = new("true")
				}
			}
			n.add(text)
		}
	}
	content := string(n.text)
	if n.seen == nil {
		n.seen = map[string]uint64{}
	}
	mac := hmac.New(sha256.New, n.key)
	_, _ = mac.Write(binary.BigEndian.AppendUint64(n.text, n.seen[content])) // hashes never fail
	n.seen[content]++
	return OwnID + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// add writes a text so that different sequences of texts never have the same bytes.
func (n *ids) add(text *string) {
	if text == nil {
		n.text = binary.AppendUvarint(n.text, 0)
		return
	}
	n.text = append(binary.AppendUvarint(n.text, uint64(len(*text))+1), *text...)
}
