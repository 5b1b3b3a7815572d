package prose_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// compile compiles the patterns in the order of the list.
func compile() []*regexp.Regexp {
	patterns := make([]*regexp.Regexp, len(banned))
	for i, p := range banned {
		patterns[i] = regexp.MustCompile(`(?i)` + strings.ReplaceAll(p.pattern, " ", `\s+`))
	}
	return patterns
}

// TestPatterns checks that each pattern matches its samples and no legitimate
// sentence.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for i, pattern := range compile() {
		if len(banned[i].samples) == 0 || banned[i].instead == "" {
			t.Errorf("%s: needs a sample and advice", banned[i].pattern)
		}
		for _, sample := range banned[i].samples {
			if !pattern.MatchString(sample) || !strings.Contains(strings.ToLower(sample), banned[i].word) {
				t.Errorf("%s does not match %q", banned[i].pattern, sample)
			}
		}
		for _, sentence := range legitimate {
			if match := pattern.FindString(sentence); match != "" {
				t.Errorf("%s matches %q in %q", banned[i].pattern, match, sentence)
			}
		}
	}
}

// TestPassages checks what is searched in files, and that findings have the right
// line.
func TestPassages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		want       []string
	}{
		"comment":             {"a.go", "package a\n\n// It is read\n// anew.\nvar x int // anew\n", []string{"4: anew", "5: anew"}},
		"block comment":       {"a.go", "package a\n\n/* in\nthe place\nof */\n", []string{"3: in the place of"}},
		"separate comments":   {"a.go", "package a\n\n// at the\n\n// most\n", nil},
		"code":                {"a.go", "package a\n\nvar anew = 1\n", nil},
		"literal":             {"a.go", "package a\n\nvar x = \"anew\\nhe\"\n", []string{"3: anew", "3: he"}},
		"raw literal":         {"a.go", "package a\n\nvar x = `a\nis anew`\n", []string{"4: anew"}},
		"joined literals":     {"a.go", "package a\n\nvar x = \"at the \" +\n\t\"most\"\n", []string{"3: at the most"}},
		"separate literals":   {"a.go", "package a\n\nvar x = f(\"at the \", \"most\")\n", nil},
		"Markdown":            {"a.md", "# T\n\nOne at the\nmost.\n", []string{"3: at the most"}},
		"separate paragraphs": {"a.md", "One at the\n\nmost.\n", nil},
		"comment of YAML":     {"a.yaml", "a: 1\n  # One at the\n  # most\n", []string{"2: at the most"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, hit := range search(compile(), c.file, []byte(c.text)) {
				got = append(got, fmt.Sprintf("%d: %s", hit.line, hit.match))
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// hit is a banned phrase in a file.
type hit struct {
	line    int
	match   string
	instead string
}

func search(patterns []*regexp.Regexp, name string, text []byte) []hit {
	var hits []hit
	for _, p := range passages(name, text) {
		prose := p.text.String()
		lower := strings.ToLower(prose)
		for i, pattern := range patterns {
			if !strings.Contains(lower, banned[i].word) {
				continue
			}
			for _, at := range pattern.FindAllStringIndex(prose, -1) {
				match := strings.Join(strings.Fields(prose[at[0]:at[1]]), " ")
				match = match[:min(len(match), 80)]
				hits = append(hits, hit{p.line(at[0]), match, banned[i].instead})
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.line - b.line })
	return hits
}

// TestProse searches all files of the repository.
func TestProse(t *testing.T) {
	t.Parallel()
	patterns, names := compile(), files(t)
	if len(names) < 100 {
		t.Fatalf("only %d files to search", len(names))
	}
	counts := map[string]int{}
	for _, name := range names {
		text, err := os.ReadFile(path.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if path.Ext(name) == "" && !bytes.HasPrefix(text, []byte("#!")) && !slices.Contains(named, path.Base(name)) {
			continue // neither a script nor one of the named files
		}
		for _, h := range search(patterns, name, text) {
			t.Errorf("%s:%d: %q: write %s", name, h.line, h.match, h.instead)
			folder, _, inFolder := strings.Cut(name, "/")
			if !inFolder {
				folder = "."
			}
			counts[folder]++
		}
	}
	if len(counts) > 0 {
		t.Log("hits by folder:", counts) // maps print in the order of their keys
	}
}

var (
	extensions = []string{".go", ".md", ".graphqls", ".yaml", ".yml", ".mjs", ".js", ".jsx", ".html", ".sh", ".env", ".conf", ".service"}
	named      = []string{"Makefile", "Dockerfile"}
	// skipped are generated files, dependencies and test data, and this list.
	skipped = []string{"graph/generated", "web/dist", "test/prose", "dist"}
	// skippedAnywhere are folders to skip wherever they are.
	skippedAnywhere = []string{".git", "node_modules", "testdata"}
)

// files returns the files to search. It walks the tree even if git lists the
// files: the test cache then notices new files.
func files(t *testing.T) []string {
	t.Helper()
	inGit := tracked(t)
	var found []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains(skipped, name) || slices.Contains(skippedAnywhere, entry.Name())):
			return fs.SkipDir
		case !entry.Type().IsRegular() || inGit != nil && !inGit[name]:
			return nil
		}
		if ext := path.Ext(name); ext == "" || slices.Contains(extensions, ext) {
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tracked returns the files that git tracks, or nil without git or a repository.
func tracked(t *testing.T) map[string]bool {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	list.Dir = root
	out, err := list.Output()
	if _, failed := errors.AsType[*exec.ExitError](err); failed || errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		files[name] = true
	}
	return files
}
