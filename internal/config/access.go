package config

import (
	"errors"
	"fmt"

	"leadgraph/internal/auth"
)

// Access configures how callers are authenticated and what they may do.
type Access struct {
	Auth               string   `help:"How callers are authenticated: none, jwt (access tokens of an identity provider) or passthrough (their tokens are sent to the platform, which accepts or refuses them)." enum:"none,jwt,passthrough" default:"none" group:"Callers"`
	AllowAnonymous     bool     `help:"Allow --auth none on an address that other machines can reach, and under host names other than localhost." group:"Callers"`
	JWTIssuer          []string `help:"Accepted issuer of access tokens. Repeat the flag to accept several, such as Entra v1 and v2. Required with --auth jwt." group:"Callers"`
	JWTAudience        []string `help:"Accepted audience of access tokens. Repeat the flag to accept several. Required with --auth jwt." group:"Callers"`
	JWKSURL            string   `name:"jwks-url" help:"URL of the issuer's keys, such as https://login.microsoftonline.com/DIRECTORY/discovery/v2.0/keys. Required with --auth jwt." group:"Callers"`
	PassthroughCallers int      `help:"Maximum number of callers with a cache of their own (passthrough only); at least 1." default:"100" group:"Callers"`
	PassthroughLeads   int      `help:"Maximum number of leads in the catalogues of all these callers together (passthrough only); at least 1." default:"200000" group:"Callers"`
	ReadScope          string   `help:"Scope that permits reading leads (with --auth jwt)." default:"${read_scope}" group:"Callers"`
	PIIScope           string   `name:"pii-scope" help:"Scope that permits reading personal data (with --auth jwt)." default:"${pii_scope}" group:"Callers"`
	SyncScope          string   `help:"Scope that permits checkOnline, which makes the platform write (with --auth jwt)." default:"${sync_scope}" group:"Callers"`
	AllowCheckOnline   bool     `help:"Allow lookups with checkOnline, which make the platform ask Microsoft and store the result. With --auth jwt the caller also needs --sync-scope." group:"Callers"`
	CheckOnlineMax     int      `help:"Maximum number of lookups with checkOnline in one operation; at least 1." default:"5" group:"Callers"`
	CheckOnlineRate    int      `help:"Maximum number of lookups with checkOnline per second, of all callers together; at least 1." default:"5" group:"Callers"`
	PII                string   `name:"pii" help:"What callers without --pii-scope get instead of personal data: null (with an error) or mask." enum:"null,mask" default:"null" group:"Callers"`
	CORSOrigin         []string `name:"cors-origin" help:"Web origin whose pages may call the API, such as https://app.example.com. Repeat the flag to allow several." group:"Callers"`
	CORSHeader         []string `name:"cors-header" help:"Request header that these pages may send, besides those of common GraphQL clients and tracers. Repeat the flag to allow several." group:"Callers"`
	CORSCredentials    bool     `name:"cors-credentials" help:"Let pages of the --cors-origin origins send cookies." group:"Callers"`
	CursorKey          Secret   `help:"Key that encrypts cursors: ${key_bytes} bytes in base64, the same in all replicas. Without it, the key is derived from the platform's credentials; with --auth passthrough, which has none, cursors then become invalid on restart and do not work across replicas." group:"Callers"`
	CursorKeyFile      string   `help:"File that holds the cursor key." type:"path" group:"Callers"`

	CursorKeyPrevious        Secret `help:"The cursor key before the last change. Cursors made with it are accepted for a day." group:"Callers"`
	CursorKeyPreviousFile    string `help:"File that holds the previous cursor key." type:"path" group:"Callers"`
	ClientSecretPrevious     Secret `help:"The client secret before the last change. Without --cursor-key, cursors made with it are accepted for a day." group:"Callers"`
	ClientSecretPreviousFile string `help:"File that holds the previous client secret." type:"path" group:"Callers"`
}

// Documents configures which documents a request may name instead of sending
// their text.
type Documents struct {
	APQ              bool     `name:"apq" help:"Remember documents by their hash (Apollo's automatic persisted queries)." default:"true" negatable:"" group:"Documents"`
	APQBytes         uint64   `name:"apq-bytes" help:"Maximum size of all remembered documents, in bytes, in memory and in Redis; positive unless --no-apq is given." default:"8388608" group:"Documents"`
	TrustedDocuments []string `help:"Manifest of the documents that a front-end was built with, written by Apollo, Relay or graphql-codegen. Repeat the flag for several." type:"path" group:"Documents"`
	TrustedOnly      bool     `help:"Run only the documents of --trusted-documents." group:"Documents"`
}

func (d *Documents) check() error {
	if d.TrustedOnly && len(d.TrustedDocuments) == 0 {
		return errors.New("--trusted-only needs --trusted-documents")
	}
	if d.APQ && d.APQBytes == 0 {
		return errors.New("--apq-bytes must be positive; use --no-apq to switch automatic persisted queries off")
	}
	return nil
}

func (a *Access) complete() error {
	errs := []error{
		a.CursorKey.readFile("--cursor-key-file", a.CursorKeyFile), a.CursorKey.checkKey("--cursor-key"),
		a.CursorKeyPrevious.readFile("--cursor-key-previous-file", a.CursorKeyPreviousFile), a.CursorKeyPrevious.checkKey("--cursor-key-previous"),
		a.ClientSecretPrevious.readFile("--client-secret-previous-file", a.ClientSecretPreviousFile),
	}
	if a.Auth == "jwt" && (len(a.JWTIssuer) == 0 || len(a.JWTAudience) == 0 || a.JWKSURL == "") {
		errs = append(errs, errors.New("--auth jwt needs --jwt-issuer, --jwt-audience and --jwks-url"))
	}
	if a.JWKSURL != "" {
		errs = append(errs, checkURL("--jwks-url", a.JWKSURL, false, ""))
	}
	if a.Auth != "jwt" && (len(a.JWTIssuer) > 0 || len(a.JWTAudience) > 0 || a.JWKSURL != "") {
		errs = append(errs, fmt.Errorf("--jwt-issuer, --jwt-audience and --jwks-url need --auth jwt; with --auth %s no token is verified", a.Auth))
	}
	if a.CheckOnlineMax < 1 || a.CheckOnlineRate < 1 {
		errs = append(errs, errors.New("--check-online-max and --check-online-rate must be positive"))
	}
	errs = append(errs, a.checkCORS())
	for _, scope := range []named{{"--read-scope", a.ReadScope}, {"--pii-scope", a.PIIScope}, {"--sync-scope", a.SyncScope}} {
		if !auth.IsScope(scope.value) {
			errs = append(errs, fmt.Errorf("%s must be the name of one scope, without spaces", scope.name))
		}
	}
	if a.AllowAnonymous && a.Auth != "none" {
		errs = append(errs, fmt.Errorf("--allow-anonymous cannot be combined with --auth %s, which lets nobody in without a token", a.Auth))
	}
	if a.PassthroughCallers < 1 || a.PassthroughLeads < 1 {
		errs = append(errs, errors.New("--passthrough-callers and --passthrough-leads must be positive"))
	}
	return errors.Join(errs...)
}

// passthrough is the value of --auth with which the callers' tokens are sent to
// the platform.
const passthrough = "passthrough"

// checkPassthrough refuses settings that have no effect when each caller reads
// with its own token.
func checkPassthrough(access Access, platform Upstream, caches Caches, webhooks Webhooks) error {
	if access.Auth != passthrough {
		return nil
	}
	var errs []error
	for _, setting := range []struct {
		given        bool
		name, reason string
	}{
		{platform.hasCredentials(), "--upstream-token, --client-id and --client-secret", "the callers' own tokens are sent"},
		{caches.RedisURL != "", "--redis-url", "leads read with one caller's token are not shared"},
		{caches.CatalogueWarm, "--catalogue-warm", "no caller's token is known at startup"},
		{len(webhooks.URL) > 0, "--webhook-url", "leads read with one caller's token are sent to nobody else"},
	} {
		if setting.given {
			errs = append(errs, fmt.Errorf("--auth passthrough cannot be combined with %s: %s", setting.name, setting.reason))
		}
	}
	return errors.Join(errs...)
}
