// Package token obtains bearer tokens for the platform and adds them to requests.
//
// [Static] sends a fixed token, [FromSource] one that is read for each request, and
// [Renewing] one that a [Source] obtains with the OAuth 2.0 client credentials grant
// [AUTH].
//
// A Source renews its token in the background when four fifths of the token's life
// have passed. If that fails, it keeps using the token until shortly before its
// end. docs/decisions.md gives the reasons.
package token
