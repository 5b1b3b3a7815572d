package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/apptest"
)

// A document that was registered at one replica is known at the other, also after the other
// was restarted, unless only trusted documents run.
func TestReplicasShareRegisteredDocuments(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	_, platform := apptest.Sandbox(t, run)
	start := func(flags ...string) string {
		return startServer(t, append(append(flags, platform...), "--redis-timeout", "20s", "--redis-url", "redis://"+redis.Addr())...)
	}
	a, b := start(), start()
	const document = `{ __typename }`
	sum := sha256.Sum256([]byte(document))
	extension := fmt.Sprintf(`"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}`, hex.EncodeToString(sum[:]))
	ask := func(endpoint string) string { return apptest.Post(t, endpoint, `{`+extension+`}`).Body }
	const want = `{"data":{"__typename":"Query"}}`
	if got := ask(b); !strings.Contains(got, "PERSISTED_QUERY_NOT_FOUND") {
		t.Errorf("before it is registered: %s", got)
	}
	if got := apptest.Post(t, a, `{"query":"`+document+`",`+extension+`}`).Body; got != want {
		t.Errorf("registering: %s", got)
	}
	got := ask(b)
	for tries := 0; got != want && tries < 1000; tries++ { // it is stored after the answer
		got = ask(b)
	}
	if got != want {
		t.Errorf("at the other replica: %s", got)
	}
	if got := ask(start()); got != want {
		t.Errorf("after a restart: %s", got)
	}
	if got := ask(start("--no-apq")); !strings.Contains(got, "PERSISTED_QUERY_NOT_SUPPORTED") {
		t.Errorf("without APQ: %s", got)
	}
}
