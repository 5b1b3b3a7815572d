package pagination

// Page is one page of a list that is divided into pages of equal size. Number
// is zero-based.
type Page struct {
	Number int
	Size   int
}

// overlap is the number of rows that adjacent pages share, if they can. If the list
// changes while they are read, these rows differ.
const overlap = 2

// smallPage is the number of rows of a page that costs hardly more than a smaller one.
const smallPage = 64

// PlanPages returns the pages that hold the rows [offset, offset+count): one page if a
// page of at most 2·count rows, or a small one, holds them, otherwise several that
// overlap, each reaching as far as it can. Very small pages may not overlap. For count 0
// the result is nil.
func PlanPages(offset, count, maxSize int) []Page {
	var pages []Page
	end := offset + count
	for high := offset; high < end; {
		var page Page
		for from := high - overlap; from <= high; from++ {
			if len(pages) == 0 {
				from = high
			}
			if from = max(from, offset); page.end() <= high {
				page = furthest(from, end, min(max(2*(end-from), smallPage), maxSize))
			}
		}
		pages = append(pages, page)
		high = page.end()
	}
	return pages
}

// end returns the position after the page.
func (p Page) end() int { return (p.Number + 1) * p.Size }

// overlapping reports whether each page shares a row with the one before.
func overlapping(pages []Page) bool {
	for i := 1; i < len(pages); i++ {
		if pages[i].Number*pages[i].Size >= pages[i-1].end() {
			return false
		}
	}
	return true
}

// furthest returns the page of at most limit rows that holds the row at from and reaches
// end, or as far as possible. It is the smallest of them.
func furthest(from, end, limit int) Page {
	if size := leastSize(from, end-from, limit); size > 0 {
		return Page{from / size, size}
	}
	best := Page{from, 1}
	for size := limit; size > 0 && from+size >= best.end(); size-- {
		if page := (Page{from / size, size}); page.end() >= best.end() {
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
