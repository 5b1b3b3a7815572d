package export

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"leadgraph/graph/transport"
)

// Between the elements of a list in a cell, and of a list in such an element.
var separators = [...]string{"\n", "; "}

// flattener turns the JSON of a lead into the cells of a record. The JSON has the members
// of the layout in their order and no white space, except in values that the platform has
// sent as JSON. One goroutine may use it.
type flattener struct {
	*layout
	row    string
	at     int
	depth  int // of lists
	record []string
	lists  [][]byte // the cells of lists, by column
}

func newFlattener(l *layout) *flattener {
	return &flattener{layout: l, record: make([]string, len(l.columns)), lists: make([][]byte, len(l.columns))}
}

// flatten returns the cells. They are valid until the next call.
func (f *flattener) flatten(row string) []string {
	f.row, f.at = row, 0
	clear(f.record)
	for i := range f.lists {
		f.lists[i] = f.lists[i][:0]
	}
	f.object(f.fields)
	for i, cell := range f.lists {
		if len(cell) > 0 {
			f.record[i] = string(cell)
		}
	}
	return f.record
}

// object reads an object or null.
func (f *flattener) object(fields []field) {
	if f.null() {
		return
	}
	f.at++
	for i := range fields {
		if i > 0 {
			f.at++
		}
		f.at += len(fields[i].alias) + len(`"":`)
		f.value(&fields[i])
	}
	f.at++
}

func (f *flattener) null() bool {
	if f.row[f.at] != 'n' {
		return false
	}
	f.at += len("null")
	return true
}

func (f *flattener) value(of *field) {
	if !of.list {
		f.element(of)
		return
	}
	if f.null() {
		return
	}
	f.at++
	separator := separators[f.depth]
	f.depth++
	for i := 0; f.row[f.at] != ']'; i++ {
		if i > 0 {
			f.at++
			for column := of.first; column < of.end; column++ {
				f.lists[column] = append(f.lists[column], separator...)
			}
		}
		f.element(of)
	}
	f.depth--
	f.at++
}

func (f *flattener) element(of *field) {
	if of.object {
		f.object(of.fields)
		return
	}
	text := f.scalar()
	if f.depth == 0 {
		f.record[of.first] = guarded(text)
		return
	}
	f.lists[of.first] = append(f.lists[of.first], guarded(oneLine(text))...)
}

// scalar reads a value. Null is the empty text, and an object or a list stays JSON.
func (f *flattener) scalar() string {
	rest := f.row[f.at:]
	if f.null() {
		return ""
	}
	if rest[0] == '"' {
		length := strings.IndexByte(rest[1:], '"')
		if text := rest[1 : 1+length]; strings.IndexByte(text, '\\') < 0 { // nearly always
			f.at += len(text) + 2
			return text
		}
	}
	end := transport.ValueEnd(rest)
	f.at += end
	if rest[0] != '"' {
		return rest[:end]
	}
	var text string
	_ = json.Unmarshal([]byte(rest[:end]), &text) // it was rendered by us
	return text
}

// oneLine keeps the lines of a cell for the elements of its list.
func oneLine(text string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(text)
}

// dangerous are the first characters by which a spreadsheet takes a text for a formula, also
// as East Asian keyboards write them, and by which the last line of an export is known.
const dangerous = "=+-@\t\r\n#＝＋－＠"

// cellStarts are characters after which another cell may begin: a spreadsheet in whose
// locale another one than the comma separates cells does not heed quotes as we set them.
const cellStarts = "\n\r;\t"

// guarded returns a text that no spreadsheet takes for a formula, nor a part of it, even if it
// leaves spaces in front out.
func guarded(text string) string {
	safe, from := "", 0
	for at := 0; ; {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text[at:], " "))
		if strings.ContainsRune(dangerous, first) && (at == 0 || !strings.ContainsRune(cellStarts, first)) {
			safe, from = safe+text[from:at]+"'", at
		}
		next := strings.IndexAny(text[at:], cellStarts)
		if next < 0 {
			return safe + text[from:]
		}
		at += next + 1
	}
}
