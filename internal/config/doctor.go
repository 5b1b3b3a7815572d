package config

import (
	"errors"
	"strconv"
	"time"
)

// Doctor is the examination of a platform.
type Doctor struct {
	JSON     bool          `name:"json" help:"Print the report as JSON."`
	Timeout  time.Duration `name:"doctor-timeout" help:"Time for the whole examination; what is known by then is printed." default:"5m"`
	Upstream Upstream      `embed:""`
	Data     Data          `embed:""`
}

func (d *Doctor) complete() error {
	if d.Timeout <= 0 {
		return errors.Join(d.Upstream.complete(false), errors.New("--doctor-timeout must be positive"))
	}
	return d.Upstream.complete(false)
}

// Given lists, by pairs of flag and value, what leadgraph serve needs to be told
// of this platform. Secrets are not in it, the files that hold them are.
func (u *Upstream) Given() [][2]string {
	var given [][2]string
	add := func(flag, value, usual string) {
		if value != usual {
			given = append(given, [2]string{flag, value})
		}
	}
	add("--upstream-url", u.URL, "")
	add("--upstream-token-file", u.TokenFile, "")
	add("--token-url", u.TokenURL, "")
	add("--client-id", u.ClientID, "")
	add("--client-secret-file", u.ClientSecretFile, "")
	add("--scope", u.Scope, "")
	add("--first-page", strconv.Itoa(u.FirstPage), "0")
	add("--tenant-param", u.TenantParam, "msTenantID")
	add("--page-size", strconv.Itoa(u.PageSize), "100")
	add("--max-pages", strconv.Itoa(u.MaxPages), "10000")
	add("--upstream-timeout", u.Timeout.String(), "10s")
	add("--upstream-attempt-timeout", u.AttemptTimeout.String(), "3s")
	add("--upstream-retries", strconv.Itoa(u.Retries), "2")
	add("--upstream-concurrency", strconv.Itoa(u.Concurrency), "64")
	add("--upstream-rate", strconv.Itoa(u.Rate), "0")
	add("--upstream-online-timeout", u.Resilience.OnlineTimeout.String(), "10s")
	add("--upstream-online-concurrency", strconv.Itoa(u.Resilience.OnlineConcurrency), "4")
	add("--upstream-max-body", strconv.FormatInt(u.Resilience.MaxBody, 10), "67108864")
	add("--upstream-max-leads", strconv.Itoa(u.Resilience.MaxLeads), "500000")
	if u.Resilience.Adaptive {
		given = append(given, [2]string{"--upstream-adaptive", ""})
	}
	return given
}
