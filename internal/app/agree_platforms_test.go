package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf16"

	"leadgraph/upstream/sandbox"
)

// oddPlatform is a platform with 45 leads that behaves as the documents do not say.
type oddPlatform struct {
	quirks  sandbox.Options
	spoil   map[int]map[string]any    // members of rows, in pages only
	edit    map[string]any            // members of the fourth lead, in pages and lookups
	reshape func(array []byte) []byte // of a page or lookup

	unusable   string // the check that fails
	unreadable int    // rows that cannot be read
	oddValue   bool   // a value cannot be used
}

func oddPlatforms() map[string]oddPlatform {
	all := map[string]oddPlatform{}
	for _, some := range []map[string]oddPlatform{oddPaging(), oddRows(), oddTimes(), oddShapes()} {
		maps.Copy(all, some)
	}
	return all
}

// oddPaging returns platforms with other pages.
func oddPaging() map[string]oddPlatform {
	platforms := map[string]oddPlatform{
		"documented":                           {},
		"one lead":                             {quirks: sandbox.Options{Leads: 1}},
		"a single object":                      {quirks: sandbox.Options{Leads: 1, Single: true}},
		"no leads, tenants are unknown: 404":   {quirks: sandbox.Options{Empty: true, UnknownTenant: "404"}},
		"no leads, tenants are unknown: blank": {quirks: sandbox.Options{Empty: true, UnknownTenant: sandbox.NothingBlank}},
		"no leads, tenants are unknown: 204":   {quirks: sandbox.Options{Empty: true, UnknownTenant: sandbox.NothingNoContent}},
		"no leads":                             {quirks: sandbox.Options{Empty: true}},
		"pages cut":                            {quirks: sandbox.Options{CutAbove: 7}},
		"pages cut, offsets kept":              {quirks: sandbox.Options{CutAbove: 7, CutKeepsOffset: true}},
		"pages of one":                         {quirks: sandbox.Options{CutAbove: 1}},
		"page size ignored":                    {quirks: sandbox.Options{IgnorePageSize: true}},
		"page number ignored":                  {quirks: sandbox.Options{IgnorePageNumber: true}, unusable: "first-page"},
		"both ignored":                         {quirks: sandbox.Options{IgnorePageNumber: true, IgnorePageSize: true}, unusable: "first-page"},
		"large pages refused":                  {quirks: sandbox.Options{RefuseAbove: 5000}},
		"all but small refused":                {quirks: sandbox.Options{RefuseAbove: 120}},
		"lookups refused":                      {quirks: sandbox.Options{RefuseAbove: 50}, unusable: "tenant-param"},
		"no order, one page":                   {quirks: sandbox.Options{Unordered: true}},
		"no order, many pages":                 {quirks: sandbox.Options{Unordered: true, CutAbove: 15}, unusable: "order"},
		"another tenant parameter":             {quirks: sandbox.Options{TenantParam: "msTenantId"}},
		"no tenant parameter":                  {quirks: sandbox.Options{TenantParam: "customer"}, unusable: "tenant-param"},
		"size ignored, then 404":               {quirks: sandbox.Options{IgnorePageSize: true, PastEnd: "404"}},
		"pages of one, then 404":               {quirks: sandbox.Options{CutAbove: 1, PastEnd: "404"}},
		"pages of one, then 404, by 2":         {quirks: sandbox.Options{CutAbove: 1, PastEnd: "404", Leads: 20}, unusable: "leads"},
		"size ignored, then 404 at a step":     {quirks: sandbox.Options{IgnorePageSize: true, PastEnd: "404", Leads: 20}, unusable: "leads"},
		"cut, then 404":                        {quirks: sandbox.Options{CutAbove: 7, PastEnd: "404"}},
		"cut at a step, then 404":              {quirks: sandbox.Options{CutAbove: 15, PastEnd: "404"}},
		"from 1, cut, then 404":                {quirks: sandbox.Options{FirstPage: 1, CutAbove: 7, PastEnd: "404"}},
		"several at once":                      {quirks: sandbox.Options{FirstPage: 1, PageZero: sandbox.PageZeroError, Nested: true, Envelope: true, IgnorePageSize: true}},
	}
	for _, zero := range []string{sandbox.PageZeroRepeat, sandbox.PageZeroEmpty, sandbox.PageZeroError} {
		platforms["from 1, page 0: "+zero] = oddPlatform{quirks: sandbox.Options{FirstPage: 1, PageZero: zero}}
	}
	for _, nothing := range []string{
		sandbox.NothingNull, sandbox.NothingBlank, sandbox.NothingNoContent, sandbox.NothingBare404, sandbox.NothingHTML404, sandbox.NothingNamed404,
		"400", "404", "410", "416",
	} {
		platforms["past the end: "+nothing] = oddPlatform{quirks: sandbox.Options{PastEnd: nothing}}
		bare := oddPlatform{quirks: sandbox.Options{Empty: true, PastEnd: nothing}}
		if nothing == sandbox.NothingBlank { // nothing shows that there is a lead endpoint
			bare.unusable = "first-page"
		}
		platforms["no leads, past the end: "+nothing] = bare
		platforms["unknown tenant: "+nothing] = oddPlatform{quirks: sandbox.Options{UnknownTenant: nothing}}
	}
	platforms["unknown tenant: 422"] = oddPlatform{quirks: sandbox.Options{UnknownTenant: "422"}}
	platforms["past the end: 422"] = oddPlatform{quirks: sandbox.Options{PastEnd: "422"}, unusable: "leads"}
	return platforms
}

// oddRows returns platforms with other rows.
func oddRows() map[string]oddPlatform {
	const zero = "00000000-0000-0000-0000-000000000000"
	platforms := map[string]oddPlatform{
		"all ids missing":                      {spoil: spoilt(0, 45, map[string]any{"id": nil}), unusable: "content"},
		"first page broken":                    {spoil: spoilt(0, 20, map[string]any{"id": ""}), unreadable: 20},
		"first page broken, another parameter": {quirks: sandbox.Options{TenantParam: "msTenantId"}, spoil: spoilt(0, 20, map[string]any{"id": ""}), unreadable: 20},
		"last rows broken":                     {spoil: spoilt(40, 45, map[string]any{"tenantId": zero}), unreadable: 5},
		"cut and broken":                       {quirks: sandbox.Options{CutAbove: 7}, spoil: spoilt(7, 21, map[string]any{"tenantId": "x"}), unreadable: 14},
		"an id twice":                          {spoil: map[int]map[string]any{4: {"id": "same"}, 9: {"id": "same"}}},
	}
	for name, members := range map[string]map[string]any{
		"no id": {"id": nil}, "blank id": {"id": " "}, "zero id": {"id": zero}, "zero id in braces": {"id": "{" + zero + "}"},
		"no tenant": {"tenantId": nil}, "blank tenant": {"tenantId": ""}, "zero tenant": {"tenantId": zero}, "no GUID": {"tenantId": "contoso"},
		"contacts are a text": {"contacts": "x"}, "addresses are a number": {"civicAddresses": 7}, "addresses are something else": {"civicAddresses": map[string]any{"x": 1}},
		"countries are an object": {"consentedCountries": map[string]any{"x": 1}},
	} {
		value, isText := members["contacts"].(string)
		listed := isText && value != "" || members["civicAddresses"] != nil || members["consentedCountries"] != nil
		platforms[name] = oddPlatform{spoil: map[int]map[string]any{3: members}, unreadable: 1, oddValue: listed}
	}
	for name, members := range map[string]map[string]any{
		"id is a number": {"id": 7}, "tenant without hyphens": {"tenantId": "f94238e54f2c4e1b81252d27122ca75f"}, "tenant in braces": {"tenantId": "{f94238e5-4f2c-4e1b-8125-2d27122ca75f}"},
		"tenant in parentheses": {"tenantId": "(F94238E5-4F2C-4E1B-8125-2D27122CA75F)"}, "tenant with space": {"tenantId": " f94238e5-4f2c-4e1b-8125-2d27122ca75f "},
		"a text for a boolean": {"isDirectLead": "True"}, "an empty text for a boolean": {"isDirectLead": ""}, "a number for a boolean": {"isDirectLead": 1},
		"countries in one text": {"consentedCountries": "US,GB"}, "country by name": {"consentedCountries": []string{"United States"}},
		"no lists":    {"contacts": nil, "civicAddresses": "", "consentedCountries": []any{nil}, "contactDetails": []any{}},
		"one contact": {"contacts": map[string]any{"fullName": "n"}}, "details in a list": {"contactDetails": []any{map[string]any{"full_name": "n"}}},
		"contacts by $values": {"contacts": map[string]any{"$id": "8", "$values": []any{map[string]any{"$id": "9", "fullName": "n"}}}},
		"contacts by $ref":    {"contactDetails": map[string]any{"$id": "8", "fullName": "n"}, "contacts": map[string]any{"$id": "9", "$values": []any{map[string]any{"$ref": "8"}}}},
		"unknown members":     {"x": 1, "y": []any{}}, "comments of any form": {"comments": map[string]any{"x": 1}},
	} {
		platforms[name] = oddPlatform{spoil: map[int]map[string]any{3: members}}
	}
	for name, members := range map[string]map[string]any{
		"unknown country": {"consentedCountries": []string{"Atlantis"}}, "no boolean": {"isDirectLead": "perhaps"}, "a list for a text": {"status": []any{}},
		"a number in contacts": {"contacts": []any{1}}, "details are a text": {"contactDetails": "x"}, "customer is no GUID": {"umpCustomerGuid": "x"},
		"a reference to nothing": {"contactDetails": map[string]any{"$ref": "99"}}, "channel is not a number": {"channelId": "NaN"},
	} {
		platforms[name] = oddPlatform{spoil: map[int]map[string]any{3: members}, oddValue: true}
	}
	return platforms
}

// spoilt returns the same members for some rows.
func spoilt(from, to int, members map[string]any) map[int]map[string]any {
	rows := map[int]map[string]any{}
	for row := from; row < to; row++ {
		rows[row] = members
	}
	return rows
}

// oddTimes returns platforms with other times.
func oddTimes() map[string]oddPlatform {
	platforms := map[string]oddPlatform{}
	for _, at := range []any{
		"2024-04-03T13:32:12.828Z", "2024-04-03T13:32:12.8280000", "2024-04-03T13:32:12+02:00", "2024-04-03T13:32:12+0200", "2024-04-03T13:32:12", "2024-04-03",
		"2024-04-03 13:32:12Z", "2024-04-03 13:32:12", "/Date(1712151132828)/", "/Date(1712151132828+0200)/", "Wed, 03 Apr 2024 13:32:12 GMT",
		1712151132, 1712151132828, nil, "", " ", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "/Date(-62135596800000)/",
	} {
		platforms[fmt.Sprintf("time %v", at)] = oddPlatform{edit: map[string]any{"lastModifiedOn": at}}
	}
	for _, at := range []any{"soon", "03.04.2024", "2024-13-03T13:32:12Z", "/Date(x)/", "1712151132", 5, true, []any{}, map[string]any{"x": 1}} {
		platforms[fmt.Sprintf("no time %v", at)] = oddPlatform{edit: map[string]any{"consentedOn": at}, oddValue: true}
	}
	return platforms
}

// oddShapes returns platforms with other answers.
func oddShapes() map[string]oddPlatform {
	into := func(format string) func([]byte) []byte {
		return func(array []byte) []byte { return fmt.Appendf(nil, format, array) }
	}
	platforms := map[string]oddPlatform{
		"nested":                   {quirks: sandbox.Options{Nested: true}},
		"in an envelope":           {reshape: into(`{"count":1,"links":[],"Data":%s,"next":null}`)},
		"in two envelopes":         {reshape: into(`{"d":{"__count":"9","results":%s}}`)},
		"beside another object":    {reshape: into(`{"result":{"code":0},"items":%s}`)},
		"in an unknown envelope":   {reshape: into(`{"things":%s}`), unusable: "platform"},
		"after data of a lead":     {reshape: into(`{"data":%s,"id":1}`), unusable: "platform"},
		"an array of texts":        {reshape: func([]byte) []byte { return []byte(`["x"]`) }, unusable: "platform"},
		"a text":                   {reshape: func([]byte) []byte { return []byte(`"x"`) }, unusable: "platform"},
		"only spaces":              {reshape: func([]byte) []byte { return []byte("  ") }, unusable: "platform"},
		"an error with status 200": {reshape: func([]byte) []byte { return []byte(`{"error":"x","id":1}`) }, unusable: "platform"},
		"a login page":             {reshape: func([]byte) []byte { return []byte(`<html>`) }, unusable: "platform"},
		"nested too deep":          {reshape: into("[[[[[[[[[%s]]]]]]]]]"), unusable: "platform"},
		"a byte order mark":        {reshape: into("\uFEFF%s")},
		"UTF-16":                   {reshape: utf16Of},
		"snake_case":               {reshape: renamed("_", strings.ToLower)},
		"kebab-case":               {reshape: renamed("-", strings.ToLower)},
		"PascalCase":               {reshape: renamed("", func(name string) string { return strings.ToUpper(name[:1]) + name[1:] })},
		"references":               {reshape: preserving},
	}
	for _, name := range []string{"data", "value", "values", "$values", "items", "results", "result", "records", "content", "leads", "rows", "d", "_embedded", "embedded"} {
		platforms["envelope "+name] = oddPlatform{reshape: into(`{"` + name + `":%s}`)}
	}
	return platforms
}

// utf16Of encodes a text in UTF-16 without a byte order mark.
func utf16Of(text []byte) (out []byte) {
	for _, unit := range utf16.Encode([]rune(string(text))) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

var (
	memberName = regexp.MustCompile(`"\w+":`)
	hump       = regexp.MustCompile(`([a-z])([A-Z])`)
)

// renamed changes the names of all members.
func renamed(separator string, change func(string) string) func([]byte) []byte {
	return func(text []byte) []byte {
		return memberName.ReplaceAllFunc(text, func(name []byte) []byte {
			words := hump.ReplaceAllString(string(name[1:len(name)-2]), "${1}"+separator+"${2}")
			return fmt.Appendf(nil, "%q:", change(words))
		})
	}
}

// preserving writes objects and lists as serialisers do that preserve references.
func preserving(array []byte) []byte {
	var value any
	if json.Unmarshal(array, &value) != nil {
		return array
	}
	n := 0
	var wrap func(any) any
	wrap = func(value any) any {
		n++
		out := map[string]any{"$id": fmt.Sprint(n)}
		switch value := value.(type) {
		case []any:
			list := []any{}
			for _, one := range value {
				list = append(list, wrap(one))
			}
			out["$values"] = list
		case map[string]any:
			for name, one := range value {
				out[name] = wrap(one)
			}
		default:
			return value
		}
		return out
	}
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(wrap(value))
	return out.Bytes()
}
