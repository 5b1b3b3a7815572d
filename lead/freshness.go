package lead

import "time"

// Freshness is how fresh a request wants its leads, from its Cache-Control header.
type Freshness struct {
	// NoCache demands leads whose read began after the request arrived.
	NoCache bool
	// MaxAge is the maximum age; nil means any age. 0 or less means NoCache.
	MaxAge *time.Duration
	// NotBefore is the moment before which no acceptable lead was read; zero means none.
	NotBefore time.Time
	// Wish says that NoCache and MaxAge are a client's wishes, which do not have to be
	// met exactly: see Granted.
	Wish bool
}

// Granted returns what is granted of a client's wish: leads that are younger than the
// interval count as fresh. So all clients together cause at most one read in this time,
// even if each of their requests demands new leads.
func (f Freshness) Granted(interval time.Duration) Freshness {
	if f.Wish && (f.NoCache || f.MaxAge != nil && *f.MaxAge < interval) {
		return Freshness{MaxAge: &interval, NotBefore: f.NotBefore, Wish: true}
	}
	return f
}

// DefaultNoCacheInterval is the usual interval of Granted.
const DefaultNoCacheInterval = 5 * time.Second

// Demand is what a request accepts as fresh enough, in terms of moments and reads.
type Demand struct {
	// Seen is the number of reads begun before the request arrived.
	Seen    uint64
	NoCache bool
	// NotBefore is when the oldest acceptable leads were read; zero means any age.
	NotBefore time.Time
}

// NewDemand returns the demand of a request that arrives now, after seen reads have
// begun.
func NewDemand(want Freshness, seen uint64) Demand {
	d := Demand{Seen: seen, NoCache: want.NoCache || want.MaxAge != nil && *want.MaxAge <= 0}
	switch {
	case d.NoCache:
		d.NotBefore = time.Now()
	case want.MaxAge != nil:
		d.NotBefore = time.Now().Add(-*want.MaxAge)
	}
	if d.NotBefore.Before(want.NotBefore) {
		d.NotBefore = want.NotBefore
	}
	return d
}

// MetBy reports whether leads are fresh enough. They come from the read with the
// number, and none of them was read before asOf. For NoCache the clock alone does
// not decide, because it may not have advanced since the read began.
func (d Demand) MetBy(number uint64, asOf time.Time) bool {
	return !asOf.Before(d.NotBefore) && (!d.NoCache || number > d.Seen)
}
