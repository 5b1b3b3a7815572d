package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/token"
)

// probeSize is the size of the pages that are compared with each other.
const probeSize = 10

func (e *exam) token(ctx context.Context) (Check, error) {
	platform := e.options.Platform
	if platform.Credentials == (token.Credentials{}) {
		if platform.StaticToken == "" && platform.TokenSource == nil {
			return found(Skipped, nil, "neither credentials nor a token are set")
		}
		return found(OK, nil, "a bearer token is set; how long it lives is not known")
	}
	start := time.Now()
	e.report.Calls++
	expiry, err := e.client.TokenExpiry(ctx)
	if ctx.Err() != nil {
		return Check{}, ctx.Err()
	}
	if err != nil {
		c := Check{Result: Failed, Finding: "no token: " + explainToken(err)}
		if source, ok := asSource(err); ok && source.Kind != lead.FailureAuth {
			c.Finding += " (that is the token endpoint, --token-url)"
		}
		c.Finding += e.withoutToken(ctx)
		e.stop = "there is no token"
		return c, nil
	}
	took := digits(time.Since(start))
	if expiry.IsZero() {
		return found(Warning, nil, "a token, obtained in %v, of which the endpoint does not say how long it lives", took)
	}
	life := time.Until(expiry).Round(time.Second)
	e.report.Facts.TokenSeconds = new(int(life.Seconds()))
	if life < time.Minute {
		return found(Warning, nil, "a token that lives only %v, obtained in %v: every short while reads wait for a new one", life, took)
	}
	return found(OK, nil, "a token that lives %d s, obtained in %v", int(life.Seconds()), took)
}

// withoutToken tells whether the platform is there at all, which is good to know
// while there is no token. It must refuse the placeholder.
func (e *exam) withoutToken(ctx context.Context) string {
	e.report.Calls++
	a, err := e.client.WithToken("none").Probe(ctx, query{number: 1, size: 1}.encode(), 1)
	switch {
	case err != nil:
		return "; nor does the platform answer: " + explain(err)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return "; the platform itself is there and waits for one"
	}
	return ""
}

// reach finds the lead endpoint, if need be below another path.
func (e *exam) reach(ctx context.Context) (Check, error) {
	// Page 1 exists, if only as an empty one, whatever the first page is.
	p, err := e.ask(ctx, query{number: 1, size: probeSize})
	if err != nil {
		return Check{}, err
	}
	if p.Status == http.StatusNotFound { // maybe only because that page is not there
		if zero, err := e.ask(ctx, query{size: probeSize}); err == nil && zero.bad == nil {
			p = zero
		}
	}
	if p.bad == nil || p.refused() && p.Status != http.StatusNotFound {
		return found(OK, nil, "the lead endpoint answers (%d, %v)", p.Status, digits(p.Took))
	}
	if base, ok, err := e.elsewhere(ctx); ok || err != nil {
		return Check{
			Result:   Warning,
			Finding:  "the lead endpoint is not at the base URL but at another path of the host",
			Settings: []Setting{{"--upstream-url", base}},
		}, err
	}
	e.stop = "the lead endpoint was not found"
	switch {
	case p.Status == http.StatusNotFound:
		return found(Failed, nil, "the platform answers 404: there is no lead endpoint below the base URL, which usually ends with /tenantui")
	case p.Status >= 300 && p.Status < 400:
		return found(Failed, nil, "the platform redirects (%d) %s, and leadgraph does not follow, lest the token go astray: is the base URL right?", p.Status, e.target(p))
	}
	return Check{}, p.bad
}

// target describes where a redirect leads, in words of our own.
func (e *exam) target(p *page) string {
	base := e.options.Platform.BaseURL
	to := p.Header.Get("Location")
	switch {
	case strings.HasPrefix(base, "http://") && strings.HasPrefix(to, "https://"):
		return "to https"
	case strings.HasPrefix(to, "/"):
		return "to another path of the host"
	}
	return "to another host"
}

// elsewhere tries the paths that are meant most likely.
func (e *exam) elsewhere(ctx context.Context) (base string, ok bool, err error) {
	given := strings.TrimRight(e.options.Platform.BaseURL, "/")
	for _, base := range []string{
		strings.TrimSuffix(given, "/api/v2/oc/lead"),
		given + "/tenantui",
		strings.TrimSuffix(given, "/tenantui"),
	} {
		if base == given {
			continue
		}
		o := e.options.Platform
		o.BaseURL = base
		client, err := upstream.NewClient(o)
		if err != nil {
			continue // not a URL any more
		}
		before := e.client
		e.client = client
		p, err := e.ask(ctx, query{number: 1, size: probeSize})
		if ctx.Err() != nil {
			e.client = before
			client.Close()
			return "", false, ctx.Err()
		}
		if err == nil && p.bad == nil {
			before.Close()
			return base, true, nil
		}
		e.client = before
		client.Close()
	}
	return "", false, nil
}

func asSource(err error) (*lead.SourceError, bool) { return errors.AsType[*lead.SourceError](err) }

// explain says in words of our own why a call got no answer: the errors of
// connections name hosts, and quote certificates.
func explain(err error) string {
	source, ok := asSource(err)
	if !ok {
		return err.Error() // the doctor's own
	}
	if source.Kind == lead.FailureAuth {
		return "no token: " + explainToken(err)
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return "DNS: the host name does not exist; is the URL right?"
		}
		return "DNS: the host name cannot be resolved at the moment"
	}
	if text := explainTLS(err); text != "" {
		return text
	}
	switch {
	case source.Kind == lead.FailureTimeout:
		return "no answer within --upstream-attempt-timeout: the platform is slow, or something drops the packets; try a longer one"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "TCP: the connection was refused; is the port right, and does the platform run?"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "TCP: there is no route to the host; is a proxy (HTTPS_PROXY) or VPN needed?"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), strings.Contains(err.Error(), "closed before"):
		return "TCP: the connection was closed before the answer was complete"
	case source.Kind == lead.FailureBadResponse:
		return "the answer is larger than 64 MiB"
	}
	return "the connection failed"
}

func explainTLS(err error) string {
	op, isOp := errors.AsType[*net.OpError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, stranger := errors.AsType[x509.HostnameError](err)
	expired, invalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case strings.Contains(err.Error(), "tls.RecordHeaderError"): // package upstream keeps of it the type
		return "TLS: the server does not speak it on that port; should the URL begin with http:// or name another port?"
	case stranger:
		return "TLS: the certificate is for another host name"
	case invalid && expired.Reason == x509.Expired:
		return "TLS: the certificate has expired, or this machine's clock is wrong"
	case untrusted:
		return "TLS: the certificate is of an authority that this machine does not trust (SSL_CERT_FILE names others)"
	case isOp && strings.HasSuffix(op.Op, " error"), strings.Contains(err.Error(), "(tls."): // alerts are of a type that is not exported
		return "TLS: the handshake failed; no agreement on version or cipher, or a client certificate is asked for"
	}
	return ""
}

var (
	aadsts    = regexp.MustCompile(`AADSTS\d+(: .*)?`) // with upstream's advice, if it knows the code
	oauthCode = regexp.MustCompile(`answered (\d{3})( [a-z_]+)?`)
)

func explainToken(err error) string {
	source, ok := asSource(err)
	if !ok {
		return err.Error()
	}
	switch code := aadsts.FindString(err.Error()); {
	case strings.Contains(code, ": "):
		return code
	case code != "":
		return code + ": Microsoft's page of error codes explains it"
	}
	if answered := oauthCode.FindString(err.Error()); answered != "" {
		return "its endpoint " + answered + "; is --token-url right?"
	}
	if source.Kind == lead.FailureAuth {
		return "the endpoint's answer holds none; is --token-url right?"
	}
	return explain(err)
}
