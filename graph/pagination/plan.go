package pagination

// Page is one page of a list that is cut into pages of equal size. Number is
// zero-based.
type Page struct {
	Number int
	Size   int
}

// PlanPages returns the pages that hold the rows [offset, offset+count): one
// page if at most 2·count rows make one, else two adjacent pages of the least
// size, which never have more than 2·count rows either. Each count up to maxSize
// has a plan. A greater one may have none, and then, as for count 0, the answer
// is nil.
func PlanPages(offset, count, maxSize int) []Page {
	if count <= 0 {
		return nil
	}
	if size := leastSize(offset, count, 1, min(2*count, maxSize)); size > 0 {
		return []Page{{Number: offset / size, Size: size}}
	}
	if size := leastSize(offset, count, 2, min(count, maxSize)); size > 0 {
		number := offset / size
		return []Page{{Number: number, Size: size}, {Number: number + 1, Size: size}}
	}
	return nil
}

// leastSize returns the least page size up to limit with which that many
// adjacent pages hold the rows [offset, offset+count), 0 if there is none.
func leastSize(offset, count, pages, limit int) int {
	end := offset + count
	for size := ceilDiv(count, pages); size <= limit; {
		behind := offset/size + pages // the number of the first page behind the last one
		if behind*size >= end {
			return size
		}
		// Whatever size lies between fails too: behind only falls while size
		// grows, so all of them end before this one does.
		size = ceilDiv(end, behind)
	}
	return 0
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
