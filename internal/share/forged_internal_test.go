package share

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/upstream/reader"
)

const someTenant = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"

// soundLead has a value in every field, as the platform may send it.
func soundLead() *lead.Lead {
	l := oneLead()
	l.TenantID, l.UMPCustomerGUID = someTenant, new(strings.ToUpper(someTenant))
	l.CivicAddresses[0].Country = new("de")
	return l
}

func TestSoundLeads(t *testing.T) {
	t.Parallel()
	if !sound(soundLead()) || !sound(&lead.Lead{ID: "1", TenantID: someTenant}) {
		t.Error("a sound lead is refused")
	}
	files, err := filepath.Glob("../../upstream/reader/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no answers of the platform", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Some files hold answers that the reader refuses in part.
		_, _ = reader.Read(bytes.NewReader(body), reader.Leads, reader.Options{Want: lead.AllParts}, func(l *lead.Lead) error {
			if l != nil && !sound(l) {
				t.Errorf("%s: a lead that the platform sent is refused", file)
			}
			return nil
		})
	}
	for name, spoil := range map[string]func(*lead.Lead){
		"no id":                 func(l *lead.Lead) { l.ID = "" },
		"blank id":              func(l *lead.Lead) { l.ID = " \t" },
		"id of zeros":           func(l *lead.Lead) { l.ID = "00000000-0000-0000-0000-000000000000" },
		"no tenant":             func(l *lead.Lead) { l.TenantID = "" },
		"tenant is no GUID":     func(l *lead.Lead) { l.TenantID = "g" + someTenant[1:] },
		"tenant without dashes": func(l *lead.Lead) { l.TenantID = strings.ReplaceAll(someTenant, "-", "0") },
		"tenant of zeros":       func(l *lead.Lead) { l.TenantID = "00000000-0000-0000-0000-000000000000" },
		"customer is no GUID":   func(l *lead.Lead) { l.UMPCustomerGUID = new("x") },
		"unknown status":        func(l *lead.Lead) { l.Status = 200 },
		"unknown validation":    func(l *lead.Lead) { l.CivicAddresses[0].ValidationStatus = 200 },
		"country":               func(l *lead.Lead) { l.CivicAddresses[0].Country = new("Germany") },
		"consented country":     func(l *lead.Lead) { l.ConsentedCountries = []string{"D1"} },
		"address without id":    func(l *lead.Lead) { l.CivicAddresses[0].ID = "" },
		"location without id":   func(l *lead.Lead) { l.CivicAddresses[0].Locations[0].ID = "" },
		"text":                  func(l *lead.Lead) { l.StatusText = new("\xff") },
		"text of a list":        func(l *lead.Lead) { l.Comments = []string{"\xc3"} },
		"text of an address":    func(l *lead.Lead) { l.CivicAddresses[0].Description = new("\xed\xa0\x80") },
		"year 1":                func(l *lead.Lead) { l.ConsentedOn = time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC) },
		"year 10000":            func(l *lead.Lead) { l.LastModifiedOn = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"JSON is malformed":     func(l *lead.Lead) { l.Contacts[0].Contacts = json.RawMessage(`{"a":x}`) },
		"JSON is empty":         func(l *lead.Lead) { l.Contacts[0].Contacts = json.RawMessage{} },
		"two values of JSON":    func(l *lead.Lead) { l.Contacts[0].Contacts = json.RawMessage(`1 2`) },
		"JSON with breaks":      func(l *lead.Lead) { l.Contacts[0].Contacts = json.RawMessage("[1,\n2]") },
		"JSON is not UTF-8":     func(l *lead.Lead) { l.Contacts[0].Contacts = json.RawMessage("\"\xff\"") },
		"JSON is long":          func(l *lead.Lead) { l.Contacts[0].Contacts = json.RawMessage(`"` + strings.Repeat("x", maxRaw) + `"`) },
	} {
		l := soundLead()
		spoil(l)
		if sound(l) {
			t.Errorf("%s: accepted", name)
		}
	}
}

// storeWith returns a store without a server.
func storeWith(tb testing.TB, key []byte) *Store {
	tb.Helper()
	v, err := newVault(key)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Store{opts: Options{MaxLeads: 1000}, prefix: "p:"}
	s.vaults.Store(&v)
	return s
}

// checkAccepted checks what holds for any leads that are used.
func checkAccepted(t *testing.T, leads []*lead.Lead) {
	t.Helper()
	for _, l := range leads {
		if l.ID == "" || len(l.TenantID) != len(someTenant) {
			t.Fatal("a lead without id or tenant")
		}
		for _, c := range l.Contacts {
			if c.Contacts != nil && (!json.Valid(c.Contacts) || len(c.Contacts) > 16<<10) {
				t.Fatalf("JSON %q", c.Contacts)
			}
		}
		if text, err := json.Marshal(l); err != nil || !json.Valid(text) {
			t.Fatalf("a lead has no JSON: %v", err)
		}
	}
}

func FuzzHead(f *testing.F) {
	plain, keyed := storeWith(f, nil), storeWith(f, make([]byte, keyBytes))
	h := head{
		begun: 1764370000000000, name: catalogue.Revision{Log: 1 << 63, Number: 7, Tag: 3}, added: 10,
		whole: whole{number: 5, tag: 9, generation: strings.Repeat("A", 26), chunks: 3, sum: sumOf(nil), stored: 1764370000000000},
	}
	bare := head{begun: h.begun, name: h.name}
	for _, seed := range []head{h, bare, {begun: 1, whole: h.whole}} {
		f.Add(plain.headText(seed))
	}
	f.Add(keyed.headText(h))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := plain.parseHead(text)
		w := got.whole
		if err == nil && (w.chunks < 0 || w.chunks > maxChunks || got.begun < 0 || got.added < 0 || plain.headText(got) != text || strings.Contains(w.generation, ":")) {
			t.Fatalf("%q is %+v", text, got)
		}
		if _, err := keyed.parseHead(text); err == nil && text != keyed.headText(h) {
			t.Fatalf("forged: %q", text)
		}
	})
}

// Whatever an entry says, the leads that it leads to are sound and have different ids.
func FuzzEntry(f *testing.F) {
	plain, keyed := storeWith(f, nil), storeWith(f, make([]byte, keyBytes))
	base, changed := []*lead.Lead{soundLead(), {ID: "a", TenantID: someTenant}}, soundLead()
	changed.StatusText = new("other")
	e := entry{begun: 2, since: 1, name: catalogue.Revision{Log: 1, Number: 2, Tag: 3}, base: catalogue.Revision{Log: 1, Number: 1, Tag: 4}}
	e.Difference = changes.Between(base, []*lead.Lead{{ID: "b", TenantID: someTenant}, base[1], changed}, nil, nil)
	for _, s := range []*Store{plain, keyed} {
		text, err := s.entryText(&e, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	large := entry{whole: true}
	f.Add(large.String() + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := keyed.parseEntry(text); err == nil && !strings.HasPrefix(text, e.String()) {
			t.Fatalf("forged: %q", text)
		}
		got, err := plain.parseEntry(text)
		if err != nil {
			return
		}
		now, fits := got.Apply(base)
		if !fits {
			return
		}
		checkAccepted(t, now)
		ids := map[string]bool{}
		for _, l := range now {
			ids[l.ID] = true
		}
		if len(ids) != len(now) {
			t.Fatal("a lead is there twice")
		}
	})
}

func FuzzLookup(f *testing.F) {
	plain, keyed := storeWith(f, nil), storeWith(f, make([]byte, keyBytes))
	var encoded bytes.Buffer
	if err := encode(&encoded, []*lead.Lead{soundLead()}, nil); err != nil {
		f.Fatal(err)
	}
	f.Add("1764370000000000 " + encoded.String())
	f.Add("1 \x01\xff\xff\xff\x7f")
	f.Add("-1 ")
	f.Fuzz(func(t *testing.T, value string) {
		leads, begun, err := plain.readLookup(someTenant, "key", value)
		if err == nil {
			checkAccepted(t, leads)
			for _, l := range leads {
				if begun < 0 || !strings.EqualFold(l.TenantID, someTenant) {
					t.Fatal("a lead of another tenant")
				}
			}
		}
		if _, _, err := keyed.readLookup(someTenant, "key", value); err == nil {
			t.Fatalf("forged: %q", value)
		}
	})
}

func FuzzPacked(f *testing.F) {
	packed, err := pack(catalogue.Reading{Leads: []*lead.Lead{soundLead(), {ID: "a", TenantID: someTenant}}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		reading, err := unpack(data, bounds{leads: 1000, accept: sound}, nil)
		if err == nil {
			checkAccepted(t, reading.Leads)
		}
	})
}

func FuzzCap(f *testing.F) {
	plain, keyed := storeWith(f, nil), storeWith(f, make([]byte, keyBytes))
	for _, seed := range []string{"0", "500", "20000", "20001", "-1", "+1", "01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		leads, err := unsealed(plain, text, plain.capKey(), parseCap)
		if err == nil && (leads < 0 || leads > 20_000 || strconv.Itoa(leads) != text) {
			t.Fatalf("%q is %d", text, leads)
		}
		if _, err := unsealed(keyed, text, keyed.capKey(), parseCap); err == nil {
			t.Fatalf("forged: %q", text)
		}
	})
}

func FuzzGate(f *testing.F) {
	plain, keyed := storeWith(f, nil), storeWith(f, make([]byte, keyBytes))
	for _, seed := range []string{"page 1", "page 3600000", "page 3600001", "page 0", "page -1", "page +1", "page 01", "tenant 1", "page"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		wait, err := plain.readGate("page", []byte(text))
		if err == nil && (wait < 0 || wait > time.Hour || "page "+strconv.FormatInt(wait.Milliseconds(), 10) != text) {
			t.Fatalf("%q is %v", text, wait)
		}
		if _, err := keyed.readGate("page", []byte(text)); err == nil {
			t.Fatalf("forged: %q", text)
		}
	})
}

func FuzzMoment(f *testing.F) {
	const now = 1764370000000000
	for _, seed := range []string{"1764370000000000 x", "1764370000000001 x", "-1", "+1", "", "1", "9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := momentOf(text, now); ok && (at < 0 || at > now) {
			t.Fatalf("%q is %d", text, at)
		}
	})
}

func FuzzPaging(f *testing.F) {
	keyed := storeWith(f, make([]byte, keyBytes))
	for _, seed := range []string{`0 100 "empty"`, `1 20000 "404"`, `2 100 ""`, `0 0 ""`, `0 20001 ""`, `00 1 ""`, `0 1 "" `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePaging(text)
		if err == nil && (p.FirstPage < 0 || p.FirstPage > 1 || p.Filled < 1 || p.Filled > 20_000 || p.text() != text) {
			t.Fatalf("%q is %+v", text, p)
		}
		if _, err := unsealed(keyed, text, keyed.pagingKey(), parsePaging); err == nil {
			t.Fatalf("forged: %q", text)
		}
	})
}
