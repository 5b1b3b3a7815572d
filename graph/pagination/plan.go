package pagination

// Page is one page of a list that is divided into pages of equal size. Number
// is zero-based.
type Page struct {
	Number int
	Size   int
}

// PlanPages returns the pages that hold the rows [offset, offset+count): one
// page if a page of at most 2·count rows holds them, otherwise two adjacent
// pages of the smallest possible size, which also have at most 2·count rows.
// Every count up to maxSize has such a plan. A greater count may need more pages;
// they then have the largest size. For count 0 the result is nil.
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
	pages := make([]Page, 0, count/maxSize+2)
	for number := offset / maxSize; number*maxSize < offset+count; number++ {
		pages = append(pages, Page{Number: number, Size: maxSize})
	}
	return pages
}

// leastSize returns the smallest page size up to limit with which that many
// adjacent pages hold the rows [offset, offset+count), or 0 if there is none.
func leastSize(offset, count, pages, limit int) int {
	end := offset + count
	for size := ceilDiv(count, pages); size <= limit; {
		behind := offset/size + pages // the number of the first page after the last one
		if behind*size >= end {
			return size
		}
		// Every size in between fails too: behind only falls as size grows, so
		// all of them end before this one does.
		size = ceilDiv(end, behind)
	}
	return 0
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
