package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
)

// Access says who may call and what they may do.
type Access struct {
	Auth               string   `help:"How callers are authenticated: none, jwt (access tokens of an identity provider), or passthrough (the platform judges their tokens)." enum:"none,jwt,passthrough" default:"none" group:"Callers"`
	AllowAnonymous     bool     `help:"Serve without authentication on an address that other machines reach, or under another name than localhost." group:"Callers"`
	JWTIssuer          []string `help:"Accepted issuer of access tokens; repeat it for Entra v1 and v2." group:"Callers"`
	JWTAudience        []string `help:"Accepted audience of access tokens." group:"Callers"`
	JWKSURL            string   `name:"jwks-url" help:"URL of the issuer's keys, such as https://login.microsoftonline.com/DIRECTORY/discovery/v2.0/keys." group:"Callers"`
	PassthroughCallers int      `help:"Callers in passthrough whose leads are remembered." default:"100" group:"Callers"`
	PassthroughLeads   int      `help:"Most leads in the catalogues of all of them together." default:"200000" group:"Callers"`
	ReadScope          string   `help:"Scope that reads leads." default:"leads.read" group:"Callers"`
	PIIScope           string   `name:"pii-scope" help:"Scope that reads personal data." default:"leads.pii" group:"Callers"`
	PII                string   `name:"pii" help:"What callers without that scope get in its place: null, with an error, or a mask." enum:"null,mask" default:"null" group:"Callers"`
	CORSOrigin         []string `name:"cors-origin" help:"Web origin whose pages may call the API, such as https://app.example.com." group:"Callers"`
	CORSCredentials    bool     `name:"cors-credentials" help:"Let those pages send cookies." group:"Callers"`
	CursorKey          Secret   `help:"Key that seals cursors, the same in all replicas: 32 bytes in base64. Without it cursors end with the process." group:"Callers"`
	CursorKeyFile      string   `help:"File that holds the key." type:"path" group:"Callers"`
}

// Documents says which documents may be named in the place of their text.
type Documents struct {
	APQ              bool     `name:"apq" help:"Remember documents by their hash, as Apollo's automatic persisted queries do." default:"true" negatable:"" group:"Documents"`
	APQBytes         uint64   `name:"apq-bytes" help:"Most bytes of remembered documents." default:"8388608" group:"Documents"`
	TrustedDocuments []string `help:"Manifest of documents that front-ends were built with, of Apollo, Relay or graphql-codegen; repeat it for several." type:"path" group:"Documents"`
	TrustedOnly      bool     `help:"Run nothing but those." group:"Documents"`
}

func (d *Documents) check() error {
	if d.TrustedOnly && len(d.TrustedDocuments) == 0 {
		return errors.New("--trusted-only needs --trusted-documents")
	}
	if d.APQ && d.APQBytes == 0 {
		return errors.New("--apq-bytes must be positive; --no-apq switches it off")
	}
	return nil
}

func (a *Access) complete() error {
	errs := []error{a.CursorKey.readFile("--cursor-key-file", a.CursorKeyFile), a.CursorKey.checkKey("--cursor-key")}
	if a.Auth == "jwt" && (len(a.JWTIssuer) == 0 || len(a.JWTAudience) == 0 || a.JWKSURL == "") {
		errs = append(errs, errors.New("--auth jwt needs --jwt-issuer, --jwt-audience and --jwks-url"))
	}
	if a.PassthroughCallers < 1 || a.PassthroughLeads < 1 {
		errs = append(errs, errors.New("--passthrough-callers and --passthrough-leads must be positive"))
	}
	return errors.Join(errs...)
}

// passthrough is the mode in which the callers' tokens go upstream.
const passthrough = "passthrough"

// checkPassthrough refuses settings that are of no use where each caller reads
// with a token of his own.
func checkPassthrough(access Access, upstream Upstream, caches Caches) error {
	if access.Auth != passthrough {
		return nil
	}
	var errs []error
	for _, setting := range []struct {
		given        bool
		name, reason string
	}{
		{upstream.hasCredentials(), "--upstream-token, --client-id and --client-secret", "the callers' tokens are sent"},
		{caches.RedisURL != "", "--redis-url", "what a caller reads is shared with nobody"},
		{caches.CatalogueWarm, "--catalogue-warm", "no caller is known at the start"},
	} {
		if setting.given {
			errs = append(errs, fmt.Errorf("--auth passthrough excludes %s: %s", setting.name, setting.reason))
		}
	}
	return errors.Join(errs...)
}

// SealKey is the key for cursors that is set, or one for this process alone.
func (a *Access) SealKey(log *slog.Logger) []byte {
	if key := a.CursorKey.Key(); key != nil {
		return key
	}
	log.Warn("no --cursor-key is set: cursors are good until this process ends, and for no other replica")
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, says its documentation
	return key
}
