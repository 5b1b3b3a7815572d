package catalogue

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"leadgraph/lead"
)

// folder converts texts to the form in which they are searched: compatibility forms
// and accents removed, full case folding, and plain letters in place of those that
// Unicode does not decompose. It is not safe for concurrent use.
type folder struct {
	caser      cases.Caser
	decomposed []byte // scratch
}

func newFolder() *folder { return &folder{caser: cases.Fold()} }

// plainLetters replaces Latin letters with a stroke, the dotless i and ligatures.
// People type these as plain letters, but Unicode does not decompose them.
var plainLetters = strings.NewReplacer(
	"ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ŧ", "t", "ı", "i", "æ", "ae", "œ", "oe")

// fold appends the folded text to dst. Line breaks and other control characters
// become blanks, so that a line break can separate texts.
func (f *folder) fold(dst []byte, text string) []byte {
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			return f.foldUnicode(dst[:len(dst)-i], text)
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c < ' ':
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

func (f *folder) foldUnicode(dst []byte, text string) []byte {
	f.decomposed = norm.NFKD.AppendString(f.decomposed[:0], text)
	bare := bytes.Map(func(r rune) rune {
		switch {
		case isAccent(r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, f.decomposed)
	plain := plainLetters.Replace(string(f.caser.Bytes(bare)))
	// Composed again, a Korean syllable does not match half of another one.
	return norm.NFC.AppendString(dst, plain)
}

// accented are the scripts whose nonspacing marks people leave out when they search:
// accents, and the vowel points of Hebrew, Arabic and Syriac. In Indic scripts, Thai
// and others such a mark is a vowel, which makes another word.
var accented = []*unicode.RangeTable{
	unicode.Inherited, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Syriac,
}

// isAccent reports whether r is a mark that a search ignores. The two marks for
// voiced sounds of Japanese are inherited, but make another letter.
func isAccent(r rune) bool {
	const voiced, semiVoiced = '\u3099', '\u309a'
	return unicode.Is(unicode.Mn, r) && unicode.In(r, accented...) && r != voiced && r != semiVoiced
}

// needle returns the folded form of a search text; "" matches every lead.
func (f *folder) needle(text string) string {
	return strings.TrimSpace(string(f.fold(nil, text))) // an accent alone may become a blank
}

// digits returns the digits of a folded text.
func digits(folded string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, folded)
}

// dialled returns the digits by which a folded search text finds phone numbers; "" if it
// has letters or no digits.
func dialled(needle string) string {
	if strings.ContainsFunc(needle, unicode.IsLetter) {
		return ""
	}
	return digits(needle)
}

// The texts of a row are in three regions, and each text ends with a line break. The
// first line is the company name of the contact details, which may be empty.
const (
	openTexts     = iota // not personal
	personalTexts        // names and e-mail addresses
	phoneNumbers         // their digits
	regions
)

// searchText holds the folded texts of all rows in one string, which costs the
// garbage collector nothing to scan.
type searchText struct {
	all    string
	starts []uint32 // where each row's regions start in all, and the end of the last
}

// searchText returns the texts of the leads. It copies those that the old snapshot has.
func (b *builder) searchText() searchText {
	w := searchWriter{folder: newFolder()}
	if b.unchanged(w.same) {
		return b.old.text
	}
	w.all = make([]byte, 0, len(b.old.text.all)+len(b.old.text.all)/16)
	w.starts = make([]uint32, 1, regions*len(b.leads)+1)
	for row, l := range b.leads {
		b.pace.Step()
		if from := b.from[row]; from >= 0 {
			w.copy(&b.old.text, from)
		} else {
			w.lead(l)
		}
	}
	return searchText{all: string(w.all), starts: w.starts}
}

// of returns the texts of a row in the regions [from, to).
func (t *searchText) of(row int32, from, to int) string {
	at := regions * int(row)
	return t.all[t.starts[at+from]:t.starts[at+to]]
}

// keep removes the rows that a search for the folded text does not find. Every row has
// the empty text.
func (t *searchText) keep(rows bitset, needle string) {
	number := dialled(needle)
	for row := range rows.all() {
		if !strings.Contains(t.of(row, openTexts, phoneNumbers), needle) &&
			(number == "" || !strings.Contains(t.of(row, phoneNumbers, regions), number)) {
			rows.remove(row)
		}
	}
}

// companyName returns the first line of a row.
func (t *searchText) companyName(row int32) string {
	texts := t.of(row, openTexts, personalTexts)
	return texts[:strings.IndexByte(texts, '\n')+1]
}

// open returns the texts of a row that are not personal.
func (t *searchText) open(row int32) string { return t.of(row, openTexts, personalTexts) }

// needles is a lead.TextFilter whose texts are folded; "" is no condition.
type needles struct{ contains, starts, equals string }

func needlesOf(f *lead.TextFilter) needles {
	fold := newFolder()
	return needles{fold.needle(f.Contains), fold.needle(f.Starts), fold.needle(f.Equals)}
}

// match reports whether one of the lines meets all conditions.
func (n needles) match(lines string) bool {
	// Most rows fail here, without a look at each line.
	if !strings.Contains(lines, n.contains) || !strings.Contains(lines, n.starts) || !strings.Contains(lines, n.equals) {
		return false
	}
	if n.starts == "" && n.equals == "" {
		return true
	}
	for line := range strings.Lines(lines) {
		if strings.Contains(line, n.contains) && strings.HasPrefix(line, n.starts) && (n.equals == "" || line == n.equals+"\n") {
			return true
		}
	}
	return false
}

// searchedField is a field that a search looks at, and the region of its text.
type searchedField[T any] struct {
	lead.Field[T]
	region int
}

// searched returns the fields of a table that a search looks at.
func searched[T any](fields []lead.Field[T]) (found []searchedField[T]) {
	for _, f := range fields {
		switch {
		case f.Traits.Has(lead.Dialled):
			found = append(found, searchedField[T]{f, phoneNumbers})
		case f.Traits.Has(lead.Searched | lead.Personal):
			found = append(found, searchedField[T]{f, personalTexts})
		case f.Traits.Has(lead.Searched):
			found = append(found, searchedField[T]{f, openTexts})
		}
	}
	return found
}

// text returns the text of the field; "" if it is absent.
func (f *searchedField[T]) text(x *T) string {
	if f.Text != nil {
		return *f.Text(x)
	}
	if text := *f.Optional(x); text != nil {
		return *text
	}
	return ""
}

var (
	searchedOfLead    = searched(lead.LeadFields)
	searchedOfDetails = searched(lead.DetailsFields)
	searchedOfContact = searched(lead.ContactFields)
	searchedOfAddress = searched(lead.AddressFields)
)

type searchWriter struct {
	folder *folder
	all    []byte
	starts []uint32
	region int
	begun  int // where the current region starts in all
}

// copy adds a row of other texts.
func (w *searchWriter) copy(from *searchText, row int32) {
	for region := range regions {
		w.all = append(w.all, from.of(row, region, region+1)...)
		w.starts = append(w.starts, uint32(len(w.all)))
	}
}

// same reports whether two leads have the same texts. It forgets the texts before.
func (w *searchWriter) same(a, b *lead.Lead) bool {
	w.all, w.starts = w.all[:0], w.starts[:0]
	w.lead(a)
	length, ends := len(w.all), len(w.starts)
	w.lead(b)
	for i := range ends {
		if w.starts[ends+i] != w.starts[i]+uint32(length) {
			return false
		}
	}
	return bytes.Equal(w.all[:length], w.all[length:])
}

func (w *searchWriter) lead(l *lead.Lead) {
	for w.region = range regions {
		w.begun = len(w.all)
		if w.region == openTexts {
			w.text(companyName(l))
		}
		addTexts(w, searchedOfLead, l)
		if l.ContactDetails != nil {
			addTexts(w, searchedOfDetails, l.ContactDetails)
		}
		for i := range l.Contacts {
			addTexts(w, searchedOfContact, &l.Contacts[i])
		}
		for i := range l.CivicAddresses {
			addTexts(w, searchedOfAddress, &l.CivicAddresses[i])
		}
		w.starts = append(w.starts, uint32(len(w.all)))
	}
}

// addTexts adds those texts of a part that belong to the current region.
func addTexts[T any](w *searchWriter, fields []searchedField[T], part *T) {
	for i := range fields {
		if f := &fields[i]; f.region == w.region {
			if text := f.text(part); text != "" {
				w.text(text)
			}
		}
	}
}

// text adds a line unless the region already has it: contacts commonly repeat the
// contact details.
func (w *searchWriter) text(text string) {
	before := len(w.all)
	w.all = w.folder.fold(w.all, strings.TrimSpace(text))
	if w.region == phoneNumbers {
		w.all = append(w.all[:before], digits(string(w.all[before:]))...)
	}
	w.all = append(w.all, '\n')
	if before > w.begun && w.repeated(before) {
		w.all = w.all[:before]
	}
}

// repeated reports whether the region has the line that starts there. Only lines of open
// texts are compared as a whole, so others may be a part of a longer one.
func (w *searchWriter) repeated(start int) bool {
	region, line := w.all[w.begun:start], w.all[start:]
	if w.region != openTexts {
		return bytes.Contains(region, line[:len(line)-1])
	}
	return bytes.HasPrefix(region, line) || bytes.Contains(region, w.all[start-1:])
}
