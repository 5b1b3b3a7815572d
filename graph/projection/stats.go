package projection

import "sync/atomic"

// problem is why a value is not rendered.
type problem int

const (
	none          problem = iota
	unknownField          // the table has no such field
	deferred              // @defer
	tooLarge              // more than maxFields
	unknownValue          // the value's Go type is not the one that the table expects
	forbiddenNull         // a null where the schema allows none
	badArguments          // an argument of a nested field cannot be coerced
	panicked
	ended // the context; no fallback
	problems
)

// fallbackLabels are the labels of Stats.Fallbacks.
var fallbackLabels = [problems]string{
	unknownField: "field", deferred: "defer", tooLarge: "size", unknownValue: "value",
	forbiddenNull: "null", badArguments: "arguments", panicked: "panic",
}

type counters [problems]atomic.Uint64

func (c *counters) add(p problem) { c[p].Add(1) }

// Stats counts fields since the start.
type Stats struct {
	// Hits were rendered.
	Hits uint64
	// Fallbacks were left to the executor, by reason: field (not covered),
	// defer, size (of the selection), value (of an unexpected Go type), null
	// (where the schema allows none), arguments (of a nested field) and panic.
	Fallbacks map[string]uint64
	// Ended were given up because the context ended.
	Ended uint64
}

// Stats returns the counts so far.
func (p *Projector) Stats() Stats {
	s := Stats{Hits: p.counts[none].Load(), Ended: p.counts[ended].Load(), Fallbacks: map[string]uint64{}}
	for why := unknownField; why < ended; why++ {
		s.Fallbacks[fallbackLabels[why]] = p.counts[why].Load()
	}
	return s
}
