package sandbox

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// DefaultLiveInterval is the usual time between two changes of Live.
const DefaultLiveInterval = 15 * time.Second

// Live changes one lead in every interval until ctx ends: a customer consents, a
// lead is edited, its status changes, or it is removed. The number of leads stays
// about the same, and the samples of the documents are never changed. The n-th
// change follows from the seed, from n, from the leads at that time and from
// Options.Clock.
func (s *Server) Live(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.change(s.changes.Add(1))
		}
	}
}

// change makes the n-th change.
func (s *Server) change(n uint64) {
	d, now := s.factory.dice(n, streamChange), s.opts.Clock().UTC()
	rows := s.rows.all()
	most := 50 + 5*float64(s.opts.Leads-len(rows)) // back to the number at the start
	switch comesOrGoes := d.percent(40); {
	case comesOrGoes && d.percent(most), len(rows) == 0:
		s.consent(now)
	default:
		r := pick(d, rows)
		switch {
		case s.samples[r.id]:
			s.consent(now)
		case comesOrGoes:
			s.rows.drop(r.id)
		default:
			s.rows.edit(r.id, d.edit(r, now))
		}
	}
}

// consent appends a lead of a customer who has just consented.
func (s *Server) consent(now time.Time) {
	serial := s.serial.Add(1) - 1
	d, o := s.factory.dice(serial, streamLead), s.factory.owner(serial)
	o.since = now
	l := d.consentedLead(o)
	l.Status, l.IsNotActive, l.UMPCustomerGUID, l.LastModifiedOn = "Active", null, null, l.ConsentedOn
	s.rows.insert(s.rows.len(), s.factory.owned(d.row(o, l)))
}

// edit returns new values of some members of a lead, as people at the service
// provider or at the customer would change them.
func (d dice) edit(r row, now time.Time) map[string]any {
	var was struct {
		Status         string           `json:"status"`
		ContactDetails map[string]any   `json:"contactDetails"`
		CivicAddresses []map[string]any `json:"civicAddresses"`
	}
	_ = json.Unmarshal(r.json, &was) // what cannot be read is not edited
	edited := map[string]any{"lastModifiedOn": d.timestamp(now)}
	phone, _ := was.ContactDetails["phoneNumber"].(string)
	switch n := d.IntN(100); {
	case n < 40:
		edited["status"] = d.otherStatus(was.Status)
	case n < 60 && len(phone) > 4:
		was.ContactDetails["phoneNumber"] = phone[:len(phone)-4] + d.Numerify("####")
		edited["contactDetails"] = was.ContactDetails
	case n < 75 && len(was.CivicAddresses) > 0:
		pick(d, was.CivicAddresses)["validationStatus"] = pick(d, []string{"Validated", "NotValidated", "Invalid"})
		edited["civicAddresses"] = was.CivicAddresses
	case n < 85: // became a customer
		edited["umpCustomerGuid"], edited["ovocChannelId"] = d.UUID(), d.channel()
	default:
		edited["comments"] = []string{pick(d, remarks()), "Edited " + now.Format(time.DateTime)}
	}
	return edited
}

// otherStatus returns one of the portal's states [QLP] other than this one.
func (d dice) otherStatus(status string) string {
	return pick(d, slices.DeleteFunc([]string{"Active", "NotActive", "Suspended", "Removed"}, func(s string) bool {
		return strings.EqualFold(s, strings.ReplaceAll(status, " ", ""))
	}))
}
