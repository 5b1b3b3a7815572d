package report

import (
	"cmp"
	"math"
	"slices"
)

// percentile returns the smallest value that at least the share q of the values do
// not exceed. The values must be sorted. It returns zero if there are none.
func percentile[T cmp.Ordered](sorted []T, q float64) T {
	var zero T
	if len(sorted) == 0 {
		return zero
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func median[T cmp.Ordered](values []T) T {
	return percentile(slices.Sorted(slices.Values(values)), 0.5)
}

// line is a straight line, fitted by least squares. R2 is the share of the
// variance that it explains: 1 if the values are exactly linear.
type line struct{ Slope, Intercept, R2 float64 }

// fit fits a line to points. Without two different x, the line is flat.
func fit(x, y []float64) line {
	n := float64(len(x))
	var sumX, sumY float64
	for i := range x {
		sumX += x[i]
		sumY += y[i]
	}
	meanX, meanY := sumX/n, sumY/n
	var xx, xy, yy float64
	for i := range x {
		dx, dy := x[i]-meanX, y[i]-meanY
		xx += dx * dx
		xy += dx * dy
		yy += dy * dy
	}
	if xx == 0 {
		return line{Intercept: meanY}
	}
	l := line{Slope: xy / xx, Intercept: meanY - xy/xx*meanX, R2: 1}
	if yy > 0 {
		l.R2 = xy * xy / (xx * yy)
	}
	return l
}
