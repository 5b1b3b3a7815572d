package graph_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
	"leadgraph/lead"
	"leadgraph/upstream/sandbox"
)

// bursting panics while it holds a lead; the panic's value holds personal data
// too.
type bursting struct{ graph.PageReader }

func (bursting) LeadsPage(context.Context, int, int, lead.Parts) ([]*lead.Lead, error) {
	panic("Dana Levi <dana.levi@contoso.example>")
}

func (b bursting) EachLead(ctx context.Context, _, _ int, _ lead.Parts, _ func(), _ func(*lead.Lead) error) error {
	_, err := b.LeadsPage(ctx, 0, 0, 0)
	return err
}

// TestNothingPersonalLeaks puts personal data into rows, variables, bodies,
// names and panics, and searches the log and the error messages for it.
func TestNothingPersonalLeaks(t *testing.T) {
	t.Parallel()
	planted := []string{"Dana", "Omar", "contoso.example", "4255550", "Smith", "dana.levi", fullTenant}
	clean := func(t *testing.T, where, text string) {
		t.Helper()
		for _, word := range planted {
			if strings.Contains(text, word) {
				t.Errorf("%s holds %q: %s", where, word, text)
			}
		}
	}
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Textbook = textbook }})
		full := `{ fullName email } contacts { fullName email phoneNumber } civicAddresses { streetName locations { description } }`
		s.query(t, fmt.Sprintf(`{ lead(tenantId: %q) { contactDetails %s } leads(first: 3) { nodes { contactDetails %s } totalCount } }`, fullTenant, full, full))
		s.query(t, `query($s: String) { leads(filter: {search: $s}) { nodes { contactDetails { fullName } } } }`, "s", "Dana Levi")
		s.platform.Inject(sandbox.Fault{Kind: sandbox.KindTenant, Status: 400, Body: `{"title":"Dana Levi","detail":"dana.levi@contoso.example"}`})
		for _, a := range []apptest.Answer{
			s.query(t, fmt.Sprintf(`{ lead(tenantId: %q) { id } }`, twinTenant)),
			s.query(t, `query($id: UUID!) { lead(tenantId: $id) { id } }`, "id", "dana.levi@contoso.example"),
			s.query(t, `{ node(id: {name: "Dana Levi"}) { id } }`),
			s.query(t, `{ leads(first: "Dana Levi") { totalCount } }`),
			s.post(t, `{"query":"{ leads }","operationName":"Dana Levi"}`),
			s.post(t, `{"query":"{ leads(filter: {search: \"Dana Levi`),
		} {
			if len(a.Errors) == 0 {
				t.Errorf("no error: %s", a.Body)
			}
			if !strings.Contains(a.Body, "not found") { // the operation's name is the client's own word
				clean(t, "an answer", a.Body)
			}
		}
		clean(t, "the log", s.log.String())

		s = newService(t, serviceOptions{graph: func(o *graph.Options) { o.Textbook, o.Leads = textbook, bursting{o.Leads} }})
		a := s.query(t, `{ leads(first: 1) { nodes { id } } }`)
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "INTERNAL_SERVER_ERROR" {
			t.Errorf("a panic is answered with %s", a.Body)
		}
		clean(t, "an answer", a.Body)
		clean(t, "the log", s.log.String())
	}
}
