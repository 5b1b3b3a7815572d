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
	return string(f.fold(nil, strings.TrimSpace(text)))
}

// searchText holds the folded texts of all rows in one string, which costs the
// garbage collector nothing to scan.
type searchText struct {
	all    string
	starts []uint32 // where each row's texts start in all, and the end of the last
}

// searchText returns the texts of the leads. It copies those that the old snapshot has.
func (b *builder) searchText() searchText {
	w := searchWriter{folder: newFolder()}
	if b.unchanged(func(before, now *lead.Lead) bool { return w.of(before) == w.of(now) }) {
		return b.old.text
	}
	w.all = make([]byte, 0, len(b.old.text.all)+len(b.old.text.all)/16)
	starts := make([]uint32, 1, len(b.leads)+1)
	for row, l := range b.leads {
		b.pace.Step()
		if from := b.from[row]; from >= 0 {
			w.all = append(w.all, b.old.text.of(from)...)
		} else {
			w.lead(l)
		}
		starts = append(starts, uint32(len(w.all)))
	}
	return searchText{all: string(w.all), starts: starts}
}

// of returns the texts of a row.
func (t *searchText) of(row int32) string { return t.all[t.starts[row]:t.starts[row+1]] }

// keep removes the rows whose texts do not contain the needle.
func (t *searchText) keep(rows bitset, needle string) {
	for row := range rows.all() {
		if !strings.Contains(t.of(row), needle) {
			rows.remove(row)
		}
	}
}

type searchWriter struct {
	folder *folder
	all    []byte
	row    int // where the current row's texts start in all
}

// of returns the texts of a lead, and forgets the texts before.
func (w *searchWriter) of(l *lead.Lead) string {
	w.all = w.all[:0]
	w.lead(l)
	return string(w.all)
}

func (w *searchWriter) lead(l *lead.Lead) {
	w.row = len(w.all)
	if d := l.ContactDetails; d != nil {
		w.texts(d.CompanyName, d.FullName, d.Email)
	}
	for i := range l.Contacts {
		c := &l.Contacts[i]
		w.texts(c.CompanyName, c.FullName, c.Email)
	}
}

func (w *searchWriter) texts(texts ...*string) {
	for _, text := range texts {
		if text != nil && *text != "" {
			w.text(*text)
		}
	}
}

// text adds a text unless the row's texts already contain it: contacts commonly
// repeat the contact details.
func (w *searchWriter) text(text string) {
	before := len(w.all)
	w.all = w.folder.fold(w.all, text)
	if bytes.Contains(w.all[w.row:before], w.all[before:]) {
		w.all = w.all[:before]
		return
	}
	w.all = append(w.all, '\n')
}
