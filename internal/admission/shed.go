package admission

import (
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

const (
	// lateRefusals is how many operations may be refused for each core in a second after
	// they have begun. One takes about 250 µs, so all of them take a twentieth of the core.
	lateRefusals = 200
	// shedWindow is how often the part that is refused before is adjusted.
	shedWindow = 100 * time.Millisecond
	// shedLife is how long a caller is remembered that does not come back.
	shedLife = 10 * time.Second
	// recovery is the factor by which more operations may begin after a window with few
	// late refusals.
	recovery = 1.15
)

// shed is what is known of a caller whose operations were refused after they had begun,
// because too many wait for the platform. Which operations need the platform is not known
// before they begin, so a part of all is refused then, and it is no larger than necessary:
// while the cores have nothing else to do, late refusals harm nobody.
type shed struct {
	since  time.Time // when the window began
	failed int       // operations that were refused late in it
	pass   float64   // part of the operations that may begin
}

// refusedLate counts an operation that is refused after it has begun.
func (d *Door) refusedLate(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sheds[name]
	if s == nil {
		now := time.Now()
		if now.Sub(d.swept) >= shedLife {
			d.swept = now
			maps.DeleteFunc(d.sheds, func(_ string, s *shed) bool { return now.Sub(s.since) >= shedLife })
		}
		s = &shed{since: now, pass: 1}
		d.sheds[name] = s
		d.shedding.Store(true)
	}
	s.failed++
}

// Sheds reports whether an operation of the named caller is to be refused, so that fewer
// are refused after they have begun.
func (d *Door) Sheds(name string) bool {
	if !d.shedding.Load() { // the common case takes no lock
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sheds[name]
	if s == nil {
		return false
	}
	now := time.Now()
	if took := now.Sub(s.since); took >= shedWindow {
		s.adjust(took, float64(lateRefusals*runtime.GOMAXPROCS(0))/float64(len(d.sheds)))
		s.since, s.failed = now, 0
		if s.pass == 1 {
			delete(d.sheds, name)
			d.shedding.Store(len(d.sheds) > 0)
		}
	}
	return rand.Float64() >= s.pass
}

// adjust changes the part after a window. bound is the number of late refusals in a second
// that the caller may have. More are halved on a logarithmic scale, because not all
// operations that begin are refused.
func (s *shed) adjust(took time.Duration, bound float64) {
	allowed, failed := bound*took.Seconds(), float64(s.failed)
	if failed > allowed {
		s.pass *= math.Sqrt(allowed / failed)
		return
	}
	s.pass = min(1, s.pass*math.Pow(recovery, float64(took)/float64(shedWindow)))
}
