package projection

import "sync/atomic"

// problem is the reason why a value is not rendered.
type problem int

const (
	none          problem = iota
	unknownField          // the field is not in the table
	deferred              // @defer
	tooLarge              // more than maxFields
	unknownValue          // the value does not have the Go type that the table expects
	forbiddenNull         // a null where the schema allows none
	badArguments          // an argument of a nested field cannot be coerced
	panicked
	ended // the context ended; no fallback
	problems
)

// fallbackLabels are the keys of Stats.Fallbacks.
var fallbackLabels = [problems]string{
	unknownField: "field", deferred: "defer", tooLarge: "size", unknownValue: "value",
	forbiddenNull: "null", badArguments: "arguments", panicked: "panic",
}

type counters [problems]atomic.Uint64

func (c *counters) add(p problem) { c[p].Add(1) }

// Stats counts fields since the start.
type Stats struct {
	// Hits is the number of fields that were rendered.
	Hits uint64
	// Fallbacks counts the fields that were left to the executor, by reason:
	// field (not covered), defer, size (of the selection), value (of an
	// unexpected Go type), null (where the schema allows none), arguments (of a
	// nested field) and panic.
	Fallbacks map[string]uint64
	// Ended is the number of fields that were given up because the context
	// ended.
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
