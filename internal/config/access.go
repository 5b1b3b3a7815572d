package config

import "errors"

// Access says who may call and what they may do.
type Access struct {
	Auth            string   `help:"How callers are authenticated: none, jwt or passthrough (their bearer token goes to the platform)." enum:"none,jwt,passthrough" default:"none" group:"Callers"`
	AllowAnonymous  bool     `help:"Serve without authentication on an address that other machines reach, or under another name than localhost." group:"Callers"`
	JWTIssuer       []string `help:"Accepted issuer of access tokens; repeat it for Entra v1 and v2." group:"Callers"`
	JWTAudience     []string `help:"Accepted audience of access tokens." group:"Callers"`
	JWKSURL         string   `name:"jwks-url" help:"URL of the issuer's keys, such as https://login.microsoftonline.com/DIRECTORY/discovery/v2.0/keys." group:"Callers"`
	ReadScope       string   `help:"Scope that reads leads." default:"leads.read" group:"Callers"`
	PIIScope        string   `name:"pii-scope" help:"Scope that reads personal data." default:"leads.pii" group:"Callers"`
	CORSOrigin      []string `name:"cors-origin" help:"Web origin whose pages may call the API, such as https://app.example.com." group:"Callers"`
	CORSCredentials bool     `name:"cors-credentials" help:"Let those pages send cookies." group:"Callers"`
	CursorKey       Secret   `help:"Key that seals cursors, the same in all replicas: 32 bytes in base64. Without it cursors end with the process." group:"Callers"`
	CursorKeyFile   string   `help:"File that holds the key." type:"path" group:"Callers"`
}

func (a *Access) complete() error {
	errs := []error{a.CursorKey.readFile("--cursor-key-file", a.CursorKeyFile), a.CursorKey.checkKey("--cursor-key")}
	if a.Auth == "jwt" && (len(a.JWTIssuer) == 0 || len(a.JWTAudience) == 0 || a.JWKSURL == "") {
		errs = append(errs, errors.New("--auth jwt needs --jwt-issuer, --jwt-audience and --jwks-url"))
	}
	return errors.Join(errs...)
}
