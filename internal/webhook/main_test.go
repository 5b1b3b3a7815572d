package webhook_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A closed client of Redis may look at its cluster again a second later.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}
