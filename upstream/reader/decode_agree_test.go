package reader

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
)

// failer has the methods that *testing.T and *rapid.T share.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkReaders checks that the reader reads data like the reference, however it is
// split into pieces. It also checks that reading only the parts in want changes nothing
// in these parts. It returns the leads, or nil if data is refused.
func checkReaders(t failer, data []byte, want lead.Parts) []*lead.Lead {
	t.Helper()
	leads, odd, err := ReferenceLeads(data)
	all := func(r io.Reader) io.Reader { return r }
	for name, pieces := range map[string]func(io.Reader) io.Reader{
		"whole": all, "halves": iotest.HalfReader, "single bytes": iotest.OneByteReader, "error with the last": iotest.DataErrReader,
	} {
		got, gotOdd, gotErr := decodeFrom(pieces(bytes.NewReader(data)), lead.AllParts)
		if (err == nil) != (gotErr == nil) {
			t.Fatalf("%s: error is %v, the reference's %v", name, gotErr, err)
		}
		if err != nil {
			continue
		}
		if diff := cmp.Diff(leads, got); diff != "" {
			t.Fatalf("%s: leads (-reference +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(odd, gotOdd); diff != "" {
			t.Fatalf("%s: oddities (-reference +got):\n%s\n%s", name, diff, data)
		}
	}
	some, _, someErr := decode(data, want)
	if (err == nil) != (someErr == nil) {
		t.Fatalf("fields %b: error is %v, the reference's %v", want, someErr, err)
	}
	if err != nil {
		return nil
	}
	for i, l := range leads {
		if l != nil {
			l = only(l, want)
		}
		if diff := cmp.Diff(l, some[i]); diff != "" {
			t.Fatalf("fields %b (-reference +got):\n%s", want, diff)
		}
	}
	return leads
}

// only returns l without the fields that are not in want.
func only(l *lead.Lead, want lead.Parts) *lead.Lead {
	kept := &lead.Lead{ID: l.ID, TenantID: l.TenantID}
	if want.Has(lead.PartStatus) {
		kept.Status, kept.StatusText = l.Status, l.StatusText
	}
	keep(&kept.TenantOrigin, l.TenantOrigin, want, lead.PartTenantOrigin)
	keep(&kept.OperatorID, l.OperatorID, want, lead.PartOperatorID)
	keep(&kept.IsDirectLead, l.IsDirectLead, want, lead.PartIsDirectLead)
	keep(&kept.IsNotActive, l.IsNotActive, want, lead.PartIsNotActive)
	keep(&kept.UMPCustomerGUID, l.UMPCustomerGUID, want, lead.PartUMPCustomerGUID)
	keep(&kept.ChannelID, l.ChannelID, want, lead.PartChannelID)
	keep(&kept.OVOCChannelID, l.OVOCChannelID, want, lead.PartOVOCChannelID)
	keep(&kept.Comments, l.Comments, want, lead.PartComments)
	keep(&kept.ConsentedOn, l.ConsentedOn, want, lead.PartConsentedOn)
	keep(&kept.LastModifiedOn, l.LastModifiedOn, want, lead.PartLastModifiedOn)
	keep(&kept.ConsentedCountries, l.ConsentedCountries, want, lead.PartConsentedCountries)
	keep(&kept.ContactDetails, l.ContactDetails, want, lead.PartContactDetails)
	keep(&kept.Contacts, l.Contacts, want, lead.PartContacts)
	keep(&kept.CivicAddresses, slices.Clone(l.CivicAddresses), want, lead.PartCivicAddresses)
	if !want.Has(lead.PartLocations) {
		for i := range kept.CivicAddresses {
			kept.CivicAddresses[i].Locations = nil
		}
	}
	return kept
}

func keep[T any](into *T, value T, want, field lead.Parts) {
	if want.Has(field) {
		*into = value
	}
}

// wire draws JSON that is like the platform's, but odd in every well-formed way. Unless
// sound is true, some of it is not well-formed.
type wire struct {
	*rapid.T
	sound bool
}

func (w wire) pick(from ...string) string { return rapid.SampledFrom(from).Draw(w.T, "pick") }

// scarce is true now and then.
func (w wire) scarce(label string) bool { return rapid.IntRange(0, 19).Draw(w.T, label) == 0 }

func (w wire) space() string {
	if w.scarce("space") {
		return w.pick(" ", "\n", "\t\r ", "  ")
	}
	return ""
}

func (w wire) text() string {
	return w.pick(`"Active"`, `""`, `"not_active"`, `"L250_U999"`, `"2025-03-02T17:40:09.1234567Z"`, `"2025-03-02T17:40:09"`, `"0001-01-01T00:00:00"`,
		`"2025-13-02T17:40:09Z"`, `"{F94238E5-4f2c-4e1b-8125-2d27122ca75f}"`, `"f94238e54f2c4e1b81252d27122ca75f"`, `"United States"`, `" us;GB ,, deu"`, `"US,Atlantis"`, `"Korea, Republic of"`,
		`"\/Date(1740937209000+0200)\/"`, `"2025-03-02"`, `"00000000-0000-0000-0000-000000000000"`, `"true"`, `"0"`, `"1574"`, `"J\u00f6rg \"J\" \ud83d\ude00"`, `"\ud83d \ude00 \ud83d\ud83d\ude00"`, "\"\xff\xfe\xc3\"",
		`"Contoso & Söns 株式会社, a name that is longer than eight bytes"`, `"\b\f\n\r\t\/\\"`, `"0123456\n"`, `"01234567\u0000"`)
}

func (w wire) scalar() string {
	if !w.sound && w.scarce("broken") {
		return w.pick(`nul`, `01`, `-`, `1.`, `1e`, `"a`, `"\x"`, `"\u12g4"`, "\"\n\"", `truE`, `+1`, `.5`, `'a'`, "\x00", `1e+`, `-01`, `"\ud8`)
	}
	if rapid.Bool().Draw(w.T, "text") {
		return w.text()
	}
	return w.pick(`null`, `true`, `false`, `0`, `-0`, `12`, `-1.5e+10`, `1E5`, `0.125`)
}

func (w wire) name(from []string) string {
	name := rapid.SampledFrom(from).Draw(w.T, "name")
	switch rapid.IntRange(0, 9).Draw(w.T, "spelling") {
	case 0:
		name = strings.ToUpper(name)
	case 1:
		name = `\u00` + strconv.FormatInt(int64(name[0]), 16) + name[1:]
	case 2:
		name = strings.NewReplacer("s", "\u017f", "k", "\u212a").Replace(name)
	}
	return `"` + name + `"`
}

func (w wire) sequence(opening, closing string, element func() string) string {
	elements := make([]string, rapid.IntRange(0, 4).Draw(w.T, "length"))
	for i := range elements {
		elements[i] = w.space() + element() + w.space()
	}
	text := opening + w.space() + strings.Join(elements, ",") + closing
	if !w.sound && w.scarce("unbalanced") {
		text = strings.Replace(text, w.pick(",", "}", "]", "{", ":"), w.pick("", ",,", "}", "]"), 1)
	}
	return text
}

func (w wire) object(names []string, depth int) string {
	return w.sequence("{", "}", func() string {
		return w.name(names) + w.space() + ":" + w.space() + w.value(depth+1)
	})
}

// value draws any value. Its objects have members of all kinds of objects.
func (w wire) value(depth int) string {
	kind := rapid.IntRange(0, 5).Draw(w.T, "kind")
	switch {
	case depth > 5 || kind < 3:
		return w.scalar()
	case kind == 3:
		return w.sequence("[", "]", func() string { return w.value(depth + 1) })
	}
	if w.scarce("preserved") {
		return `{` + w.name([]string{"$id", "$type", "x"}) + `:"1","$values":` + w.value(depth+1) + `}`
	}
	return w.object(slices.Concat(namesOf(contactMembers).list, namesOf(addressMembers).list, namesOf(locationMembers).list), depth)
}

// tenant draws a tenant id in any form, which now and then is none.
func (w wire) tenant() string {
	if w.scarce("no tenant") {
		return w.pick("", " ", "t", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000", "{f94238e54f2c4e1b81252d27122ca75f}",
			"{f94238e5-4f2c-4e1b-8125-2d27122ca75f)", "g94238e5-4f2c-4e1b-8125-2d27122ca75f", "f94238e5-4f2c-4e1b-81252d27122ca75f")
	}
	return w.pick(someTenant, someTenant, otherTenant, "{"+someTenant+"}", "("+someTenant+")", " "+someTenant, "f94238e54f2c4e1b81252d27122ca75f")
}

func (w wire) row() string {
	leadNames := slices.Concat(namesOf(Leads.members).list, []string{"unknown", "i", "contactDetailsAndMore"})
	text := w.object(leadNames, 0)
	if !w.sound && w.scarce("without id") {
		return text
	}
	return strings.Replace(text, "{", `{"id":"1","tenantId":"`+w.tenant()+`"`+map[bool]string{true: "", false: ","}[strings.HasPrefix(text, "{}")], 1)
}

func (w wire) body() string {
	rows := func() string { return w.sequence("[", "]", w.row) }
	switch rapid.IntRange(0, 11).Draw(w.T, "shape") {
	case 0:
		return w.row()
	case 1:
		return w.object([]string{"data", "items", "result", "$values", "id", "tenantId", "total"}, 2)
	case 2:
		return `{"total":1,"data":` + rows() + `,` + w.name([]string{"data", "id", "total"}) + `:` + w.scalar() + `}`
	case 3:
		return w.sequence("[", "]", rows)
	case 5:
		return `{"count":1,` + w.name([]string{"value", "d", "content"}) + `:{` + w.name([]string{"results", "leads", "total"}) + `:` + rows() + `},"links":{}}`
	case 4:
		return w.value(0)
	}
	return rows()
}

func TestReadersAgreeProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := wire{t, rapid.IntRange(0, 3).Draw(t, "sound") > 0}
		body := w.space() + w.body() + w.space()
		for _, l := range checkReaders(t, []byte(body), lead.Parts(rapid.Uint64Range(0, uint64(lead.AllParts)).Draw(t, "fields"))) {
			if l != nil {
				checkLead(t, l)
			}
		}
	})
}

// A value that arrives in small pieces must not be reread for each of them. With that,
// this test would take hours.
func TestLargeLeadInSmallPieces(t *testing.T) {
	t.Parallel()
	body := `[{"id":"1","tenantId":"` + someTenant + `","comments":["` + strings.Repeat("x", 3<<20) + `"]}]`
	leads, _, err := decodeFrom(iotest.OneByteReader(strings.NewReader(body)), lead.AllParts)
	if err != nil || len(leads) != 1 || len(leads[0].Comments[0]) != 3<<20 {
		t.Errorf("%d leads, error %v", len(leads), err)
	}
}

func TestLeadIsTooLarge(t *testing.T) {
	t.Parallel()
	for _, want := range []lead.Parts{0, lead.AllParts} {
		body := `[{"id":"1","tenantId":"` + someTenant + `","comments":["` + strings.Repeat("x", MaxValue) + `"]}]`
		if _, _, err := decode([]byte(body), want); err == nil || !strings.Contains(err.Error(), "4 MiB") {
			t.Errorf("error is %v", err)
		}
	}
}
