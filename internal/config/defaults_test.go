package config

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestDefaultsThatPackagesStateAreNotRepeatedInTags(t *testing.T) {
	t.Parallel()
	program := kong.Must(&Config{}, bounds).Model
	unused := map[string]bool{}
	for name := range bounds {
		unused[name] = true
	}
	for _, command := range append(program.Children, program.Node) {
		for _, flag := range command.Flags {
			name := strings.ReplaceAll(flag.Name, "-", "_")
			if _, stated := bounds[name]; stated && flag.Tag.HasDefault && flag.Tag.Default != "${"+name+"}" {
				t.Errorf("leadgraph %s --%s: the tag's default is %q; write ${%s}", command.Name, flag.Name, flag.Tag.Default, name)
			}
			for name := range unused {
				if kong.HasInterpolatedVar(flag.Tag.Default, name) || kong.HasInterpolatedVar(flag.OrigHelp, name) {
					delete(unused, name)
				}
			}
		}
	}
	for name := range unused {
		t.Errorf("no tag uses %s; remove it from bounds", name)
	}
}

func TestDurationsAreWrittenWithoutZeroUnits(t *testing.T) {
	t.Parallel()
	for long, short := range map[string]string{
		"50ms": "50ms", "10s": "10s", "1m10s": "1m10s", "2m0s": "2m", "10m0s": "10m", "1h0m0s": "1h", "1h30m0s": "1h30m", "10h0m0s": "10h", "1h0m5s": "1h0m5s", "0s": "0s",
	} {
		if got := shorten(long); got != short {
			t.Errorf("%s is written %s, want %s", long, got, short)
		}
	}
}
