package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"
)

// Doctor configures the examination of a platform.
type Doctor struct {
	JSON     bool          `name:"json" help:"Print the report as JSON."`
	Timeout  time.Duration `name:"doctor-timeout" help:"Time for the whole examination; must be positive. When it is over, the report shows what is known so far." default:"${doctor_timeout}"`
	Upstream Upstream      `embed:""`
	Data     Data          `embed:""`
}

func (d *Doctor) complete() error {
	err := errors.Join(d.Upstream.complete(false), d.Data.check())
	if d.Timeout <= 0 {
		err = errors.Join(err, errors.New("--doctor-timeout must be positive"))
	}
	return err
}

// Given returns the settings of u that differ from their defaults, as pairs of
// flag and value; the value of a switch is empty. Secrets are left out, but not
// the names of the files that hold them.
func (u *Upstream) Given() [][2]string {
	var usual Upstream
	if err := kong.ApplyDefaults(&usual, bounds); err != nil {
		panic(err) // a malformed struct tag
	}
	defaults := flags(&usual)
	var given [][2]string
	for i, flag := range flags(u) {
		value := flag.Target.Interface()
		if _, secret := value.(Secret); secret || value == defaults[i].Target.Interface() {
			continue
		}
		text := fmt.Sprint(value)
		if flag.IsBool() {
			text = ""
		}
		given = append(given, [2]string{"--" + flag.Name, text})
	}
	return given
}

// flags returns the flags that the struct tags of u declare. Their targets are
// the fields of u.
func flags(u *Upstream) []*kong.Flag {
	return kong.Must(u, bounds, kong.NoDefaultHelp()).Model.Flags
}
