package share_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"leadgraph/internal/share"
	"leadgraph/lead/lookup"
)

// refuse makes the server answer the commands with an error.
func refuse(m *miniredis.Miniredis, answer string, commands ...string) {
	m.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
		for _, refused := range commands {
			if strings.EqualFold(command, refused) {
				c.WriteError(answer)
				return true
			}
		}
		return false
	})
}

// wantCondition checks the condition, and that the log has the other word nowhere.
func wantCondition(t *testing.T, s *share.Store, lines *log, want string) {
	t.Helper()
	eventually(t, want, func() bool { return s.Condition() == want })
	if want == share.Refusing && (s.Lost() || lines.count("unreachable") > 0 || lines.count("refuses")+lines.count("forbids") == 0) {
		t.Errorf("lost %v; %d lines say unreachable, %d that it refuses", s.Lost(), lines.count("unreachable"), lines.count("refuses"))
	}
	if want == share.Unreachable && lines.count("refuses") > 0 {
		t.Error("the log says that the server refuses")
	}
}

// Refused steps are not tried for a while, the others go on, and the condition stays
// the same until they are accepted.
func TestServerRefusesSteps(t *testing.T) {
	t.Parallel()
	for answer, commands := range map[string][]string{
		"OOM command not allowed when used memory > 'maxmemory'.":          {"SET"},
		"NOPERM this user has no permissions to run the 'set' command":     {"SET"},
		"READONLY You can't write against a read only replica.":            {"SET", "PEXPIRE"},
		"MISCONF Redis is configured to save RDB snapshots":                {"SET"},
		"NOPERM No permissions to access a key":                            {"GETRANGE"},
		"NOREPLICAS Not enough good replicas to write.":                    {"SET"},
		"ERR unknown command 'PEXPIRE', with args beginning with: 'leads'": {"PEXPIRE"},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			m, p := miniredis.RunT(t), newPlatform()
			refuse(m, answer, commands...)
			var lines log
			s := open(t, m.Addr(), func(o *share.Options) { o.Logger = lines.logger(t) })
			source, l := s.Source(p, kept), s.Lookups(keep)
			lookup := map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")}
			refused := 0
			for i := range 4 {
				read(t, source, time.Now(), i+1)
				rest(t, m)
				if s.PageCap() != 0 {
					t.Error("a cap that nobody stored")
				}
				l.Put(t.Context(), lookup)
				l.Get(t.Context(), []string{tenantA})
				if i > 0 { // the first leads replace none
					wantCondition(t, s, &lines, share.Refusing)
				}
				n := lines.count("refuses a step") - lines.count("step=renew") // only a slow machine renews a lease here
				if i > 1 && n != refused {
					t.Errorf("%d lines about refused steps, %d before", n, refused)
				}
				refused = n
			}
		})
	}
}

func TestServerRefusesTheClient(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	m.RequireAuth("password")
	for name, credentials := range map[string]string{"NOAUTH": "", "WRONGPASS": "default:another@"} { //nolint:paralleltest // the server ends after them
		t.Run(name, func(t *testing.T) {
			var lines log
			s := open(t, m.Addr(), func(o *share.Options) { o.URL, o.Logger = "redis://"+credentials+m.Addr(), lines.logger(t) })
			wantCondition(t, s, &lines, share.Refusing)
			before := p.reads
			read(t, s.Source(p, kept), time.Time{}, before+1)
			wantCondition(t, s, &lines, share.Refusing)
		})
	}
	gone := m.Addr()
	m.Close()
	var lines log
	wantCondition(t, open(t, gone, func(o *share.Options) { o.Logger = lines.logger(t) }), &lines, share.Unreachable)
}

// Without scripts everything is shared with plain commands, and the log says what that
// costs.
func TestServerWithoutScripts(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no permission": "NOPERM this user has no permissions to run the 'evalsha' command",
		"no command":    "ERR unknown command 'EVALSHA', with args beginning with: ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, p := miniredis.RunT(t), gated()
			refuse(m, answer, "EVAL", "EVALSHA", "SCRIPT")
			checkWithoutScripts(t, m.Addr(), p)
			for _, key := range m.Keys() {
				if ttl := m.TTL(key); ttl <= 0 || ttl > keep+time.Minute && !strings.HasSuffix(key, "page-cap") {
					t.Errorf("%s lives for %v", key, ttl)
				}
			}
		})
	}
}

// Another replica shares its leads and releases the lease while this one is about to take it:
// before it tries, or after it has found the lease taken.
func TestLeadsSharedBeforeTheLeaseIsTaken(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		m, p := miniredis.RunT(t), newPlatform()
		refuse(m, "ERR unknown command 'EVALSHA', with args beginning with: ", "EVAL", "EVALSHA", "SCRIPT")
		a, b := open(t, m.Addr(), nil), open(t, m.Addr(), nil)
		read(t, a.Source(p, kept), time.Time{}, 1)
		stored(t, m)
		read(t, b.Source(p, kept), time.Time{}, 1) // with plain commands from now on
		key := keysOf(m, headKey)[0]
		lease := strings.TrimSuffix(key, "leads") + "lease"
		head, err := m.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		m.Del(key)
		if taken {
			_ = m.Set(lease, "1 another") // fails only for other types
			m.SetTTL(lease, time.Second)
		}
		m.Server().SetPreHook(func(_ *server.Peer, command string, args ...string) bool {
			if shares := command == "SET" && !taken || strings.HasPrefix(command, "GET") && args[0] == lease; shares && len(keysOf(m, headKey)) == 0 {
				m.Del(lease)
				_ = m.Set(key, head)
			}
			return false
		})
		read(t, b.Source(p, kept), time.Time{}, 1)
		p.wantReads(t, 1)
		rest(t, m)
	}
}

func TestRedisWithoutScripts(t *testing.T) {
	t.Parallel()
	redis := newRedis(t, "--user", "default", "on", "nopass", "~*", "&*", "+@all", "-@scripting")
	checkWithoutScripts(t, redis.addr, gated())
}

func checkWithoutScripts(t *testing.T, addr string, p *platform) {
	t.Helper()
	var lines log
	logged := func(o *share.Options) { o.Logger = lines.logger(t) }
	a, b := open(t, addr, logged), open(t, addr, logged)
	sourceA, sourceB := a.Source(p, kept), b.Source(p, kept)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := sourceA.AllLeads(t.Context(), time.Time{}); err != nil {
			t.Error(err)
		}
	}()
	<-p.begun
	close(p.gate)
	<-done
	// Until then the other replica may take the lease between two plain commands.
	eventually(t, "the leads are shared", func() bool { return lines.count("leads shared") == 1 })
	read(t, sourceB, time.Time{}, 1)
	p.wantReads(t, 1)
	read(t, sourceA, time.Now(), 2)
	eventually(t, "the newer leads are shared", func() bool { return lines.count("leads shared") == 2 })
	eventually(t, "the newer leads are loaded", func() bool {
		got, err := sourceB.AllLeads(t.Context(), time.Time{})
		return err == nil && got.Leads[0].ID == "read 2"
	})

	asOf := time.Now().Add(-10 * time.Second)
	l := a.Lookups(keep)
	l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, asOf, "1"), tenantB: foundAt(tenantB, asOf)})
	l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, asOf.Add(-time.Second), "0"), tenantC: foundAt(tenantC, asOf.Add(-keep), "0")})
	got := wantFound(t, b.Lookups(keep), map[string][]string{tenantA: {"1"}, tenantB: {}})
	if age := time.Since(got[tenantA].AsOf); age < 9*time.Second || age > 30*time.Second {
		t.Errorf("a lookup of 10 s ago looks %v old", age)
	}
	if err := a.SetPageCap(700); err != nil || b.PageCap() != 700 {
		t.Errorf("cap %d, %v", b.PageCap(), err)
	}
	wantCondition(t, a, &lines, share.Refusing)
	if n := lines.count("forbids scripts"); n != 2 {
		t.Errorf("%d of 2 replicas say what scripts are for", n)
	}
}

func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	redis, p := newRedis(t), newPlatform()
	if out, err := exec.CommandContext(t.Context(), "redis-cli", "-u", "redis://"+redis.addr, "config", "set", "maxmemory", "1").CombinedOutput(); err != nil {
		t.Skipf("redis-cli: %v %s", err, out)
	}
	var lines log
	s := open(t, redis.addr, func(o *share.Options) { o.Logger = lines.logger(t) })
	for i := range 3 {
		read(t, s.Source(p, kept), time.Now(), i+1)
		wantCondition(t, s, &lines, share.Refusing)
	}
}
