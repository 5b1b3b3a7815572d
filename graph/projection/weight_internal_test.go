package projection

import "testing"

// Weight returns the number of plans of values and their weight.
func (p *Projector) Weight() (plans int, weight uint64) {
	return p.plans.plans.EstimatedSize(), p.plans.plans.WeightedSize()
}

// MaxWeight is the largest weight of all plans.
const MaxWeight = maxPlanBytes

func TestPlansAreBounded(t *testing.T) {
	t.Parallel()
	cache := newPlanCache[*plan]()
	for i := range 10_000 {
		cache.Add(planKey{path: string(rune(i + 0x10000))}, &plan{held: 10_000})
	}
	cache.Add(planKey{}, &plan{held: 2 * maxPlanBytes}) // more than there is room for
	if held := cache.plans.WeightedSize(); held > maxPlanBytes || held < maxPlanBytes/2 {
		t.Errorf("plans hold %d bytes", held)
	}
}
