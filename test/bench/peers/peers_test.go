package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCopiesAreKeptUntilTheSourceChanges(t *testing.T) {
	t.Parallel()
	source, cache := filepath.Join(t.TempDir(), "peer"), t.TempDir()
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(source, "a"), "1")
	copied := func() string {
		t.Helper()
		folder, err := duplicate(source, cache)
		if err != nil {
			t.Fatal(err)
		}
		return folder
	}
	first := copied()
	count := []string{"sh", "-c", "cat a >>runs"}
	if err := prepare(t.Context(), first, []string{"false"}); err == nil {
		t.Error("a failure was not noticed")
	}
	write(t, filepath.Join(first, "left over"), "")
	if copied() != first {
		t.Error("the name of the copy depends on more than the source")
	}
	if _, err := os.Stat(filepath.Join(first, "left over")); err == nil {
		t.Error("a copy that was not prepared was kept")
	}
	for range 2 {
		if err := prepare(t.Context(), copied(), count); err != nil {
			t.Fatal(err)
		}
	}
	if runs, err := os.ReadFile(filepath.Join(first, "runs")); err != nil || string(runs) != "1" {
		t.Errorf("prepared %d times, %v", len(runs), err)
	}
	write(t, filepath.Join(source, "a"), "2")
	if copied() == first {
		t.Error("a changed source has the same copy")
	}
}

// TestTheConfigurationCanBePlaced notices if the texts that placed replaces change.
func TestTheConfigurationCanBePlaced(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile("tailcall/config.graphql")
	if err != nil {
		t.Fatal(err)
	}
	got := placed(string(config), 1234, "http://127.0.0.1:5678")
	if strings.Contains(got, "4101") || strings.Contains(got, "9900") ||
		strings.Count(got, "http://127.0.0.1:5678/api") != 2 || !strings.Contains(got, "port: 1234,") || !strings.Contains(got, tokenVariable) {
		t.Errorf("configuration\n%s", got)
	}
}
