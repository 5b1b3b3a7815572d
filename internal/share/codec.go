package share

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"time"

	"leadgraph/lead"
)

// formatVersion is part of every key. Raise it with every change of what
// visitLead visits: replicas of two releases then do not read each other's leads.
const formatVersion = "1"

// maxRecord bounds one encoded lead, in bytes.
const maxRecord = 16 << 20

var (
	errFormat   = errors.New("not in the format of shared leads")
	errTooLarge = errors.New("a lead has more than 16 MiB")
)

// visitor writes or reads the fields of leads, in the order in which it is
// shown them.
type visitor interface {
	text(*string)
	optional(**string)
	flag(**bool)
	small(*uint8)
	moment(*time.Time)
	json(*json.RawMessage)
	// present tells whether a pointer is, or is to be made, non-nil.
	present(bool) bool
	// length returns how long a list is, or is to be made; -1 is nil.
	length(int) int
}

func visitLead(v visitor, l *lead.Lead) {
	v.text(&l.ID)
	v.text(&l.TenantID)
	v.optional(&l.TenantOrigin)
	v.optional(&l.OperatorID)
	v.small((*uint8)(&l.Status))
	v.text(&l.StatusText)
	v.flag(&l.IsDirectLead)
	v.flag(&l.IsNotActive)
	v.optional(&l.UMPCustomerGUID)
	v.optional(&l.ChannelID)
	v.optional(&l.OVOCChannelID)
	visitList(v, &l.Comments, visitor.text)
	v.moment(&l.ConsentedOn)
	v.moment(&l.LastModifiedOn)
	visitList(v, &l.ConsentedCountries, visitor.text)
	if v.present(l.ContactDetails != nil) {
		if l.ContactDetails == nil {
			l.ContactDetails = &lead.ContactDetails{}
		}
		visitDetails(v, l.ContactDetails)
	}
	visitList(v, &l.Contacts, visitContact)
	visitList(v, &l.CivicAddresses, visitAddress)
}

func visitDetails(v visitor, d *lead.ContactDetails) {
	for _, text := range []**string{&d.FullName, &d.Email, &d.PhoneNumber, &d.CompanyName, &d.CompanySize} {
		v.optional(text)
	}
}

func visitContact(v visitor, c *lead.Contact) {
	for _, text := range []**string{&c.FullName, &c.Email, &c.PhoneNumber, &c.CompanyName, &c.CompanySize} {
		v.optional(text)
	}
	v.json(&c.Contacts)
}

func visitAddress(v visitor, a *lead.CivicAddress) {
	v.text(&a.ID)
	for _, text := range []**string{
		&a.Country, &a.HouseNumber, &a.HouseNumberSuffix, &a.PreDirectional, &a.StreetName, &a.StreetSuffix,
		&a.PostDirectional, &a.StateOrProvince, &a.CountyOrDistrict, &a.CityOrTown, &a.CityOrTownAlias,
		&a.PostalOrZipCode, &a.Description, &a.CompanyName, &a.CompanyID, &a.DefaultLocationID,
		&a.ValidationStatusText, &a.TenantID, &a.PartnerID,
	} {
		v.optional(text)
	}
	v.small((*uint8)(&a.ValidationStatus))
	visitList(v, &a.Locations, visitLocation)
}

func visitLocation(v visitor, l *lead.Location) {
	v.text(&l.ID)
	v.optional(&l.CivicAddressID)
	v.optional(&l.Description)
	v.optional(&l.AdditionalInfo)
	v.flag(&l.IsDefault)
	v.optional(&l.ELIN)
}

func visitList[T any](v visitor, list *[]T, visit func(visitor, *T)) {
	n := len(*list)
	if *list == nil {
		n = -1
	}
	if n = v.length(n); n < 0 {
		return
	}
	if *list == nil {
		*list = make([]T, n)
	}
	for i := range *list {
		visit(v, &(*list)[i])
	}
}

// encode writes the leads: their number, then each with its length in front.
func encode(w io.Writer, leads []*lead.Lead) error {
	buffered := bufio.NewWriter(w)
	size := binary.AppendUvarint(nil, uint64(len(leads)))
	if _, err := buffered.Write(size); err != nil {
		return err
	}
	var record recordWriter
	for _, l := range leads {
		record.data = record.data[:0]
		visitLead(&record, l)
		if len(record.data) > maxRecord {
			return errTooLarge
		}
		size = binary.AppendUvarint(size[:0], uint64(len(record.data)))
		if _, err := buffered.Write(size); err != nil {
			return err
		}
		if _, err := buffered.Write(record.data); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// decode reads what encode wrote. All texts of a lead share one piece of memory,
// and no two leads do: a cache that keeps one lead does not keep the others.
func decode(r io.Reader) ([]*lead.Lead, error) {
	buffered := bufio.NewReader(r)
	n, err := binary.ReadUvarint(buffered)
	if err != nil {
		return nil, errFormat
	}
	var leads []*lead.Lead
	var data []byte
	for range n {
		size, err := binary.ReadUvarint(buffered)
		if err != nil || size > maxRecord {
			return nil, errFormat
		}
		if uint64(cap(data)) < size {
			data = make([]byte, size)
		}
		data = data[:size]
		if _, err := io.ReadFull(buffered, data); err != nil {
			return nil, errFormat
		}
		record := recordReader{data: string(data)}
		l := &lead.Lead{}
		visitLead(&record, l)
		if record.bad || record.data != "" {
			return nil, errFormat
		}
		leads = append(leads, l)
	}
	if _, err := buffered.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errFormat
	}
	return leads, nil
}
