package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"leadgraph/internal/httpd"
)

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	proxies, err := httpd.ParseProxies([]string{"10.0.0.0/8", "2001:db8:f::/48", "192.0.2.1", "::ffff:172.16.0.0/108"})
	if err != nil {
		t.Fatal(err)
	}
	var seen string
	handler := httpd.Routes(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = httpd.RemoteIP(r.Context()) }), nil, nil, proxies)
	for _, test := range []struct {
		from             string
		forwarded, xffor []string
		want             string
	}{
		{from: "203.0.113.5:1", xffor: []string{"198.51.100.7"}, want: "203.0.113.5"}, // not a proxy: it may write what it likes
		{from: "203.0.113.5:1", forwarded: []string{"for=198.51.100.7"}, want: "203.0.113.5"},
		{from: "10.1.2.3:1", want: "10.1.2.3"},
		{from: "10.1.2.3:1", xffor: []string{"198.51.100.7"}, want: "198.51.100.7"},
		{from: "10.1.2.3:1", xffor: []string{"192.0.2.99, 198.51.100.7"}, want: "198.51.100.7"}, // the first was sent by the client
		{from: "10.1.2.3:1", xffor: []string{"192.0.2.99", "198.51.100.7, 10.9.9.9"}, want: "198.51.100.7"},
		{from: "10.1.2.3:1", xffor: []string{"10.0.0.1, 10.0.0.2"}, want: "10.0.0.1"}, // nothing but proxies
		{from: "10.1.2.3:1", xffor: []string{"198.51.100.7, unknown, 10.9.9.9"}, want: "10.9.9.9"},
		{from: "10.1.2.3:1", xffor: []string{"junk"}, want: "10.1.2.3"},
		{from: "10.1.2.3:1", xffor: []string{"198.51.100.7:4711"}, want: "198.51.100.7"},
		{from: "192.0.2.1:1", xffor: []string{"2001:db8:1:2:3::4"}, want: "2001:db8:1:2::/64"},
		{from: "192.0.2.2:1", xffor: []string{"198.51.100.7"}, want: "192.0.2.2"},
		{from: "172.16.5.5:1", xffor: []string{"198.51.100.7"}, want: "198.51.100.7"},
		{from: "[2001:db8:f::1]:1", forwarded: []string{`for="[2001:db8:1:2::9]:443";proto=https;by=203.0.113.43`}, want: "2001:db8:1:2::/64"},
		{from: "10.1.2.3:1", forwarded: []string{`For=192.0.2.99, for=198.51.100.7;host=x, proto=https`}, want: "10.1.2.3"}, // the last hop is not named
		{from: "10.1.2.3:1", forwarded: []string{`for=192.0.2.99`, `for=198.51.100.7`}, xffor: []string{"192.0.2.1"}, want: "198.51.100.7"},
		{from: "10.1.2.3:1", forwarded: []string{`for=_hidden`}, want: "10.1.2.3"},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		request.RemoteAddr = test.from
		request.Header["Forwarded"], request.Header["X-Forwarded-For"] = test.forwarded, test.xffor
		handler.ServeHTTP(httptest.NewRecorder(), request)
		if seen != test.want {
			t.Errorf("%+v: %s", test, seen)
		}
	}
	for _, text := range []string{"", "10.0.0.0/33", "proxy.example", "10.0.0.0/8,10.1.0.0/16"} {
		if _, err := httpd.ParseProxies([]string{text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
