package auth

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Protect passes a request on to next only if its caller may read leads, with the
// caller in the request's context. It answers other requests with refuse.
//
// A browser cannot send an Authorization header with a WebSocket handshake.
// Protect passes on a handshake without that header, with a caller who may do
// nothing. InitConnection must be called before the connection is used.
func (a *Authenticator) Protect(next http.Handler, refuse func(w http.ResponseWriter, r *http.Request, status int, code, message string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && r.Header.Get("Authorization") == "" {
			next.ServeHTTP(w, r)
			return
		}
		caller, refused := a.Authenticate(r)
		if refused == nil {
			next.ServeHTTP(w, r.WithContext(With(r.Context(), caller)))
			return
		}
		if refused.WWWAuthenticate != "" {
			w.Header().Set("WWW-Authenticate", refused.WWWAuthenticate)
		}
		if refused.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(refused.RetryAfter.Seconds())))
		}
		refuse(w, r, refused.Status, refused.Code, refused.Message)
	})
}

// InitConnection authenticates a WebSocket by the Authorization in the payload of
// its first message, unless the handshake was authenticated already.
func (a *Authenticator) InitConnection(ctx context.Context, payload map[string]any) (context.Context, error) {
	if For(ctx).CanRead {
		return ctx, nil
	}
	given, _ := payload["Authorization"].(string)
	caller, refused := a.AuthenticateToken(ctx, strings.TrimPrefix(given, "Bearer "))
	if refused != nil {
		return nil, errors.New(refused.Message)
	}
	return With(ctx, caller), nil
}
