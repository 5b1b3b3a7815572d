package backend

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTokensAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var known tokens
		refused := errors.New("refused")
		for i := range 3 * maxTokens {
			known.refuse(fmt.Sprint(i), refused)
			known.accept(fmt.Sprint("good ", i))
		}
		if n, m := len(known.refused.members), len(known.accepted.members); n != maxTokens || m != maxTokens {
			t.Errorf("%d refused and %d accepted tokens are remembered", n, m)
		}
		last := fmt.Sprint(3*maxTokens - 1)
		if known.refusal("0") != nil || known.refusal(last) == nil || known.isAccepted("good 0") || !known.isAccepted("good "+last) {
			t.Error("the newest are forgotten, not the oldest")
		}
		<-time.After(refusedFor)
		if known.refusal(last) != nil {
			t.Error("a refusal is final")
		}
		known.refuse("a", refused)
		known.accept("a")
		if known.refusal("a") != nil {
			t.Error("an accepted token is refused")
		}
	})
}
