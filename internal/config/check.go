package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"leadgraph/internal/loopback"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// given returns the names of the settings that have a value.
func given(settings ...named) []string {
	var names []string
	for _, s := range settings {
		if s.value != "" {
			names = append(names, s.name)
		}
	}
	return names
}

// named is a setting's name and value.
type named struct{ name, value string }

// clientCredentials returns the settings that obtain a token from a directory.
func (u *Upstream) clientCredentials() []string {
	return given(named{"--token-url", u.TokenURL}, named{"--client-id", u.ClientID}, named{"--client-secret", string(u.ClientSecret)},
		named{"--client-secret-file", u.ClientSecretFile}, named{"--scope", u.Scope})
}

func (u *Upstream) tokens() []string {
	return given(named{"--upstream-token", string(u.Token)}, named{"--upstream-token-file", u.TokenFile})
}

// checkAccess refuses credentials that would have no effect, and URLs over which
// others could read them. It must run before secrets are read from their files.
func (u *Upstream) checkAccess() error {
	credentials, tokens := u.clientCredentials(), u.tokens()
	var errs []error
	if all := slices.Concat(tokens, credentials); u.URL == "" && len(all) > 0 {
		errs = append(errs, fmt.Errorf("--upstream-url is missing, but %s is given; without a platform the built-in sandbox would be served", strings.Join(all, ", ")))
	}
	if len(tokens) > 0 && len(credentials) > 0 {
		errs = append(errs, fmt.Errorf("%s cannot be combined with %s: give only one kind of credentials", tokens[0], strings.Join(credentials, ", ")))
	}
	for _, location := range []named{{"--upstream-url", u.URL}, {"--token-url", u.TokenURL}} {
		if location.value != "" {
			errs = append(errs, checkURL(location.name, location.value, u.Insecure, "--insecure-upstream"))
		}
	}
	if strings.Contains(u.URL, "?") {
		errs = append(errs, errors.New("--upstream-url must not have a query"))
	}
	return errors.Join(errs...)
}

// checkSecrets refuses secrets that cannot be sent. They must have been read from
// their files.
func (u *Upstream) checkSecrets() error {
	var errs []error
	for _, secret := range []named{{"--upstream-token", string(u.Token)}, {"--client-secret", string(u.ClientSecret)}, {"--client-id", u.ClientID}} {
		if strings.ContainsFunc(secret.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			errs = append(errs, fmt.Errorf("%s must not contain control characters such as newlines", secret.name))
		}
	}
	if strings.ContainsFunc(string(u.Token), func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("--upstream-token must be printable ASCII without spaces"))
	}
	return errors.Join(errs...)
}

var parameterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// checkSizes refuses numbers and times that the client of the platform cannot use.
func (u *Upstream) checkSizes() error {
	errs := []error{oneTo(upstream.MaxPageSize, "--page-size", u.PageSize)}
	check := func(ok bool, text string) {
		if !ok {
			errs = append(errs, errors.New(text))
		}
	}
	check(u.FirstPage == 0 || u.FirstPage == 1, "--first-page must be 0 or 1")
	check(parameterName.MatchString(u.TenantParam), "--tenant-param must be the name of a query parameter")
	check(u.MaxPages >= 1, "--max-pages must be positive")
	check(u.Timeout > 0, "--upstream-timeout must be positive")
	check(u.AttemptTimeout > 0, "--upstream-attempt-timeout must be positive")
	check(u.Retries >= 0, "--upstream-retries must not be negative")
	check(u.Concurrency >= 1, "--upstream-concurrency must be positive")
	check(u.Rate >= 0, "--upstream-rate must not be negative")
	return errors.Join(errs...)
}

func (d *Data) check() error {
	if d.Leads < 0 || d.Leads > sandbox.MaxLeads {
		return fmt.Errorf("--sandbox-leads must be between 0 and %d", sandbox.MaxLeads)
	}
	return nil
}

func (l *Live) check() error {
	if l.Interval <= 0 {
		return errors.New("--sandbox-live-interval must be positive")
	}
	return nil
}

// checkURL refuses a URL that cannot be called. It also refuses one that sends
// clear text to another machine, unless insecure is set, which the flag allow sets.
// Its errors do not repeat the URL, which may hold a secret.
func checkURL(flag, text string, insecure bool, allow string) error {
	location, err := url.Parse(text)
	switch {
	case err != nil, location.Hostname() == "", location.Scheme != "http" && location.Scheme != "https":
		return fmt.Errorf("%s must be a URL such as https://HOST/PATH", flag)
	case location.User != nil, location.Fragment != "":
		return fmt.Errorf("%s must contain neither credentials nor a fragment", flag)
	case location.Port() != "" && !isPort(location.Port()):
		return fmt.Errorf("%s must have a port from 1 to 65535 or none", flag)
	case location.Scheme == "http" && !insecure && !loopback.Is(location.Hostname()):
		text := "%s must use https, because others on the network could read what is sent"
		if allow != "" {
			text += "; " + allow + " allows http"
		}
		return fmt.Errorf(text, flag)
	}
	return nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// checkListen refuses an address without a valid port.
func checkListen(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil && port != "" { // an empty port means any free one, like 0
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s must be an address and a port, such as 127.0.0.1:8080 or :8080", flag)
	}
	return nil
}

// checkListeners refuses wrong addresses, and one address for two listeners.
func checkListeners(listen, admin string) error {
	if admin == "" {
		return checkListen("--listen", listen)
	}
	errs := []error{checkListen("--listen", listen), checkListen("--admin-listen", admin)}
	if _, port, err := net.SplitHostPort(admin); err == nil && admin == listen && port != "0" && port != "" {
		errs = append(errs, errors.New("--admin-listen must differ from --listen"))
	}
	return errors.Join(errs...)
}

// headerName matches the name of a request header.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")

// checkCORS refuses origins and headers that no browser sends.
func (a *Access) checkCORS() error {
	var errs []error
	for _, origin := range a.CORSOrigin {
		if !isOrigin(origin) {
			errs = append(errs, fmt.Errorf("--cors-origin %.100q must be an origin such as https://app.example.com: a scheme, a host and perhaps a port, without a path or a wildcard", origin))
		}
	}
	for _, name := range a.CORSHeader {
		if !headerName.MatchString(name) || name == "*" {
			errs = append(errs, fmt.Errorf("--cors-header %.100q must be the name of a request header", name))
		}
	}
	if len(a.CORSOrigin) == 0 {
		if a.CORSCredentials {
			errs = append(errs, errors.New("--cors-credentials needs --cors-origin"))
		}
		if len(a.CORSHeader) > 0 {
			errs = append(errs, errors.New("--cors-header needs --cors-origin"))
		}
	}
	return errors.Join(errs...)
}

// isOrigin reports whether a text is an origin as browsers write it.
func isOrigin(text string) bool {
	origin, err := url.Parse(text)
	return err == nil && (origin.Scheme == "https" || origin.Scheme == "http") && origin.Hostname() != "" &&
		(origin.Port() == "" || isPort(origin.Port())) && !strings.Contains(text, "*") &&
		strings.EqualFold(text, origin.Scheme+"://"+origin.Host)
}
