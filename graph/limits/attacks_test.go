package limits_test

import (
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql/introspection"
)

// attack is a request that tries to be expensive.
type attack struct {
	name, document string
	variables      map[string]any
	// limit is the limit that refuses it, or empty if the request is harmless
	// or the parser refuses it.
	limit string
}

const tenant = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"

// attacks returns the corpus. Those without a limit are either harmless after
// Check or as expensive as the limits allow.
func attacks() []attack {
	return append(append(append(shapes(), values()...), texts()...), worst()...)
}

func shapes() []attack {
	return []attack{
		{name: "nested", document: "{leads{" + nested("edges{node{...on Lead{id ", 40) + closed(122), limit: "depth"},
		{name: "nested to the parser's end", document: strings.Repeat("{a", 32000), limit: "bytes"},
		{name: "nested inline fragments", document: onLead(nested("...{", 100) + repeat("id ", 680) + closed(100)), limit: "inlineDepth"},
		{name: "repeated fields", document: onLead(repeat("id ", 980)), limit: "repeats"},
		{name: "repeated fields, two levels", document: "{" + repeat("leads{"+repeat("totalCount ", 20)+"} ", 20) + "}", limit: "repeats"},
		{name: "repeated fields in inline fragments", document: onLead(repeat("...{id ...{id}} ", 45)), limit: "repeats"},
		{name: "repeated fields through fragments", document: onLead(numbered("...F%d ", 40)+"id") + numbered("fragment F%d on Lead{id} ", 40), limit: "repeats"},
		{name: "repeated fields in an unused fragment", document: "{__typename} fragment F on Lead{" + repeat("id ", 900) + "}", limit: "repeats"},
		{name: "repeated fields in a fragment of a taken name", document: onLead("...F") + "fragment F on Lead{id} fragment F on Lead{" + repeat("id ", 900) + "}", limit: "repeats"},
		{name: "aliases", document: "{" + numbered("a%d:__typename ", 300) + "}", limit: "aliases"},
		{name: "root fields", document: "{" + repeat("__typename ", 900) + "}", limit: "rootFields"},
		{name: "root fields through fragments", document: "{" + repeat("...F ", 31) + "} fragment F on Query{__typename}", limit: "rootFields"},
		{name: "doubling fragments", document: "{...F0} " + numbered("fragment F%[1]d on Query{...F%[2]d ...F%[2]d} ", 24) + "fragment F24 on Query{__typename}", limit: "rootFields"},
		{name: "doubling fragments in fields", document: "{...F0} " + numbered("fragment F%[1]d on Query{lead{...F%[2]d ...F%[2]d}} ", 8) + "fragment F8 on Query{" + repeat("id ", 25) + "}", limit: "fields"},
		{name: "fragment chain", document: "{...F0} " + numbered("fragment F%[1]d on Query{lead{...F%[2]d}} ", 30) + "fragment F30 on Query{id}", limit: "depth"},
		{name: "fragment chain under many operations", document: numbered("query Q%d{...F0} ", 10) + numbered("fragment F%[1]d on Query{...F%[2]d} ", 39) + "fragment F39 on Query{leads{nodes{" + repeat("a:id b:id ", 14) + repeat("id status ", 24) + "}}}", limit: "visits"},
		{name: "fragment cycle", document: "{...A} fragment A on Query{...B} fragment B on Query{...A}", limit: "cycles"},
		{name: "fragment in itself", document: "{...A} fragment A on Query{leads{nodes{...A}}}", limit: "cycles"},
		{name: "fragment cycle that nothing uses", document: "{__typename} fragment A on Query{...A}", limit: "cycles"},
		{name: "fragments", document: "{__typename} " + numbered("fragment F%d on Query{__typename} ", 100), limit: "fragments"},
		{name: "spreads", document: "{" + repeat("...F ", 400) + "} fragment F on Query{__typename}", limit: "spreads"},
		{name: "directives", document: "{__typename " + repeat("@include(if:true) ", 120) + "}", limit: "directives"},
		{name: "unknown directives", document: "{__typename " + repeat("@a ", 450) + "}", limit: "directives"},
		{name: "operations", document: numbered("query Q%d{__typename} ", 150), limit: "operations"},
		{name: "deep introspection", document: "{__schema{types{" + nested("ofType{", 100) + "name" + closed(103), limit: "introspectionDepth"},
		{name: "circular introspection", document: "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}"},
		{name: "aliased introspection", document: strings.Replace(introspection.Query, "__schema {", numbered("s%d:__schema{types{...FullType}} ", 4)+"__schema {", 1), limit: "introspectionFields"},
	}
}

func values() []attack {
	return []attack{
		{name: "variables", document: "query(" + numbered("$v%d:Int ", 200) + "){__typename}", limit: "variables"},
		{name: "list", document: "{leadsByTenantIds(tenantIds:[" + repeat(`"" `, 20000) + "]){id}}", limit: "bytes"},
		{name: "list in variables", document: "query($ids:[UUID!]!){leadsByTenantIds(tenantIds:$ids){id}}",
			variables: map[string]any{"ids": make([]any, 30_000)}, limit: "values"},
		{name: "string", document: `{node(id:"` + repeat("x", 30_000) + `"){id}}`, limit: "stringLength"},
		{name: "block string", document: `{node(id:"""` + repeat("\n x", 10_000) + `"""){id}}`, limit: "stringLength"},
		{name: "string in variables", document: "query($id:ID!){node(id:$id){id}}",
			variables: map[string]any{"id": repeat("x", 60_000)}, limit: "stringLength"},
		{name: "deep filter", document: "{leads(filter:{" + nested("not:{", 240) + closed(241) + "){totalCount}}", limit: "valueDepth"},
		{name: "deep list", document: "{leads(filter:" + repeat("[", 400) + repeat("]", 400) + "){totalCount}}", limit: "valueDepth"},
		{name: "deep filter in variables", document: "query($f:LeadFilter){leads(filter:$f){totalCount}}",
			variables: map[string]any{"f": deepFilter(1500)}, limit: "valueDepth"},
		{name: "wide filter", document: "{leads(filter:{and:[" + repeat("{not:{}} ", 150) + "]}){totalCount}}"},
		{name: "enums nearly right", document: "{leads(filter:{status:[" + repeat("ACTIVF ", 950) + "]}){totalCount}}"},
		{name: "deep type", document: "query($v:" + repeat("[", 400) + "Int" + repeat("]", 400) + "){__typename}", limit: "valueDepth"},
	}
}

func texts() []attack {
	return []attack{
		{name: "tokens", document: "{" + repeat("id ", 5000) + "}", limit: "tokens"},
		{name: "comments", document: repeat("#\n", 8000) + "{__typename}", limit: "tokens"},
		{name: "one comment", document: "#" + repeat("x", 1<<20) + "\n{__typename}", limit: "bytes"},
		{name: "byte order marks", document: repeat("\ufeff", 10_000) + "{__typename}"},
		{name: "commas", document: repeat(",", 30_000) + "{__typename}"},
		{name: "astral letters", document: "{" + repeat("\U0001F4A5", 8000) + "}"},
		{name: "astral letters in a string", document: `{node(id:"` + repeat("\U0001F4A5", 8000) + `"){id}}`, limit: "stringLength"},
		{name: "invalid UTF-8", document: "{" + repeat("\xff\xfe", 10_000) + "}"},
		{name: "unclosed string", document: `{node(id:"` + repeat("x", 30_000)},
		{name: "unclosed block string", document: `{node(id:"""` + repeat("\"\" ", 10_000)},
		{name: "unclosed braces", document: repeat("{a", 400)},
		{name: "quotes", document: repeat(`"`, 30_000), limit: "stringLength"},
		{name: "long names", document: "{" + repeat(repeat("x", 4000)+" ", 7) + "}", limit: "nameLength"},
		{name: "unknown names", document: "{lead(tenantId:1){" + repeat(repeat("x", 128)+" ", 20) + "}}"},
		{name: "nothing", document: ""},
	}
}

// worst returns the documents within all limits that cost the most to validate.
// A search found them.
func worst() []attack {
	const filter = "(filter:{not:{not:{not:{isDirectLead:true,hasCustomer:true}}}})"
	chain := func(operations, fragments int, last string) string {
		return numbered("query Q%d{...F0} ", operations) + numbered("fragment F%[1]d on Query{...F%[2]d} ", fragments-1) +
			fmt.Sprintf("fragment F%d on Query{%s}", fragments-1, last)
	}
	fields := strings.Fields("id tenantId tenantOrigin operatorId status statusText isDirectLead isNotActive umpCustomerGuid " +
		"channelId ovocChannelId comments consentedOn lastModifiedOn consentedCountries")
	repeated := func(times int) (all string) {
		for _, field := range fields {
			all += repeat(field+" ", times)
		}
		return all
	}
	inline := func(set string) string { return "...{...{...{" + set + "}}}" }
	var unknown string
	for i := range 25 {
		unknown += repeat(fmt.Sprintf("%s%d ", repeat("x", 50), i), 20)
	}
	return []attack{
		{name: "worst: unknown fields reached from everywhere", document: chain(2, 5, "leads{nodes{"+unknown+"}}")},
		{name: "worst: one place for 30 filters", document: chain(1, 10, inline(repeat("leads"+filter+"{totalCount} ", 30)))},
		{name: "worst: one place for 39 of each field", document: chain(5, 1, "leads{nodes{"+inline(repeated(39))+"}}")},
		{name: "worst: one place for 38 lists of addresses", document: chain(1, 22, "leads{nodes{"+inline(repeat(`civicAddresses(country:"DE"validationStatus:VALIDATED){id}`, 38))+"}}")},
		{name: "worst: one value in many lists", document: chain(1, 1, "leads(filter:{"+nested("not:{", 9)+"tenantId:["+repeat("1 ", 880)+"]"+closed(10)+"){totalCount}")},
		{name: "worst: fields reached from everywhere", document: chain(10, 35, "leads{nodes{"+repeated(4)+"}}")},
	}
}

func repeat(text string, times int) string { return strings.Repeat(text, times) }

// nested opens braces; closed closes them.
func nested(open string, times int) string { return repeat(open, times) }
func closed(times int) string              { return repeat("}", times) }

// numbered repeats the pattern with the numbers i and i+1.
func numbered(pattern string, times int) string {
	var b strings.Builder
	for i := range times {
		if strings.Contains(pattern, "%[2]d") {
			fmt.Fprintf(&b, pattern, i, i+1)
		} else {
			fmt.Fprintf(&b, pattern, i)
		}
	}
	return b.String()
}

func onLead(set string) string { return fmt.Sprintf("{lead(tenantId:%q){%s}}", tenant, set) }

func deepFilter(levels int) map[string]any {
	filter := map[string]any{}
	for range levels {
		filter = map[string]any{"not": filter}
	}
	return filter
}
