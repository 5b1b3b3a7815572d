package admission_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/admission"
)

func TestStrangersOfOneAddressAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 8
		strangers := admission.NewStrangers(most, time.Second)
		var inside, refused atomic.Int32
		ask := func(from, token string, stay time.Duration) {
			go func() {
				leave := strangers.Enter(t.Context(), from, token)
				if leave == nil {
					refused.Add(1)
					return
				}
				inside.Add(1)
				<-time.After(stay)
				inside.Add(-1)
				leave()
			}()
			synctest.Wait()
		}
		for i := range 100 {
			ask("proxy", fmt.Sprint(i), 10*time.Second)
		}
		ask("proxy", "3", 10*time.Second) // as many operations of one token as it likes
		ask("other", "1", 10*time.Second)
		if n := inside.Load(); n != most+2 {
			t.Errorf("%d are inside", n)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if n := refused.Load(); n != 100-most {
			t.Errorf("%d were refused in time", n)
		}
		<-time.After(time.Minute)
		refused.Store(0)
		for i := range 100 { // those who leave soon make room for those who wait
			ask("proxy", fmt.Sprint(i), 50*time.Millisecond)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if inside.Load() != 0 || refused.Load() != 0 {
			t.Errorf("%d inside, %d refused", inside.Load(), refused.Load())
		}
	})
}
