// Package oracle knows what the platform had at each moment and judges
// leadgraph's answers by it. It reads the platform's JSON and understands
// selections, filters, orders, pages and ages by rules of its own. It shares no
// code with leadgraph: an oracle that did would agree with leadgraph's errors.
package oracle
