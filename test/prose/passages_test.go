package prose_test

import (
	"bytes"
	"go/scanner"
	"go/token"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// passage is text to search, with the line of each of its pieces, so that a
// phrase can cross lines.
type passage struct {
	text   strings.Builder
	starts []int // offset of each piece
	lines  []int // line of each piece in the file
}

// add appends text that begins on the given line of the file. Each line becomes a
// piece of its own.
func (p *passage) add(line int, text string) {
	for i, piece := range strings.SplitAfter(text, "\n") {
		p.starts = append(p.starts, p.text.Len())
		p.lines = append(p.lines, line+i)
		p.text.WriteString(piece)
	}
}

// line returns the line of the file for an offset in the text.
func (p *passage) line(offset int) int {
	return p.lines[sort.SearchInts(p.starts, offset+1)-1]
}

// passages returns what to search in a file.
func passages(name string, text []byte) []*passage {
	if strings.HasSuffix(name, ".go") {
		return goPassages(text)
	}
	return plainPassages(text)
}

// goPassages returns the comments and string literals of a Go file. Comments on
// consecutive lines form a passage, and so do literals joined by "+".
func goPassages(text []byte) []*passage {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, text, nil, scanner.ScanComments) // syntax errors are the compiler's concern
	var found []*passage
	var comment, literal *passage // those that may continue
	commentEnd := 0               // last line of comment
	for {
		pos, kind, value := s.Scan()
		switch line := file.Line(pos); kind {
		case token.EOF:
			return found
		case token.COMMENT:
			if comment == nil || line > commentEnd+1 {
				comment = new(passage)
				found = append(found, comment)
			}
			comment.add(line, uncommented(value)+"\n")
			commentEnd = line + strings.Count(value, "\n")
		case token.STRING:
			if literal == nil {
				literal = new(passage)
				found = append(found, literal)
			}
			plain, err := strconv.Unquote(value)
			if err == nil && value[0] == '"' {
				plain = strings.ReplaceAll(plain, "\n", " ") // not a new line of the file
			}
			literal.add(line, plain)
			comment = nil
		case token.SEMICOLON:
			if value == "\n" { // inserted by the scanner at the end of a line
				continue
			}
			comment, literal = nil, nil
		case token.ADD:
			comment = nil
		default:
			comment, literal = nil, nil
		}
	}
}

// uncommented returns the text of a comment without its markers.
func uncommented(comment string) string {
	if text, ok := strings.CutPrefix(comment, "//"); ok {
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(comment, "/*"), "*/")
}

var (
	paragraphEnd = regexp.MustCompile(`^\s*(?:#+|//+|\*)?\s*$`)
	leader       = regexp.MustCompile(`^\s*(?:#+!?|//+|/\*+|\*+/?|<!--|>)\s`)
)

// plainPassages returns the paragraphs of any other file. Markers of comments at
// the beginning of a line are left out.
func plainPassages(text []byte) []*passage {
	var found []*passage
	var current *passage
	for i, line := range bytes.Split(text, []byte("\n")) {
		if paragraphEnd.Match(line) {
			current = nil
			continue
		}
		if current == nil {
			current = new(passage)
			found = append(found, current)
		}
		current.add(i+1, string(leader.ReplaceAll(line, nil)))
		current.text.WriteByte('\n')
	}
	return found
}
