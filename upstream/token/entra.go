package token

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"golang.org/x/oauth2"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

// entraAdvice says what an operator can do about an error of Entra's token endpoint.
// It has the codes from Entra's list that the client credentials grant can cause.
var entraAdvice = map[string]string{
	"AADSTS7000215": "the client secret is wrong: it must be the secret's value, not its id, of this app registration",
	"AADSTS7000222": "the client secret has expired: create a new one in the app registration and replace the old one; a secret file is read again, a setting needs a restart",
	"AADSTS7000218": "the client secret is missing in the request, or the app registration accepts certificates only",
	"AADSTS7000112": "the app registration is disabled in its directory",
	"AADSTS7000229": "the app registration has no service principal in this directory: an administrator must consent to it",
	"AADSTS700016":  "the client id is not known in this directory: check the id and the directory in the token URL",
	"AADSTS700038":  "the client id is not that of an app registration",
	"AADSTS90002":   "the directory in the token URL does not exist: check it, and that it is in the right cloud",
	"AADSTS900023":  "the directory in the token URL is neither an id nor a domain",
	"AADSTS70011":   "the scope is not valid: it must be api://{application id}/.default",
	"AADSTS1002012": "the scope is not valid: it must end with /.default",
	"AADSTS500011":  "the application in the scope is not known in this directory: check the scope, and whether an administrator has consented",
	"AADSTS501051":  "the app registration has no role in the application of the scope: an administrator must assign one",
	"AADSTS53003":   "a conditional access policy of the directory blocks the app registration",
	"AADSTS900144":  "a setting is empty: the client id or the scope",
	"AADSTS90033":   "a passing fault of Entra",
}

var (
	oauthCode = regexp.MustCompile(`^[a-z_]{1,64}$`)
	// passingFault is Entra's code for a fault that passes.
	passingFault = regexp.MustCompile(`\bAADSTS90033\b`)
	aadstsCode   = regexp.MustCompile(`\bAADSTS\d{1,10}\b`)
)

// failure classifies why no token could be obtained. Its text contains only the
// error codes, with advice for known ones. The rest of the answer is left out,
// because it may repeat the request.
func failure(err error) *lead.SourceError {
	if failed, ok := errors.AsType[*url.Error](err); ok { // no complete answer
		e := guard.Failure(failed.Err)
		e.Err = fmt.Errorf("token endpoint: %w", e.Err)
		return e
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &lead.SourceError{Kind: lead.FailureAuth, Err: errors.New("token endpoint: the answer contains no token")}
	}
	status := refused.Response.StatusCode
	e := &lead.SourceError{Kind: lead.FailureAuth, RetryAfter: guard.RetryAfter(refused.Response.Header)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind = lead.FailureRateLimited
	case guard.TimedOut(status):
		e.Kind = lead.FailureTimeout
	case status >= 500, refused.ErrorCode == "temporarily_unavailable", passingFault.MatchString(refused.ErrorDescription):
		e.Kind = lead.FailureUnavailable
	}
	reason := fmt.Sprintf("token endpoint: answered %d", status)
	if oauthCode.MatchString(refused.ErrorCode) {
		reason += " " + refused.ErrorCode
	}
	if code := aadstsCode.FindString(refused.ErrorDescription); code != "" {
		reason += " " + code
		if advice := entraAdvice[code]; advice != "" {
			reason += ": " + advice
		}
	}
	e.Err = errors.New(reason)
	return e
}
