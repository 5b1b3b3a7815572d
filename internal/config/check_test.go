package config_test

import (
	"strings"
	"testing"
)

// A setting that contradicts another, or that cannot work, is refused by its name.
func TestContradictionsAreRefusedByName(t *testing.T) {
	t.Parallel()
	platform := "--upstream-url https://platform.example "
	token := platform + "--upstream-token x "
	hooked := "--webhook-secret " + strings.Repeat("A", 32) + " "
	for args, names := range map[string]string{
		"--client-id x":                       "--upstream-url --client-id",
		"--upstream-token x":                  "--upstream-url --upstream-token",
		"--upstream-token-file /none":         "--upstream-url --upstream-token-file",
		"--token-url https://login.example/t": "--upstream-url --token-url",
		"--scope x":                           "--upstream-url --scope",
		"doctor --client-secret x":            "--upstream-url --client-secret",
		token + "--client-id x":               "--upstream-token --client-id",
		token + "--scope x":                   "--upstream-token --scope",

		"--upstream-url http://platform.example --upstream-token x":                               "--upstream-url --insecure-upstream",
		"--upstream-url http://10.0.0.7/tenantui --upstream-token x":                              "--upstream-url --insecure-upstream",
		platform + "--token-url http://login.example/t --client-id x --client-secret x --scope x": "--token-url --insecure-upstream",
		"--upstream-url ftp://127.0.0.1 --upstream-token x":                                       "--upstream-url",
		"--upstream-url platform.example --upstream-token x":                                      "--upstream-url",
		"--upstream-url https://platform.example:70000 --upstream-token x":                        "--upstream-url",
		"--upstream-url https://user:pass@platform.example --upstream-token x":                    "--upstream-url",
		"--auth jwt --jwt-issuer i --jwt-audience a --jwks-url http://keys.example":               "--jwks-url",
		"--auth jwt --jwt-issuer i --jwt-audience a --jwks-url keys":                              "--jwks-url",
		"--jwt-issuer i":        "--jwt-issuer --auth",
		"--jwks-url https://k/": "--jwks-url --auth",

		"--upstream-url https://platform.example/x?y=1 --upstream-token x": "--upstream-url",
		"--allow-anonymous --auth passthrough":                             "--allow-anonymous --auth",
		"--pii-scope a\"b":                                                 "--pii-scope",
		"--redis-url http://127.0.0.1":                                     "--redis-url",
		"--redis-url redis://127.0.0.1:70000":                              "--redis-url",
		"--redis-key " + strings.Repeat("A", 43) + "=":                     "--redis-key --redis-url",

		"--webhook-url https://h.example":                                              "--webhook-url --webhook-secret",
		hooked + "--webhook-url http://h.example":                                      "--webhook-url --insecure-webhooks",
		hooked + "--webhook-url https://user:pass@h.example":                           "--webhook-url",
		hooked + "--webhook-url https://h.example/a --webhook-url https://h.example/a": "--webhook-url",
		hooked + "--webhook-url h.example":                                             "--webhook-url",
		hooked + "--webhook-url https://h.example --webhook-timeout 0s":                "--webhook-timeout",
		hooked + "--webhook-url https://h.example --webhook-source %":                  "--webhook-source",
		"--webhook-url https://h.example --webhook-secret c2hvcnQ=":                    "--webhook-secret",
		hooked:          "--webhook-secret --webhook-url",
		"--webhook-pii": "--webhook-pii --webhook-url",

		"--cors-origin app.example":                              "--cors-origin",
		"--cors-origin https://app.example/":                     "--cors-origin",
		"--cors-origin https://*.example":                        "--cors-origin",
		"--cors-origin null":                                     "--cors-origin",
		"--cors-origin https://app.example:0":                    "--cors-origin",
		"--cors-credentials":                                     "--cors-credentials --cors-origin",
		"--cors-header X-Own":                                    "--cors-header --cors-origin",
		"--cors-origin https://app.example --cors-header *":      "--cors-header",
		"--cors-origin https://app.example --cors-header X(Own)": "--cors-header",
		"--listen 127.0.0.1":                                     "--listen",
		"--listen 127.0.0.1:70000":                               "--listen",
		"--admin-listen nine":                                    "--admin-listen",
		"--listen 127.0.0.1:8080 --admin-listen 127.0.0.1:8080":  "--admin-listen --listen",
		"sandbox --listen 8090":                                  "--listen",
		"sandbox --sandbox-leads=-1":                             "--sandbox-leads",
		"--sandbox-leads 500001":                                 "--sandbox-leads",
		"--max-depth 0":                                          "--max-depth",
		"--max-aliases=-1":                                       "--max-aliases",
		"--budget-calls 0":                                       "--budget-calls",
		"--max-batch=-1":                                         "--max-batch",
		"--check-online-max 0":                                   "--check-online-max",
		"--check-online-rate 0":                                  "--check-online-rate",
		token + "--first-page 2":                                 "--first-page",
		token + "--page-size 0":                                  "--page-size",
		token + "--max-pages 0":                                  "--max-pages",
		token + "--upstream-timeout 0s":                          "--upstream-timeout",
		token + "--upstream-attempt-timeout=-1s":                 "--upstream-attempt-timeout",
		token + "--upstream-retries=-1":                          "--upstream-retries",
		token + "--upstream-concurrency 0":                       "--upstream-concurrency",
		token + "--upstream-rate=-1":                             "--upstream-rate",
		token + "--tenant-param a&b":                             "--tenant-param",
		platform + "--upstream-token \x01y":                      "--upstream-token",
		platform + "--upstream-token é":                          "--upstream-token",
	} {
		_, _, err := load(t, nil, strings.Fields(args)...)
		for name := range strings.FieldsSeq(names) {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %s is not named in: %v", args, name, err)
			}
		}
		if err != nil && strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: the error repeats a secret: %v", args, err)
		}
	}
}

func TestWhatCanWorkIsAccepted(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "--listen :0 --admin-listen :0", "--listen [::1]:8080", "--listen localhost:8080",
		"--upstream-url http://127.0.0.1:9/tenantui --upstream-token x",
		"--upstream-url http://[::1]:9/tenantui --upstream-token x",
		"--upstream-url http://localhost/tenantui --upstream-token x",
		"--upstream-url http://platform.example/tenantui --upstream-token x --insecure-upstream",
		"--auth jwt --jwt-issuer i --jwt-audience a --jwks-url http://127.0.0.1:9/keys",
		"--webhook-secret whsec_" + strings.Repeat("A", 32) + " --webhook-url https://h.example/a?b=c --webhook-url http://127.0.0.1:9/",
		"--webhook-secret " + strings.Repeat("A", 32) + " --webhook-url http://h.example/ --insecure-webhooks",
		"--cors-origin https://app.example --cors-origin http://localhost:3000 --cors-header X-Own --cors-credentials",
	} {
		if _, _, err := load(t, nil, strings.Fields(args)...); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// A secret is the same wherever it comes from: white space around it is left out.
func TestSecretsAreTrimmedWhereverTheyComeFrom(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"LEADGRAPH_UPSTREAM_URL": "https://platform.example\n", "LEADGRAPH_TOKEN_URL": " https://login.example/t\n",
		"LEADGRAPH_CLIENT_ID": "cid\r\n", "LEADGRAPH_CLIENT_SECRET": "\ufeffs3cret\n", "LEADGRAPH_SCOPE": "api://x\n",
	}
	cfg, _, err := load(t, env)
	if err != nil {
		t.Fatal(err)
	}
	platform := cfg.Serve.Upstream
	if platform.ClientID != "cid" || platform.ClientSecret != "s3cret" || platform.Scope != "api://x" || platform.URL != "https://platform.example" {
		t.Errorf("client id %q, secret %q, scope %q, URL %q", platform.ClientID, string(platform.ClientSecret), platform.Scope, platform.URL)
	}
	cfg, _, err = load(t, nil, "--upstream-url", "https://platform.example", "--upstream-token", "token\n")
	if err != nil || cfg.Serve.Upstream.Token != "token" {
		t.Errorf("token %q, error %v", string(cfg.Serve.Upstream.Token), err)
	}
	env["LEADGRAPH_CLIENT_SECRET"] = "\n"
	if _, _, err := load(t, env); err == nil || !strings.Contains(err.Error(), "--client-secret") {
		t.Errorf("a secret of white space: %v", err)
	}
	env["LEADGRAPH_CLIENT_SECRET"] = "two\nlines"
	if _, _, err := load(t, env); err == nil || !strings.Contains(err.Error(), "--client-secret") || strings.Contains(err.Error(), "two") {
		t.Errorf("a secret of two lines: %v", err)
	}
}
