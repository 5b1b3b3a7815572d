package sandbox

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// owner is the customer that a lead belongs to. Twins share an owner.
type owner struct {
	tenant, operator string
	country          country
	others           []country // other countries in which it does business
	company, domain  string
	since            time.Time // creation time of its first lead
}

func (f factory) owner(serial uint64) owner {
	d := f.dice(serial, streamOwner)
	o := owner{tenant: d.UUID(), operator: pick(d, f.operators), country: choose(d, f.countries)}
	for range choose(d, []weighted[int]{{60, 0}, {25, 1}, {15, 3}}) {
		o.others = append(o.others, choose(d, f.countries))
	}
	var base string
	o.company, base = o.country.companyName(d)
	if o.domain = slug(base, "-"); o.domain == "" {
		o.domain = d.Numerify("firm-1###")
	}
	o.domain += ".example"
	o.since = d.DateRange(time.Date(2021, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	return o
}

// later returns the owner as it is 10 to 300 days after its first lead.
func (o owner) later(d dice) owner {
	o.since = o.since.AddDate(0, 0, d.between(10, 300))
	return o
}

// slug joins the words of a text, reduced to lower-case ASCII letters and digits
// without accents. It is empty for other scripts.
func slug(text, joint string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(norm.NFD.String(text)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r) && r != '\'':
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), joint)
}

// directLead returns a lead without the customer's consent in Teams. It has
// little more than the name of the company [SEED].
func (d dice) directLead(o owner) wireLead {
	l := wireLead{
		TenantID: o.tenant, TenantOrigin: null, OperatorID: null, Status: d.status(), IsDirectLead: true, IsNotActive: null,
		UMPCustomerGUID: null, OVOCChannelID: null, Comments: null,
		ConsentedOn: d.timestamp(o.since), LastModifiedOn: d.timestamp(d.after(o.since)), ConsentedCountries: []string{},
		ContactDetails: wireContact{FullName: null, Email: null, PhoneNumber: null, CompanyName: o.company, CompanySize: null},
		Contacts:       null, CivicAddresses: null,
	}
	switch {
	case d.percent(15): // became a customer
		l.UMPCustomerGUID, l.OVOCChannelID, l.Comments = d.UUID(), d.channel(), d.comments()
	case d.percent(2): // .NET's zero time and empty members
		l.ConsentedOn, l.LastModifiedOn, l.ConsentedCountries = "0001-01-01T00:00:00", null, null
		l.ContactDetails, l.Contacts, l.CivicAddresses = null, []wireContact{}, []wireAddress{}
	case d.percent(5): // addresses synchronised by an earlier read [GAL]
		l.CivicAddresses = []wireAddress{d.address(o)}
	}
	return l
}

func (d dice) consentedLead(o owner) wireLead {
	size := choose(d, []weighted[any]{
		{20, "L1_U9"}, {25, "L10_U49"}, {25, "L50_U249"}, {15, "L250_U999"}, {8, "L1000_U4999"}, {4, "L5000"}, {2, null}, {1, "Enterprise"},
	})
	first := d.person(o, size)
	details := first
	details.CompanyName = o.company
	l := wireLead{
		TenantID: o.tenant, TenantOrigin: "Office365", OperatorID: o.operator, Status: d.status(), IsDirectLead: false,
		IsNotActive: choose(d, []weighted[any]{{60, false}, {10, true}, {30, null}}), UMPCustomerGUID: null,
		OVOCChannelID: d.channel(), Comments: d.comments(),
		ConsentedOn: d.timestamp(o.since), LastModifiedOn: d.timestamp(d.after(o.since)),
		ContactDetails: details, Contacts: d.contacts(o, first, size), CivicAddresses: d.addresses(o),
	}
	l.ChannelID = choose(d, []weighted[any]{{50, nil}, {40, null}, {5, 15}, {5, "15"}})
	if d.percent(40) {
		l.UMPCustomerGUID = d.UUID()
	}
	consented := []string{o.country.code}
	for _, c := range o.others {
		if !slices.Contains(consented, c.code) {
			consented = append(consented, c.code)
		}
	}
	l.ConsentedCountries = consented
	return l
}

// status returns one of the portal's four states [QLP], in the spellings that
// the documents suggest, or for 1 % of the leads a state that no document has.
func (d dice) status() string {
	return choose(d, []weighted[string]{
		{700, "Active"}, {50, "active"}, {60, "NotActive"}, {40, "Not Active"}, {70, "Suspended"}, {70, "Removed"}, {10, "PendingReview"},
	})
}

func (d dice) after(t time.Time) time.Time {
	return t.Add(time.Duration(d.between(0, 400*24*3600))*time.Second + time.Duration(d.between(0, 9_999_999))*100)
}

// timestamp formats t with up to 7, 5, 1 or no fractional digits, without
// trailing zeros [SEED], and for 1 % with +00:00 instead of Z [NUM2].
func (d dice) timestamp(t time.Time) string {
	t = t.Truncate(choose(d, []weighted[time.Duration]{{60, 100}, {20, 10 * time.Microsecond}, {10, 100 * time.Millisecond}, {10, time.Second}}))
	zone := "Z"
	if d.percent(1) {
		zone = "+00:00"
	}
	return t.Format("2006-01-02T15:04:05.9999999") + zone
}

// channel returns a number, a string, or one of the values for no channel: null,
// 0 and the empty string.
func (d dice) channel() any {
	id := d.between(1500, 1600)
	switch n := d.IntN(100); {
	case n < 50:
		return null
	case n < 80:
		return id
	case n < 95:
		return d.Numerify("13159##")
	case n < 99:
		return 0
	}
	return ""
}

func remarks() []string {
	return []string{
		"Call back in May", "Prefers e-mail", "Porting 120 numbers from the old carrier", "Waiting for the emergency addresses",
		"Asked for \"gold\" support", "Contract signed ✍️", "Site survey: 3 floors & a warehouse", "Ring the bell twice;\nask for the night shift",
	}
}

func (d dice) comments() any {
	switch n := d.IntN(100); {
	case n < 60:
		return null
	case n < 75:
		return pick(d, remarks())
	case n < 85:
		return []string{}
	}
	return []string{pick(d, remarks()), pick(d, remarks())}[:d.between(1, 2)]
}

// person returns a contact at the customer.
func (d dice) person(o owner, size any) wireContact {
	first, last := d.FirstName, d.LastName
	if len(o.country.first) > 0 {
		first = func() string { return pick(d, o.country.first) }
		last = func() string { return pick(d, o.country.last) }
	}
	given, family := first(), last()
	if d.percent(3) {
		family = pick(d, []string{"O'Brien", "D'Angelo", "van der Berg-Sørensen", "Nuñez y Peña", "Mac an tSaoir"})
	}
	mailbox := slug(given+" "+family, ".")
	if mailbox == "" {
		mailbox = d.Numerify("contact1##")
	}
	c := wireContact{FullName: given + " " + family, Email: mailbox + "@" + o.domain, PhoneNumber: d.Numerify(pick(d, o.country.phones)), CompanySize: size}
	if d.percent(10) { // optional at consent [MS-OC]
		c.PhoneNumber = null
	}
	return c
}

func (d dice) contacts(o owner, first wireContact, size any) any {
	if d.percent(20) {
		return choose(d, []weighted[any]{{3, null}, {1, []wireContact{}}})
	}
	list := []wireContact{{FullName: first.FullName, Email: first.Email}}
	for range d.IntN(3) {
		c := d.person(o, size)
		c.Contacts = null
		list = append(list, c)
	}
	if d.percent(15) {
		list = append(list, wireContact{FullName: "Voice Service", Email: "svc-voice@" + o.domain, PhoneNumber: null})
	}
	return list
}
