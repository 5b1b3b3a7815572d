package pagination

// Page is one page of a list that is divided into pages of equal size. Number
// is zero-based.
type Page struct {
	Number int
	Size   int
}

// overlap is the number of rows that adjacent pages share. If the list changes while
// they are read, the rows in both differ.
const overlap = 2

// smallPage is the number of rows of a page that costs hardly more than a smaller one.
const smallPage = 64

// PlanPages returns the pages that hold the rows [offset, offset+count): one page if a
// page of at most 2·count rows, or a small one, holds them, otherwise several that overlap, each
// reaching as far as it can. Pages of less than three rows do not overlap. For count 0
// the result is nil.
func PlanPages(offset, count, maxSize int) []Page {
	var pages []Page
	end := offset + count
	for high := offset; high < end; {
		from := high
		if len(pages) > 0 && maxSize > overlap {
			from = max(offset, high-overlap)
		}
		page := furthest(from, end, min(max(2*(end-from), smallPage), maxSize))
		if (page.Number+1)*page.Size <= high {
			page = furthest(high, end, min(max(2*(end-high), smallPage), maxSize))
		}
		pages = append(pages, page)
		high = (page.Number + 1) * page.Size
	}
	return pages
}

// furthest returns the page of at most limit rows that holds the row at from and reaches
// end, or as far as possible. It is the smallest of them.
func furthest(from, end, limit int) Page {
	if size := leastSize(from, end-from, limit); size > 0 {
		return Page{from / size, size}
	}
	best := Page{from, 1}
	for size := limit; size > 0 && from+size >= (best.Number+1)*best.Size; size-- {
		if page := (Page{from / size, size}); (page.Number+1)*size >= (best.Number+1)*best.Size {
			best = page
		}
	}
	return best
}

// leastSize returns the smallest page size up to limit with which one page holds the
// rows [offset, offset+count), or 0 if there is none.
func leastSize(offset, count, limit int) int {
	end := offset + count
	for size := count; size <= limit; {
		after := offset/size + 1 // the number of the page after it
		if after*size >= end {
			return size
		}
		// Every size in between fails too: the number only falls as the size grows,
		// so all of them end before this one does.
		size = ceilDiv(end, after)
	}
	return 0
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
