package lead

import "time"

// Freshness is what one request demands, as in the Cache-Control header.
type Freshness struct {
	// NoCache demands leads whose reading began after the request came.
	NoCache bool
	// MaxAge bounds the age; nil does not, 0 or less is NoCache.
	MaxAge *time.Duration
}

// Demand is what a request needs of a snapshot.
type Demand struct {
	Seen      uint64 // the number of refreshes begun before the request came
	NoCache   bool
	NotBefore time.Time // when the oldest leads that will do were read; zero: any age
}

// NewDemand is what a request that wants this needs now, after so many reads were begun.
func NewDemand(want Freshness, seen uint64) Demand {
	d := Demand{Seen: seen, NoCache: want.NoCache || want.MaxAge != nil && *want.MaxAge <= 0}
	switch {
	case d.NoCache:
		d.NotBefore = time.Now()
	case want.MaxAge != nil:
		d.NotBefore = time.Now().Add(-*want.MaxAge)
	}
	return d
}

// MetBy tells whether leads are fresh enough that a refresh came by and of which
// none was read before asOf. For NoCache the clock alone does not decide: it may
// have stood still since leads were read.
func (d Demand) MetBy(number uint64, asOf time.Time) bool {
	return !asOf.Before(d.NotBefore) && (!d.NoCache || number > d.Seen)
}
