package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// replaceSection replaces the text between the two comments that mark a section of a
// file in Markdown. The rest of the file stays. If there is no such section, it is
// added at the end, and if there is no file, it is made.
func replaceSection(path, name, text string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(withSection(string(old), name, text)), 0o644)
}

func withSection(page, name, text string) string {
	begin, end := fmt.Sprintf("<!-- %s -->\n", name), fmt.Sprintf("<!-- end of %s -->\n", name)
	section := begin + text + end
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	switch {
	case found && ended:
		return before + section + after
	case page == "":
		return section
	}
	return strings.TrimRight(page, "\n") + "\n\n" + section
}
