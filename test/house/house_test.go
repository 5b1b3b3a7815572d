// Package house checks the rules of the house that no linter knows: what a package
// may hold, and that docs/architecture.md shows every package.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

const (
	root = "../.."
	// A package is one job, and a file or a function fits into one head.
	maxFiles         = 16 // hand-written, without tests
	maxFileLines     = 350
	maxFunctionLines = 50
)

// TestHouse reads every Go file of the repository but generated ones.
func TestHouse(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(root + "/docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]int{} // by package
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name != "." && strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules" || name == "dist"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		folder := path.Dir(name)
		if files[folder] == 0 {
			files[folder] = 0 // of tests alone, it is a package too
		}
		if !strings.HasSuffix(name, "_test.go") && checkFile(t, name) {
			files[folder]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder, n := range files {
		if n > maxFiles {
			t.Errorf("%s has %d files, more than %d: which of them are another job?", folder, n, maxFiles)
		}
		if folder != "." && !strings.Contains(string(page), "`"+folder+"`") {
			t.Errorf("docs/architecture.md does not name the package `%s`", folder)
		}
	}
}

// checkFile reports whether the file is hand-written.
func checkFile(t *testing.T, name string) bool {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, root+"/"+name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(file) && !strings.HasSuffix(name, ".resolvers.go") {
		return false
	}
	line := func(at token.Pos) int { return set.Position(at).Line }
	if n := line(file.FileEnd) - 1; n > maxFileLines {
		t.Errorf("%s has %d lines, more than %d", name, n, maxFileLines)
	}
	for _, declared := range file.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := line(function.End()) - line(function.Pos()) + 1; n > maxFunctionLines {
			t.Errorf("%s: %s has %d lines, more than %d", name, function.Name.Name, n, maxFunctionLines)
		}
	}
	return true
}
