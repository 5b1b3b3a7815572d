package lead

// Preferred returns the lead to use if only one lead of a tenant is requested. It
// prefers active leads, then the one that was modified last, then the one with the
// smallest id, so that the result never depends on the order of leads. It returns nil
// for an empty list.
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
