package config

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// settingsPage describes every flag, one in each row of its tables:
//
//	| `--flag` | `default` | text |
//
// A flag without a default has a dash (–) in the second column. Flags of different
// commands may share a name, and the row of a flag that several commands share
// may appear once.
const settingsPage = "../../docs/settings.md"

var settingsRow = regexp.MustCompile("^\\| `(--[a-z-]+)` \\| (?:`([^`]+)`|–) \\| .+ \\|$")

// setting is what both sides must agree on. The default is empty if there is none.
type setting struct{ flag, usual string }

func (s setting) row() string {
	usual := "–"
	if s.usual != "" {
		usual = "`" + s.usual + "`"
	}
	return "| `" + s.flag + "` | " + usual + " | … |"
}

func TestSettingsPageListsEveryFlagWithItsDefault(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[setting]bool{}
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `--") {
			continue
		}
		match := settingsRow.FindStringSubmatch(line)
		if match == nil {
			t.Errorf("docs/settings.md: write this row as | `--flag` | `default` | text |, with one flag and with – for no default:\n%s", line)
			continue
		}
		rows[setting{match[1], match[2]}] = true
	}
	program := kong.Must(&Config{}, bounds).Model
	flags := map[setting]bool{}
	for _, command := range append(program.Children, program.Node) {
		for _, flag := range command.Flags {
			s := setting{"--" + flag.Name, flag.Default}
			if !rows[s] && !flags[s] {
				t.Errorf("docs/settings.md: the section of leadgraph %s lacks this row, or has it with another default; add or correct it:\n%s", command.Name, s.row())
			}
			flags[s] = true
		}
	}
	for s := range rows {
		if !flags[s] {
			t.Errorf("docs/settings.md: no command has this flag with this default; remove or correct the row:\n%s", s.row())
		}
	}
}
