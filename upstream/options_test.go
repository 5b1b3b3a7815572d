package upstream_test

import (
	"strings"
	"testing"

	"leadgraph/upstream"
	"leadgraph/upstream/token"
)

func TestOptionsReportEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := upstream.NewClient(upstream.Options{
		BaseURL:     "ftp://user:hunter2@host/",
		StaticToken: "hunter2",
		TokenSource: new(changing),
		Credentials: token.Credentials{TokenURL: "://hunter2"},
		TenantParam: "a&b", FirstPage: 2, PageSize: upstream.MaxPageSize + 1, MaxPages: -1, MaxLeads: -1,
		Timeout: -1, AttemptTimeout: -1, OnlineTimeout: -1, MaxConcurrent: -1, MaxOnline: -1, RatePerSecond: -1,
		MaxBody: -1, UserAgent: "a\nb",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{
		"BaseURL:", "StaticToken:", "Credentials.TokenURL:", "Credentials.ClientID:", "Credentials.ClientSecret:",
		"TokenSource: excludes StaticToken", "TokenSource: excludes Credentials",
		"TenantParam:", "FirstPage:", "PageSize:", "MaxPages:", "MaxLeads:", "Timeout:", "AttemptTimeout:", "OnlineTimeout:",
		"MaxConcurrent:", "MaxOnline:", "RatePerSecond:", "MaxBody:", "UserAgent:",
	} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not reported", field)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells a secret: %v", err)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for base, good := range map[string]bool{
		"https://live.example/tenantui":   true,
		"http://127.0.0.1:8080":           true,
		"https://live.example/tenantui//": true,
		"":                                false,
		"live.example/tenantui":           false,
		"https://":                        false,
		"https://user@live.example":       false,
		"https://live.example?a=b":        false,
		"https://live.example?":           false,
		"https://live.example#a":          false,
		"https://live.example:port":       false,
	} {
		client, err := upstream.NewClient(upstream.Options{BaseURL: base})
		if (err == nil) != good {
			t.Errorf("%q: error %v", base, err)
		}
		if err == nil {
			client.Close()
		}
	}
	client, err := upstream.NewClient(upstream.Options{
		BaseURL: "https://live.example",
		Credentials: token.Credentials{
			TokenURL: "https://login.example/token?p=policy", ClientID: "id", ClientSecret: "secret",
		},
	})
	if err != nil {
		t.Fatalf("a token URL with a query: %v", err)
	}
	client.Close()
	if _, err := upstream.NewClient(upstream.Options{BaseURL: "https://live.example", StaticToken: "a\nb"}); err == nil {
		t.Error("a token with a line break was accepted")
	}
	if _, err := upstream.NewClient(upstream.Options{BaseURL: "https://live.example", Credentials: token.Credentials{
		TokenURL: "https://login.example/token", ClientID: "id", ClientSecret: "secret", SecretSource: new(changing),
	}}); err == nil {
		t.Error("two client secrets were accepted")
	}
}
