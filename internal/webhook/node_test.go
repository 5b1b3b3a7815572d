package webhook_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"

	"leadgraph/internal/webhook"
	"leadgraph/lead/changes"
)

// The receiver that docs/live.md shows verifies what is sent.
func TestTheExampleReceiver(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("LEADGRAPH_REQUIRE_NODE") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs Node")
	}
	for name, known := range map[string]string{"its secret": secret, "another secret": "whsec_YW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXMgb3IgbW9yZQ=="} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			example := exec.CommandContext(t.Context(), node, "../../test/clients/receive.mjs")
			example.Env = append(example.Environ(), "WEBHOOK_SECRET="+known)
			printed, err := example.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := example.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = example.Wait() }) // it was killed
			t.Cleanup(func() { _ = example.Process.Kill() })
			lines := bufio.NewScanner(printed)
			if !lines.Scan() {
				t.Fatal("it does not listen")
			}
			p, store := newPlatform(changes.Options{}), &positions{}
			s := start(t, p, func(o *webhook.Options) { o.URLs, o.Positions = []string{lines.Text()}, store })
			store.begins(t)
			p.put("a")
			if known != secret {
				await(t, func() bool { return s.State()[0].Failed > 0 })
				return
			}
			if p.remove("a"); !lines.Scan() || lines.Text() != "com.leadgraph.lead.created a" {
				t.Errorf("it got %q", lines.Text())
			}
			if !lines.Scan() || lines.Text() != "com.leadgraph.lead.removed a" {
				t.Errorf("then it got %q", lines.Text())
			}
		})
	}
}
