package app_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDeployedSettingsExist looks up each variable that leadgraph is deployed with
// or that the pages for operators name.
func TestDeployedSettingsExist(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	if err := run(t.Context(), []string{"serve", "--help"}, noSettings, &help, io.Discard); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, flag := range regexp.MustCompile(`--(?:\[no-\])?([a-z0-9-]+)`).FindAllStringSubmatch(help.String(), -1) {
		known["LEADGRAPH_"+strings.ToUpper(strings.ReplaceAll(flag[1], "-", "_"))] = true
	}
	files := []string{"Dockerfile", "README.md", "docs/operations.md"}
	err := fs.WalkDir(os.DirFS(root), "deploy", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, name := range matches(t, file, `(LEADGRAPH_[A-Z0-9_]+)`) {
			if found++; !known[name] {
				t.Errorf("%s: there is no setting %s", file, name)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d settings were found in %v", found, files)
	}
}

// TestAlertsAreExplained checks that operations.md has a section for each alert and
// no others.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	rules, err := fs.Glob(os.DirFS(root), "deploy/observability/alerts*.yml")
	if err != nil || len(rules) == 0 {
		t.Fatal("no alert rules", err)
	}
	var alerts []string
	for _, file := range rules {
		alerts = append(alerts, matches(t, file, `(?m)^ *- alert: (\w+)$`)...)
	}
	if explained := matches(t, "docs/operations.md", `(?m)^### Alert (\w+)$`); !slices.Equal(explained, alerts) {
		t.Errorf("alerts %v\nare explained as %v", alerts, explained)
	}
}

// matches returns the matches of the first group of pattern in a file.
func matches(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(root + file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	return found
}
