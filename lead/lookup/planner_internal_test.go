package lookup

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

func genExpectation(t *rapid.T) expectation {
	return expectation{
		one:   time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "one")),
		all:   time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "all")),
		calls: rapid.Float64Range(0, 1000).Draw(t, "calls"),
		leads: rapid.IntRange(0, 1_000_000).Draw(t, "leads"),
	}
}

func genTraffic(t *rapid.T) catalogue.Traffic {
	running := rapid.Bool().Draw(t, "running")
	return catalogue.Traffic{Running: running, Useful: running && rapid.Bool().Draw(t, "useful")}
}

func TestPlanIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, now := genExpectation(t), genTraffic(t)
		k, fanOut := rapid.IntRange(0, 10_000).Draw(t, "k"), rapid.IntRange(1, 1000).Draw(t, "fanOut")
		preferred := e.preferCatalogue(k, fanOut, now)
		if preferred && k <= fewTenants {
			t.Fatalf("%d tenants from the catalogue", k)
		}
		if more := k + rapid.IntRange(0, 10_000).Draw(t, "more"); preferred && !e.preferCatalogue(more, fanOut, now) {
			t.Fatalf("%d more tenants are read singly", more-k)
		}
		costlier := e
		costlier.all += time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "longer"))
		costlier.calls += rapid.Float64Range(0, 1000).Draw(t, "moreCalls")
		costlier.leads += rapid.IntRange(0, 1_000_000).Draw(t, "moreLeads")
		if !preferred && costlier.preferCatalogue(k, fanOut, now) {
			t.Fatal("a higher cost makes the catalogue preferred")
		}
		slower := e
		slower.one += time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "slower"))
		if preferred && !slower.preferCatalogue(k, fanOut, now) {
			t.Fatal("slower single reads make single reads preferred")
		}
		if preferred && !e.preferCatalogue(k, fanOut, catalogue.Traffic{Running: true, Useful: true}) {
			t.Fatal("a running read that is useful costs more than a new one")
		}
	})
}

func TestPlanBeforeMeasures(t *testing.T) {
	t.Parallel()
	unmeasured := (&meter{}).expect()
	for _, fanOut := range []int{1, 16, 1000} {
		for k, want := range map[int]bool{1: false, 16: false, 20: false, 500: true} {
			if got := unmeasured.preferCatalogue(k, fanOut, catalogue.Traffic{}); got != want {
				t.Errorf("%d tenants, %d at a time: catalogue %v", k, fanOut, got)
			}
		}
	}
	var large meter
	large.sized(100_000)
	if large.expect().preferCatalogue(400, 16, catalogue.Traffic{}) {
		t.Error("100,000 leads for 400 tenants")
	}
}

func TestMeterAverages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m meter
		expect := func(one, all time.Duration, calls float64) {
			t.Helper()
			e := m.expect()
			if e.one != one || e.all != all || e.calls != calls {
				t.Errorf("got %+v", e)
			}
		}
		expect(expectedOne, expectedAll, expectedCalls)
		m.readOne(time.Second, atMost)
		m.readOne(time.Millisecond, atLeast)
		m.readAll(time.Hour, atMost)
		m.readAll(time.Second, atLeast)
		expect(expectedOne, expectedAll, expectedCalls) // nothing new
		m.readOne(time.Second, exactly)
		m.readAll(10*time.Second, exactly)
		m.called(2)
		expect(time.Second, 10*time.Second, 2)
		m.readOne(2*time.Second, atLeast)
		m.readAll(8*time.Second, atMost)
		m.called(4)
		expect(1200*time.Millisecond, 9*time.Second, 3)
		<-time.After(halfLife)
		expect((1200*time.Millisecond+expectedOne)/2, (9*time.Second+expectedAll)/2, 3)
		<-time.After(100 * halfLife)
		expect(expectedOne, expectedAll, 3)
	})
}

// TestWeighCountsAllTexts fills every text of a lead, so that a new one is not
// forgotten.
func TestWeighCountsAllTexts(t *testing.T) {
	t.Parallel()
	const length = 1000
	var texts int
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(strings.Repeat("x", length))
			texts++
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				v.SetBytes(make([]byte, length))
				texts++
				return
			}
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0))
			fill(v.Index(1))
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		}
	}
	var l lead.Lead
	fill(reflect.ValueOf(&l).Elem())
	weight := int(weigh("tenant", remembered{Found: Found{Leads: []*lead.Lead{&l}}}))
	if texts < 80 || weight < texts*length || weight > texts*length*11/10 {
		t.Errorf("%d texts of %d bytes weigh %d", texts, length, weight)
	}
}
