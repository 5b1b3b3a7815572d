package graph_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
)

// exported is an answer of /export.
type exported struct {
	*http.Response
	body string
}

// export posts a body to /export and reads the whole answer.
func (s service) export(t *testing.T, mediaType string, body any, header ...string) exported {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := apptest.NewRequest(t.Context(), s.url+"/export", string(text), append([]string{"Accept", mediaType}, header...)...)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return exported{response, string(all)}
}

// end is how an export says that it has ended.
type end struct {
	Complete bool
	Rows     int
	Reason   string
	Cursor   string
	Withheld []string
}

// lines returns the rows of an export as lines of JSON and checks that it is as complete
// as it says in three places.
func (e exported) lines(t *testing.T) (rows []string, how end) {
	t.Helper()
	if e.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", e.StatusCode, e.body)
	}
	all := strings.SplitAfter(e.body, "\n")
	if last := all[len(all)-1]; last != "" {
		t.Fatalf("the last line has no end: %q", last)
	}
	all = all[:len(all)-1]
	var last map[string]end
	if err := json.Unmarshal([]byte(all[len(all)-1]), &last); err != nil {
		t.Fatal(err)
	}
	rows, how = all[:len(all)-1], last["@end"]
	if how.Rows != len(rows) || e.Trailer.Get("Export-Rows") != strconv.Itoa(how.Rows) || e.Trailer.Get("Export-Complete") != strconv.FormatBool(how.Complete) {
		t.Errorf("%d rows, at the end %+v, in the trailer %v", len(rows), how, e.Trailer)
	}
	return rows, how
}

// records returns the records of an export as CSV, without its header and its end.
func (e exported) records(t *testing.T) (header []string, rows [][]string, end string) {
	t.Helper()
	if e.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", e.StatusCode, e.body)
	}
	all, err := csv.NewReader(strings.NewReader(e.body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1 : len(all)-1], all[len(all)-1][0]
}

// everyField selects all fields of a lead, as a client would write it.
const everyField = `id tenantId tenantOrigin operatorId status statusText isDirectLead isNotActive umpCustomerGuid channelId ovocChannelId
	comments consentedOn lastModifiedOn consentedCountries asOf
	contactDetails { fullName email phoneNumber companyName companySize companySizeRange { min max } }
	contacts { fullName email phoneNumber companyName companySize contacts }
	civicAddresses { id country formatted validationStatus locations { id description isDefault elin } }`

// The rows of an export are those of the list that GraphQL pages through, and each has the
// JSON that GraphQL answers.
func TestAnExportHasTheRowsOfTheList(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	filter := map[string]any{"status": []string{"ACTIVE", "SUSPENDED"}, "not": map[string]any{"consentedCountry": []string{"DE"}}}
	for name, body := range map[string]map[string]any{
		"all":                 {"fields": everyField},
		"filtered":            {"fields": everyField, "filter": filter},
		"ordered":             {"fields": "id name: contactDetails { companyName }", "orderBy": map[string]any{"field": "COMPANY_NAME", "direction": "DESC"}},
		"filtered by tenants": {"fields": "id", "filter": map[string]any{"tenantId": []string{twinTenant, noTenant}}},
		"nothing matches":     {"fields": "id", "filter": map[string]any{"search": "nobody has this name"}},
		"with arguments":      {"fields": `id de: civicAddresses(country: "DE") { id } civicAddresses @skip(if: false) { country }`},
	} {
		document := `query($filter: LeadFilter, $orderBy: LeadOrder) { leads(first: 1000, filter: $filter, orderBy: $orderBy) {
			totalCount asOf nodes {` + body["fields"].(string) + `} } }`
		page := data[struct {
			Leads struct {
				TotalCount int
				AsOf       string
				Nodes      []json.RawMessage
			}
		}](t, s.query(t, document, "filter", body["filter"], "orderBy", body["orderBy"])).Leads
		answer := s.export(t, "application/x-ndjson", body)
		rows, how := answer.lines(t)
		want := []string{}
		for _, node := range page.Nodes {
			want = append(want, string(node)+"\n")
		}
		if name == "filtered by tenants" { // GraphQL looks them up and does not promise an order
			slices.Sort(rows)
			slices.Sort(want)
		}
		if diff := gocmp.Diff(want, rows); diff != "" {
			t.Errorf("%s (-GraphQL +export):\n%s", name, diff)
		}
		if !how.Complete || how.Reason != "" || how.Cursor != "" || answer.Header.Get("Export-Total") != strconv.Itoa(page.TotalCount) {
			t.Errorf("%s: %+v %v", name, how, answer.Header)
		}
		if name == "all" && answer.Header.Get("Export-As-Of") != page.AsOf {
			t.Errorf("as of %s, want %s", answer.Header.Get("Export-As-Of"), page.AsOf)
		}
	}
}

// value is a reading of CSV's rules by another hand: the cell of a path in a row of JSON.
func value(row any, path []string) string { return strings.Join(elements(row, path, "; "), "\n") }

func elements(at any, path []string, separator string) []string {
	switch at := at.(type) {
	case nil:
		return []string{""}
	case []any:
		var all []string
		for _, element := range at {
			all = append(all, strings.Join(elements(element, path, ", "), separator))
		}
		return all
	case map[string]any:
		if len(path) == 0 {
			break
		}
		return elements(at[path[0]], path[1:], separator)
	case string:
		return []string{at}
	}
	text, _ := json.Marshal(at)
	return []string{string(text)}
}

func TestCSVHasTheValuesOfTheLines(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	fields := `id status isDirectLead consentedOn consentedCountries contactDetails { companyName companySizeRange { min } }
		contacts { fullName } civicAddresses { cityOrTown locations { description } }`
	paths := []string{
		"id", "status", "isDirectLead", "consentedOn", "consentedCountries", "contactDetails.companyName", "contactDetails.companySizeRange.min",
		"contacts.fullName", "civicAddresses.cityOrTown", "civicAddresses.locations.description",
	}
	lines, _ := s.export(t, "application/x-ndjson", map[string]any{"fields": fields}).lines(t)
	answer := s.export(t, "text/csv", map[string]any{"fields": fields, "bom": true})
	if !strings.HasPrefix(answer.body, "\ufeffID,Status,") {
		t.Errorf("begins with %.20q", answer.body)
	}
	header, rows, end := answer.records(t)
	want := []string{
		"\ufeffID", "Status", "Is direct lead", "Consented on", "Consented countries", "Contact details / Company name",
		"Contact details / Company size range / Min", "Contacts / Full name", "Civic addresses / City or town", "Civic addresses / Locations / Description",
	}
	if diff := gocmp.Diff(want, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if end != "# complete: "+strconv.Itoa(len(lines))+" rows" || len(rows) != len(lines) {
		t.Fatalf("%d rows, end %q", len(rows), end)
	}
	several := 0
	for i, line := range lines {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		for k, path := range paths {
			want := value(row, strings.Split(path, "."))
			if got := strings.ReplaceAll(rows[i][k], "'", ""); got != strings.ReplaceAll(want, "'", "") {
				t.Errorf("row %d, %s: %q, want %q", i, path, got, want)
			}
			several += strings.Count(want, "\n")
		}
	}
	if several == 0 {
		t.Error("no cell has several elements")
	}
}

func TestAnExportWithoutPersonalData(t *testing.T) {
	t.Parallel()
	body := map[string]any{"fields": "id contactDetails { companyName mail: email } contacts { fullName }"}
	for name, mask := range map[string]bool{"": false, "***": true} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) {
			o.SeesPII, o.MaskPII = func(context.Context) bool { return false }, mask
		}})
		answer := s.export(t, "text/csv", body)
		_, rows, end := answer.records(t)
		for _, row := range rows {
			if row[2] != name && row[1]+row[2] != "" || strings.Trim(row[3], "*\n") != "" {
				t.Fatalf("%q shows personal data", row)
			}
		}
		want := "contactDetails.mail, contacts.fullName"
		if mask {
			want = ""
		}
		if got := answer.Header.Get("Export-Withheld"); got != want || strings.Contains(end, "; withheld: "+cmp.Or(want, "?")) == mask {
			t.Errorf("withheld %q, end %q", got, end)
		}
		searching := map[string]any{"fields": "id", "filter": map[string]any{"search": "@"}} // in nothing but e-mail addresses
		if _, found, _ := s.export(t, "text/csv", searching).records(t); len(found) > 0 {
			t.Errorf("a search in personal data finds %d leads", len(found))
		}
		if _, found, _ := newService(t, serviceOptions{}).export(t, "text/csv", searching).records(t); len(found) == 0 {
			t.Error("nobody has an e-mail address")
		}
	}
}

func TestExportsAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for name, test := range map[string]struct {
		body, accept string
		status       int
		want         string
	}{
		"no JSON":               {`id`, "", 400, "BAD_USER_INPUT"},
		"an unknown member":     {`{"fields":"id","filters":{}}`, "", 400, "BAD_USER_INPUT"},
		"no fields":             {`{"fields":" "}`, "", 400, `"argument":"fields"`},
		"an unknown field":      {`{"fields":"id\n  colour"}`, "", 400, `"line":2,"column":3`},
		"another root field":    {`{"fields":"id}} stats: leadStats { total } x: leads { nodes { id"}`, "", 400, `"argument":"fields"`},
		"another connection":    {`{"fields":"id } pageInfo { endCursor"}`, "", 400, `"argument":"fields"`},
		"another operation":     {`{"fields":"id}}} query B {leads{nodes{id"}`, "", 400, `"argument":"fields"`},
		"a fragment":            {`{"fields":"...F}}} fragment F on Lead {... on Lead{... on Lead {id"}`, "", 400, `"argument":"fields"`},
		"nothing":               {`{"fields":"id @skip(if: true)"}`, "", 400, `"argument":"fields"`},
		"no GraphQL":            {`{"fields":"id {"}`, "", 400, "GRAPHQL_PARSE_FAILED"},
		"a wrong filter":        {`{"fields":"id","filter":{"status":["GREEN"]}}`, "", 400, `"argument":"filter.status[0]"`},
		"a wrong order":         {`{"fields":"id","orderBy":{"field":"COLOUR"}}`, "", 400, `"argument":"orderBy.field"`},
		"no cursor":             {`{"fields":"id","after":"x"}`, "", 400, `"reason":"malformed"`},
		"skip without after":    {`{"fields":"id","skip":1}`, "", 400, `"argument":"skip"`},
		"another media type":    {`{"fields":"id"}`, "application/json", 406, "BAD_USER_INPUT"},
		"a deep document":       {`{"fields":"` + strings.Repeat("civicAddresses{", 30) + "id" + strings.Repeat("}", 30) + `"}`, "", 400, "QUERY_TOO_COMPLEX"},
		"too many fields":       {`{"fields":"` + manyFields(500) + `"}`, "", 400, "QUERY_TOO_COMPLEX"},
		"personal data, a typo": {`{"fields":"id","filter":{"companyname":"Contoso"}}`, "", 400, `BAD_USER_INPUT`},
	} {
		answer := apptest.Post(t, s.url+"/export", test.body, "Accept", cmp.Or(test.accept, "*/*"))
		if answer.Status != test.status || !strings.Contains(answer.Body, test.want) || strings.Contains(answer.Body, "Contoso") {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPut, "QUERY"} {
		request, err := http.NewRequestWithContext(t.Context(), method, s.url+"/export", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := apptest.Do(http.DefaultClient, request); err != nil || answer.Status != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %d %v", method, answer.Status, err)
		}
	}
	if answer := apptest.Post(t, s.url+"/export", `{"fields":"id"}`, "Content-Type", "text/plain"); answer.Status != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d %s", answer.Status, answer.Body)
	}
}

func manyFields(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString("a" + strconv.Itoa(i) + ": id ")
	}
	return text.String()
}

// Where only trusted documents run, no selection of a client does.
func TestExportsNeedFreeDocuments(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Documents.TrustedOnly = true }})
	if a := s.export(t, "text/csv", map[string]any{"fields": "id"}); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "PERSISTED_QUERY_REQUIRED") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// The parts of an export make the whole, wherever the connection broke, for as long as the
// leads stay the same.
func TestAnExportGoesOn(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	body := map[string]any{"fields": "id status", "orderBy": map[string]any{"field": "CONSENTED_ON"}}
	for _, mediaType := range []string{"text/csv", "application/x-ndjson"} {
		whole := s.export(t, mediaType, body)
		all := strings.SplitAfter(whole.body, "\n")
		rest := map[string]any{"after": whole.Header.Get("Export-Cursor"), "skip": 150}
		for name, value := range body {
			rest[name] = value
		}
		heading := 0
		if mediaType == "text/csv" {
			heading = 1
		}
		again := s.export(t, mediaType, rest)
		got := strings.SplitAfter(again.body, "\n")
		if want := all[150+heading : len(all)-2]; !slices.Equal(got[:len(got)-2], want) || again.Trailer.Get("Export-Rows") != strconv.Itoa(len(want)) {
			t.Errorf("%s: the rest has %d lines, want %d", mediaType, len(got), len(want))
		}
		if again.Header.Get("Export-Revision") != whole.Header.Get("Export-Revision") || again.Header.Get("Export-Total") != whole.Header.Get("Export-Total") {
			t.Errorf("%v, want %v", again.Header, whole.Header)
		}
		rest["skip"] = math.MaxInt
		if end := s.export(t, mediaType, rest); end.Trailer.Get("Export-Rows") != "0" || end.Trailer.Get("Export-Complete") != "true" {
			t.Errorf("after the end: %s", end.body)
		} else {
			further := maps.Clone(rest)
			further["after"] = end.Header.Get("Export-Cursor")
			if end := s.export(t, mediaType, further); end.Trailer.Get("Export-Rows") != "0" {
				t.Errorf("far after the end: %s", end.body)
			}
		}
		for name, other := range map[string]any{"fields": "id", "filter": map[string]any{"status": []string{"ACTIVE"}}, "orderBy": nil} {
			changed := map[string]any{}
			for name, value := range rest {
				changed[name] = value
			}
			changed[name] = other
			if refused := s.export(t, mediaType, changed); refused.StatusCode != http.StatusBadRequest || !strings.Contains(refused.body, `"reason":"list"`) {
				t.Errorf("other %s: %d %s", name, refused.StatusCode, refused.body)
			}
		}
		// A new reading of the same leads is the same revision.
		rest["skip"] = 0
		if same := s.export(t, mediaType, rest, "Cache-Control", "no-cache"); same.StatusCode != http.StatusOK {
			t.Errorf("nothing has changed: %d %s", same.StatusCode, same.body)
		}
	}
	cursor := s.export(t, "text/csv", body).Header.Get("Export-Cursor")
	s.platform.Move(3, 0)
	gone := s.export(t, "text/csv", map[string]any{"fields": body["fields"], "orderBy": body["orderBy"], "after": cursor}, "Cache-Control", "no-cache")
	if gone.StatusCode != http.StatusGone || !strings.Contains(gone.body, `"EXPORT_CURSOR_EXPIRED"`) {
		t.Errorf("the leads have changed: %d %s", gone.StatusCode, gone.body)
	}
}

// The log says of an export how many rows and which fields it had, and no data.
func TestTheLogTellsOfAnExport(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	rows, _ := s.export(t, "application/x-ndjson", map[string]any{"fields": "secret: id contactDetails { email }", "filter": map[string]any{"search": "smith"}}).lines(t)
	found := 0
	for lines := bufio.NewScanner(strings.NewReader(s.log.String())); lines.Scan(); {
		var line struct {
			Msg, Name string
			Status    int
			Export    struct {
				CSV, Complete  bool
				Rows, From, Of int
				Fields         []string
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Msg != "operation" {
			continue
		}
		found++
		if line.Name != "Export" || line.Status != 200 || line.Export.CSV || !line.Export.Complete || line.Export.Rows != len(rows) ||
			line.Export.Of != len(rows) || !slices.Equal(line.Export.Fields, []string{"id", "contactDetails.email"}) {
			t.Errorf("line %s", lines.Text())
		}
	}
	if found != 1 || strings.Contains(strings.ToLower(s.log.String()), "smith") {
		t.Errorf("%d lines: %s", found, s.log.String())
	}
}

// What the platform sends reaches a spreadsheet as text, whatever it begins with.
func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	// The cell of a text, and what it is among others in a cell.
	cells := map[string][2]string{
		`plain, with "quotes"`: {`plain, with "quotes"`, `plain, with "quotes"`},
		"a;b=c":                {"a;b=c", "a;b=c"},
		`back\slash`:           {`back\slash`, `back\slash`},
		"ünïcode":              {"ünïcode", "ünïcode"},
		"two\nlines":           {"two\nlines", "two lines"},
		"\t=1":                 {"'\t'=1", "'\t'=1"},
		"\r=1":                 {"'\r'=1", "' =1"},
		"\n=1":                 {"'\n'=1", "' =1"},
		"tab\t+1":              {"tab\t'+1", "tab\t'+1"},
		"two\n=1":              {"two\n'=1", "two =1"},
		// The reader of CSV takes the line break for one character.
		"two\r\n# complete: 200 rows": {"two\n'# complete: 200 rows", "two # complete: 200 rows"},
		// Where semicolons separate cells, these begin others.
		"Acme;=cmd|'/c calc'!A0;x": {"Acme;'=cmd|'/c calc'!A0;x", "Acme;'=cmd|'/c calc'!A0;x"},
		"Acme; -1":                 {"Acme;' -1", "Acme;' -1"},
	}
	for _, formula := range []string{`=HYPERLINK("http://evil.example")`, "+49 30 1234", "-2+3", "@SUM(A1)", "  =1+1", "＝1+1", "# complete: 3 rows"} {
		cells[formula] = [2]string{"'" + formula, "'" + formula}
	}
	ids, texts := s.platform.IDs(), slices.Sorted(maps.Keys(cells))
	for i, text := range texts {
		s.platform.Edit(ids[i], map[string]any{
			"contactDetails": map[string]any{"companyName": text}, "comments": []string{text, "second"},
		})
	}
	s.platform.Edit(ids[len(texts)], map[string]any{"comments": []string{"", "second"}}) // the platform's list is read without it
	_, rows, end := s.export(t, "text/csv", map[string]any{"fields": "id contactDetails { companyName } comments"}).records(t)
	if !strings.HasPrefix(end, "# complete: 200 ") {
		t.Errorf("end %q", end)
	}
	rowOf := func(id string) []string {
		return rows[slices.IndexFunc(rows, func(row []string) bool { return row[0] == id })]
	}
	for i, text := range texts {
		row, want := rowOf(ids[i]), cells[text]
		if row[1] != want[0] || row[2] != want[1]+"\nsecond" {
			t.Errorf("%q is %q", text, row)
		}
	}
	if row := rowOf(ids[len(texts)]); row[2] != "second" {
		t.Errorf("a list without its empty text is %q", row)
	}
	_, alone, _ := s.export(t, "text/csv", map[string]any{"fields": "contactDetails { companyName }"}).records(t)
	if len(alone) != len(rows) {
		t.Errorf("a single column has %d rows, want %d", len(alone), len(rows))
	}
}
