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
	"leadgraph/upstream/guard"
	"leadgraph/upstream/token"
)

// probeSize is the size of the pages that the checks compare.
const probeSize = 10

func (e *exam) token(ctx context.Context) (Check, error) {
	platform := e.options.Platform
	if platform.Credentials == (token.Credentials{}) {
		if platform.StaticToken == "" && platform.TokenSource == nil {
			return found(Skipped, nil, "neither credentials nor a token is set")
		}
		return found(OK, nil, "a bearer token is set; its lifetime is unknown")
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
			c.Finding += " (at the token endpoint, --token-url)"
		}
		c.Finding += e.withoutToken(ctx)
		e.stop = "there is no token"
		return c, nil
	}
	took := digits(time.Since(start))
	if expiry.IsZero() {
		return found(Warning, nil, "a token, obtained in %v; the endpoint does not state its lifetime", took)
	}
	life := time.Until(expiry).Round(time.Second)
	e.report.Facts.TokenSeconds = new(int(life.Seconds()))
	if life < time.Minute {
		return found(Warning, nil, "a token valid for only %v, obtained in %v: reads will often wait for a new one", life, took)
	}
	return found(OK, nil, "a token valid for %d s, obtained in %v", int(life.Seconds()), took)
}

// withoutToken reports whether the platform can be reached at all when there is no
// token. The platform is expected to refuse the placeholder token.
func (e *exam) withoutToken(ctx context.Context) string {
	e.report.Calls++
	a, err := e.client.WithToken("none").Probe(ctx, query{number: 1, size: 1}.encode(), 1)
	switch {
	case err != nil:
		return "; the platform does not answer either: " + explain(err)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return "; the platform itself is reachable and requires a token"
	}
	return ""
}

// reach finds the lead endpoint, if necessary under another path.
func (e *exam) reach(ctx context.Context) (Check, error) {
	// Page 1 exists whatever the first page is, though it may be empty.
	p, err := e.ask(ctx, query{number: 1, size: probeSize})
	if err != nil {
		return Check{}, err
	}
	if p.Status == http.StatusNotFound || errors.Is(p.bad, errBlank) { // perhaps only because there is no page 1
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
			Finding:  "the lead endpoint is at another path of the host, not at the base URL",
			Settings: []Setting{{"--upstream-url", base}},
		}, err
	}
	e.stop = "the lead endpoint was not found"
	switch {
	case p.Status == http.StatusNotFound:
		return found(Failed, nil, "the platform answered 404: there is no lead endpoint under the base URL, which usually ends with /tenantui")
	case p.Status >= 300 && p.Status < 400:
		return found(Failed, nil, "the platform redirects (%d) %s; leadgraph does not follow, so that the token is not sent elsewhere: is the base URL right?", p.Status, e.target(p))
	}
	return Check{}, p.bad
}

// target describes where a redirect leads, without quoting it.
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

// elsewhere tries the paths that were most likely intended.
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
			continue // no longer a valid URL
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

// explain returns why a call got no answer. It does not quote connection errors,
// because they name hosts and quote certificates.
func explain(err error) string {
	source, ok := asSource(err)
	if !ok {
		return err.Error() // an error of this package
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
		return "no answer within --upstream-attempt-timeout: the platform is slow, or packets are being dropped; try a longer timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "TCP: the connection was refused; is the port right, and is the platform running?"
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
	case errors.Is(err, guard.ErrNoTLS):
		return "TLS: the server does not speak TLS on this port; should the URL begin with http:// or name another port?"
	case stranger:
		return "TLS: the certificate is for another host name"
	case invalid && expired.Reason == x509.Expired:
		return "TLS: the certificate has expired, or this machine's clock is wrong"
	case untrusted:
		return "TLS: the certificate was issued by an authority that this machine does not trust (SSL_CERT_FILE can name others)"
	case isOp && strings.HasSuffix(op.Op, " error"), strings.Contains(err.Error(), "(tls."): // the type of alerts is not exported
		return "TLS: the handshake failed: there is no common version or cipher, or the server requires a client certificate"
	}
	return ""
}

var (
	aadsts    = regexp.MustCompile(`AADSTS\d+(: .*)?`) // with upstream's explanation, if it knows the code
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
		return code + ": see Microsoft's list of error codes"
	}
	if answered := oauthCode.FindString(err.Error()); answered != "" {
		return "the endpoint " + answered + "; is --token-url right?"
	}
	if source.Kind == lead.FailureAuth {
		return "the endpoint's answer contains none; is --token-url right?"
	}
	return explain(err)
}
