package export

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/pagination"
	"leadgraph/graph/transport"
	"leadgraph/internal/errcode"
	"leadgraph/lead"
)

const (
	// pieceBytes is the size of the pieces of an answer.
	pieceBytes = 64 << 10
	// longest is how long an export may take. It keeps its revision in memory meanwhile,
	// and a slow client could keep many.
	longest = 15 * time.Minute
	// grace is how long the end of an export may take after that.
	grace = 10 * time.Second
	// rowsPerCheck is the number of rows between two looks whether to go on.
	rowsPerCheck = 64
)

// The headers and trailers of an export.
const (
	headerAsOf       = "Export-As-Of"
	headerFreshness  = "Export-Freshness"
	headerRevision   = "Export-Revision"
	headerTotal      = "Export-Total"
	headerUnreadable = "Export-Unreadable"
	headerWithheld   = "Export-Withheld"
	headerCursor     = "Export-Cursor"
	trailerComplete  = "Export-Complete"
	trailerRows      = "Export-Rows"
)

// The reasons for which an export ends early.
const (
	reasonShutdown = "shutdown"
	reasonTime     = "time"
	reasonError    = "error"
)

// ending says how an export has ended.
type ending struct {
	Complete bool `json:"complete"`
	Rows     int  `json:"rows"`
	// Reason is why it is not complete, and Cursor where to go on.
	Reason   string   `json:"reason,omitempty"`
	Cursor   string   `json:"cursor,omitempty"`
	Withheld []string `json:"withheld,omitempty"`
}

// format writes rows to a buffer. Its methods return the error of the connection.
type format interface {
	head() error
	row(text []byte) error
	end(ending) error
}

// Write implements transport.Rows.
func (e *Export) Write(ctx context.Context, out *transport.Output) (errs gqlerror.List, log []any) {
	e.headers(out.Header())
	buffer := bufio.NewWriterSize(out, pieceBytes)
	var to format = lines{buffer}
	if e.csv {
		to = &records{buffer: buffer, csv: csv.NewWriter(buffer), flattener: newFlattener(e.layout), bom: e.body.BOM, resumed: e.body.After != ""}
	}
	how, err := e.rows(ctx, out, to)
	if err == nil {
		if err = to.end(how); err == nil {
			err = buffer.Flush()
		}
	}
	if err != nil { // nobody is there to read more
		how.Complete = false
	}
	out.Header().Set(trailerComplete, strconv.FormatBool(how.Complete))
	out.Header().Set(trailerRows, strconv.Itoa(how.Rows))
	if how.Reason == reasonError {
		errs = gqlerror.List{{Extensions: map[string]any{"code": errcode.Internal}}}
	}
	return errs, []any{slog.Group("export", "csv", e.csv, "complete", how.Complete, "rows", how.Rows, "from", e.begin, "of", len(e.source.Leads), "fields", e.layout.names())}
}

func (e *Export) headers(h http.Header) {
	h.Set("Content-Type", typeLines)
	name := "leads.ndjson"
	if e.csv {
		h.Set("Content-Type", typeCSV+"; charset=utf-8; header=present")
		name = "leads.csv"
	}
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set(headerAsOf, e.source.AsOf.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano))
	h.Set(headerFreshness, lead.AgeNames[e.source.Age])
	h.Set(headerRevision, e.source.Revision.String())
	h.Set(headerTotal, strconv.Itoa(len(e.source.Leads)))
	h.Set(headerCursor, e.cursor(e.begin))
	if e.source.Unreadable > 0 {
		h.Set(headerUnreadable, strconv.Itoa(e.source.Unreadable))
	}
	if len(e.withheld) > 0 {
		h.Set(headerWithheld, strings.Join(e.withheld, ", "))
	}
	h.Set("Trailer", trailerComplete+", "+trailerRows)
}

// cursor returns the place after so many rows of the whole list.
func (e *Export) cursor(rows int) string {
	r := e.source.Revision
	return e.source.Seal(pagination.ExportCursor{
		Log: r.Log, Revision: r.Number, Tag: r.Tag, Content: e.content, Rows: rows, AsOf: e.source.AsOf,
	})
}

// rows writes the rows until there are no more or the export must end.
func (e *Export) rows(ctx context.Context, out *transport.Output, to format) (how ending, err error) {
	how.Withheld = e.withheld
	until := time.Now().Add(longest)
	if !e.source.Expires.IsZero() && e.source.Expires.Before(until) {
		until = e.source.Expires
	}
	// A client that takes a byte now and then must not hold a row for longer.
	_ = http.NewResponseController(out.ResponseWriter).SetWriteDeadline(until.Add(grace)) // our connections support deadlines
	if err := to.head(); err != nil {
		return how, err
	}
	for i, l := range e.source.Leads[e.begin:] {
		if i%rowsPerCheck == 0 {
			how.Reason = reasonToEnd(out.Closing, until)
			if err := ctx.Err(); err != nil {
				return how, err
			}
		}
		var broken error
		if how.Reason == "" {
			if broken, err = e.row(l, to); err != nil {
				return how, err
			}
		}
		if broken != nil {
			how.Reason = reasonError
		}
		if how.Reason != "" {
			how.Cursor = e.cursor(e.begin + how.Rows)
			return how, nil
		}
		how.Rows++
	}
	how.Complete = true
	return how, nil
}

func reasonToEnd(closing <-chan struct{}, until time.Time) string {
	select {
	case <-closing:
		return reasonShutdown
	default:
	}
	if time.Now().After(until) {
		return reasonTime
	}
	return ""
}

// row writes one row. It is broken if the lead cannot be rendered; nothing is written then.
func (e *Export) row(l *lead.Lead, to format) (broken, err error) {
	defer func() { // the answer has begun, so it can only say that it is not complete
		if value := recover(); value != nil {
			broken = e.source.Recover(value)
		}
	}()
	text, broken := e.source.Render(l)
	if broken != nil {
		return broken, nil
	}
	return nil, to.row(text)
}

// lines are JSON, one value a line.
type lines struct{ *bufio.Writer }

func (l lines) head() error { return nil }

// row keeps JSON that the platform has sent on one line: line breaks in JSON are white space.
func (l lines) row(text []byte) error {
	if bytes.ContainsAny(text, "\r\n") {
		text = bytes.Map(func(r rune) rune {
			if r == '\n' || r == '\r' {
				return ' '
			}
			return r
		}, text)
	}
	_, _ = l.Write(text)
	return l.WriteByte('\n') // returns earlier errors, too
}

// end writes a line that is no lead: names in GraphQL do not begin in this way.
func (l lines) end(how ending) error {
	text, err := json.Marshal(map[string]ending{"@end": how})
	if err != nil { // only our own values get here
		panic(err)
	}
	return l.row(text)
}

// records are CSV as RFC 4180 describes it, with line feeds.
type records struct {
	buffer *bufio.Writer
	csv    *csv.Writer // writes to the buffer
	*flattener
	bom, resumed bool
}

// head writes no header in front of the rest of an export, so that it can be appended.
func (r *records) head() error {
	if r.resumed {
		return nil
	}
	if r.bom {
		_, _ = r.buffer.WriteString("\ufeff") // the next one returns its error
	}
	return r.csv.Write(r.headers())
}

func (r *records) row(text []byte) error {
	record := r.flatten(string(text))
	if len(record) == 1 && record[0] == "" { // or it would be an empty line, which readers leave out
		_, err := r.buffer.WriteString("\"\"\n")
		return err
	}
	return r.csv.Write(record)
}

// end writes a record that is no lead: the cells of leads do not begin with a number sign.
func (r *records) end(how ending) error {
	record := make([]string, len(r.columns))
	record[0] = fmt.Sprintf("# complete: %d rows", how.Rows)
	if !how.Complete {
		record[0] = fmt.Sprintf("# incomplete (%s): %d rows; continue after %s", how.Reason, how.Rows, how.Cursor)
	}
	if len(how.Withheld) > 0 {
		record[0] += "; withheld: " + strings.Join(how.Withheld, ", ")
	}
	return r.csv.Write(record)
}
