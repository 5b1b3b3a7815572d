package lead

// Preferred returns the lead that stands for a tenant when only one is asked
// for: an active one before the others, then the one modified last, then the
// one with the least id so that the answer never depends on the order of
// reading. It returns nil for an empty list.
func Preferred(leads []*Lead) *Lead {
	var best *Lead
	for _, l := range leads {
		if best == nil || preferred(l, best) {
			best = l
		}
	}
	return best
}

func preferred(a, b *Lead) bool {
	if x, y := a.Status == StatusActive, b.Status == StatusActive; x != y {
		return x
	}
	if c := a.LastModifiedOn.Compare(b.LastModifiedOn); c != 0 {
		return c > 0
	}
	return a.ID < b.ID
}
