package walks

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// walksPerRig is the number of walks at the same servers. Starting servers takes longer
// than a walk.
const walksPerRig = 25

// kind is a kind of list.
type kind struct {
	name  string
	count count
	list  func(dice *rand.Rand) list
}

var fields = []string{"CONSENTED_ON", "LAST_MODIFIED_ON", "COMPANY_NAME", "STATUS", "TENANT_ID", "COMPANY_SIZE", "COUNTRY"}

func kinds() []kind {
	fixed := func(l list) func(*rand.Rand) list { return func(*rand.Rand) list { return l } }
	all := []kind{
		{"platform", never, fixed(list{})},
		{"platform counted", always, fixed(list{})},
		{"platform counted sometimes", sometimes, fixed(list{})},
		{"status", sometimes, fixed(list{status: "ACTIVE"})},
		{"search", sometimes, fixed(list{search: "nova"})},
		{"tenants", never, fixed(list{tenants: []string{}})},
		{"tenants counted sometimes", sometimes, fixed(list{tenants: []string{}})},
		{"sorted tenants", sometimes, func(dice *rand.Rand) list {
			return list{tenants: []string{}, field: fields[dice.IntN(len(fields))], descending: dice.IntN(2) == 0}
		}},
		{"sorted and filtered", sometimes, func(dice *rand.Rand) list {
			l := list{field: fields[dice.IntN(len(fields))], descending: dice.IntN(2) == 0, status: "ACTIVE"}
			if dice.IntN(2) == 0 {
				l.status, l.search = "", "nova"
			}
			return l
		}},
	}
	all = append(all, kind{"by several fields", sometimes, func(dice *rand.Rand) list {
		by := dice.Perm(len(fields))
		third := &list{field: fields[by[2]], descending: dice.IntN(2) == 0}
		if dice.IntN(2) == 0 {
			third = nil
		}
		return list{
			field: fields[by[0]], descending: dice.IntN(2) == 0,
			then: &list{field: fields[by[1]], descending: dice.IntN(2) == 0, then: third},
		}
	}})
	for _, field := range fields {
		all = append(all, kind{field + " ASC", sometimes, fixed(list{field: field})},
			kind{field + " DESC", sometimes, fixed(list{field: field, descending: true})})
	}
	return all
}

// TestWalks makes random walks of each kind of list and checks the guarantee. Half of
// the servers share a Redis. To repeat a failure, run its kind with its seed:
//
//	go test ./test/walks -run 'TestWalks/^platform$' -seed 7
func TestWalks(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	if redis == "" {
		t.Log("redis-server is not in PATH: all walks are without it")
	}
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			all := tally{broken: map[string]int{}, shortest: map[string]report{}, where: map[string][]string{}}
			for number := uint64(1); all.walks < *walks; number++ {
				if *seed != 0 {
					number = *seed
				}
				t.Run(fmt.Sprint("seed ", number), func(t *testing.T) { all.rig(t, k, number, redis) })
				if *seed != 0 {
					break
				}
			}
			all.report(t)
		})
	}
}

// tally counts what the walks of a kind have met.
type tally struct {
	walks, pages, repeats, still int
	judged                       int // leads that had to be answered
	broken                       map[string]int
	shortest                     map[string]report   // by rule, as broken
	where                        map[string][]string // by rule, the walks that broke it
}

// report is a broken walk.
type report struct {
	seed, walk uint64
	about      string
	fault      fault
	trace      []string
}

// rig makes the walks of one seed.
func (a *tally) rig(t *testing.T, k kind, number uint64, redis string) {
	t.Helper()
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(k.name))
	dice := rand.New(rand.NewPCG(hash.Sum64(), number))
	if number%2 == 0 {
		redis = ""
	}
	r := newRig(t, number, redis, dice)
	defer r.world.Store(nil)
	for n := range uint64(walksPerRig) {
		if *seed == 0 && a.walks >= *walks {
			return
		}
		w := newWalk(r, k, rand.New(rand.NewPCG(dice.Uint64(), n)))
		a.add(w, w.run(), report{seed: number, walk: n, about: r.about})
	}
}

func (a *tally) add(w *walk, broken []fault, r report) {
	a.walks++
	a.pages += len(w.pages)
	a.repeats += w.repeats()
	a.judged += w.judged()
	if w.still {
		a.still++
	}
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	r.trace = slices.Clone(w.world.trace)
	for _, f := range broken {
		a.broken[f.rule]++
		a.where[f.rule] = append(a.where[f.rule], fmt.Sprintf("walk %d of seed %d", r.walk, r.seed))
		r.fault = f
		if before, ok := a.shortest[f.rule]; !ok || len(r.trace) < len(before.trace) {
			a.shortest[f.rule] = r
		}
	}
}

// report fails the test if walks broke rules, with the shortest walk for each rule.
func (a *tally) report(t *testing.T) {
	t.Helper()
	t.Logf("%d walks, %d of them without changes; %d pages, %d leads that had to be answered, %d repeats", a.walks, a.still, a.pages, a.judged, a.repeats)
	for _, rule := range slices.Sorted(maps.Keys(a.broken)) {
		r := a.shortest[rule]
		where := a.where[rule]
		t.Errorf("%q: %d of %d walks: %s. The shortest is walk %d of seed %d (%s):\n%s\n%s: %s",
			rule, a.broken[rule], a.walks, strings.Join(where[:min(len(where), 20)], ", "), r.walk, r.seed, r.about, strings.Join(r.trace, "\n"), rule, r.fault.text)
	}
}
