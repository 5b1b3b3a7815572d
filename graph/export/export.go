// Package export answers with all leads of one revision that match a filter, as CSV or as
// lines of JSON. An export is an operation of GraphQL like any other until its leads are
// found. Then they are rendered one after the other, so that it takes the memory of one
// piece of the answer, however many there are.
package export

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/pagination"
	"leadgraph/graph/transport"
	"leadgraph/internal/errcode"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// The media types of an export.
const (
	typeCSV   = "text/csv"
	typeLines = "application/x-ndjson"
)

// ErrGone is the error for a cursor of a revision that is not the present one.
var ErrGone = errors.New("the revision of the export is gone")

// Source is what an export reads.
type Source struct {
	// Leads are those of the whole list.
	Leads      []*lead.Lead
	AsOf       time.Time
	Age        lead.Age
	Unreadable int       // rows of the platform that no lead could be made of
	Expires    time.Time // when the caller stops being authenticated; zero means never
	Revision   catalogue.Revision
	// Render returns the JSON of a lead as the caller may see it. It is valid until the
	// next call.
	Render func(*lead.Lead) ([]byte, error)
	// Recover turns the value of a panic into an error.
	Recover func(any) error
	// Seal encodes a cursor for the caller.
	Seal func(pagination.ExportCursor) string
}

// Export answers one request. One goroutine at a time may use it.
type Export struct {
	schema   *ast.Schema
	body     body
	csv      bool
	fields   ast.SelectionSet
	layout   *layout
	withheld []string // the paths of personal data that the caller may not read

	source  *Source // nil until the leads are found
	content uint64
	begin   int // the first row of the answer
}

var _ transport.Rows = (*Export)(nil)

// Form returns the form of exports for an endpoint.
func Form(schema *ast.Schema) transport.Form {
	return transport.Form{
		MediaTypes: []string{typeCSV, typeLines},
		Read: func(mediaType string, text []byte) (transport.Rows, *graphql.RawParams, *gqlerror.Error) {
			b, wrong := decode(text)
			if wrong != nil {
				return nil, nil, wrong
			}
			return &Export{schema: schema, body: b, csv: mediaType == typeCSV}, b.operation(schema.Query.Fields.ForName("leads")), nil
		},
		Status: status,
	}
}

// Of returns the export that the operation of a context is for, or nil.
func Of(ctx context.Context) *Export {
	e, _ := transport.RowsOf(ctx).(*Export)
	return e
}

// Check implements transport.Rows.
func (e *Export) Check(op *graphql.OperationContext, errs gqlerror.List) gqlerror.List {
	if len(errs) > 0 {
		return shown(errs)
	}
	if e.fields = selection(op); e.fields == nil {
		return gqlerror.List{errcode.BadInput("fields", "must be the selection of a lead and nothing else.", nil)}
	}
	if e.layout = layoutOf(op, e.schema, e.fields, "Lead"); len(e.layout.columns) == 0 {
		return gqlerror.List{errcode.BadInput("fields", "must select at least one field.", nil)}
	}
	return nil
}

// Place returns the cursor after which the export goes on, or nil. personal says whether
// the caller sees personal data, and list is the fingerprint of filter and order. An error
// is a *pagination.ArgumentError.
func (e *Export) Place(seal *pagination.Seal, caller string, list uint64, personal bool) (*pagination.ExportCursor, error) {
	e.content = e.contentOf(list, personal)
	if e.body.After == "" {
		return nil, nil
	}
	at, err := seal.OpenExport(e.body.After, caller)
	if err == nil && at.Content != e.content {
		err = pagination.ErrOtherExport
	}
	if refused, is := errors.AsType[*pagination.CursorError](err); is {
		return nil, pagination.RefuseCursor("after", refused)
	}
	e.begin = at.Rows + min(e.body.Skip, math.MaxInt-at.Rows)
	return &at, err
}

// contentOf returns a hash of what decides about the rows of a revision and their form.
func (e *Export) contentOf(list uint64, personal bool) uint64 {
	flags := byte(0)
	for i, is := range []bool{e.csv, personal} {
		if is {
			flags |= 1 << i
		}
	}
	raw := binary.BigEndian.AppendUint64([]byte{flags}, list)
	sum := sha256.Sum256(append(raw, e.body.Fields...))
	return binary.BigEndian.Uint64(sum[:])
}

// Supply sets what the export reads.
func (e *Export) Supply(s Source) {
	e.source = &s
	e.begin = min(e.begin, len(s.Leads))
}

// Found implements transport.Rows. With the leads found, the only errors are about what the
// caller may not read.
func (e *Export) Found(response *graphql.Response) gqlerror.List {
	switch {
	case e.source == nil && len(response.Errors) > 0:
		return shown(response.Errors)
	case e.source == nil:
		panic("an export without leads and without an error")
	}
	for _, err := range response.Errors {
		path := ""
		for _, step := range inLead(err.Path) {
			if name, is := step.(ast.PathName); is {
				if path != "" {
					path += "."
				}
				path += string(name)
			}
		}
		e.withheld = append(e.withheld, path)
	}
	return nil
}

// status returns the HTTP status of an export that has failed with a code.
func status(code string) int {
	switch code {
	case errcode.BadUserInput, errcode.ParseFailed, errcode.ValidationFailed, errcode.TooComplex,
		errcode.PersistedRequired, errcode.PersistedNotFound, errcode.PersistedNotSupported:
		return http.StatusBadRequest
	case errcode.Unauthenticated:
		return http.StatusUnauthorized
	case errcode.Forbidden:
		return http.StatusForbidden
	case errcode.ExportCursorExpired:
		return http.StatusGone
	case errcode.Overloaded, errcode.UpstreamUnavailable, errcode.UpstreamRateLimited:
		return http.StatusServiceUnavailable
	case errcode.UpstreamTimeout:
		return http.StatusGatewayTimeout
	case errcode.UpstreamRejected, errcode.UpstreamBadResponse, errcode.UpstreamAuth:
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}
