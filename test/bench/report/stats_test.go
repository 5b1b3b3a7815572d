package report

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	ten := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct {
		values []int
		q      float64
		want   int
	}{
		{nil, 0.5, 0}, {[]int{7}, 0.99, 7}, {ten, 0, 1}, {ten, 0.5, 5}, {ten, 0.51, 6}, {ten, 0.99, 10}, {ten, 1, 10},
	} {
		if got := percentile(c.values, c.q); got != c.want {
			t.Errorf("percentile(%v, %v) = %d, want %d", c.values, c.q, got, c.want)
		}
	}
	if got := median([]int{9, 1, 5}); got != 5 {
		t.Errorf("median of unsorted values = %d, want 5", got)
	}
}

func TestFitFindsALine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		slope, intercept := float64(rapid.IntRange(-1000, 1000).Draw(t, "slope")), float64(rapid.IntRange(-1000, 1000).Draw(t, "intercept"))
		var x, y []float64
		for _, at := range rapid.SliceOfNDistinct(rapid.IntRange(0, 20_000), 2, 9, rapid.ID[int]).Draw(t, "x") {
			x, y = append(x, float64(at)), append(y, slope*float64(at)+intercept)
		}
		got := fit(x, y)
		for _, pair := range [][2]float64{{got.Slope, slope}, {got.Intercept, intercept}, {got.R2, 1}} {
			if math.Abs(pair[0]-pair[1]) > 1e-4 {
				t.Fatalf("fit = %+v, want %v x + %v", got, slope, intercept)
			}
		}
	})
}

func TestFitOfOtherPoints(t *testing.T) {
	t.Parallel()
	if got := fit([]float64{1, 2, 3, 4}, []float64{1, -1, -1, 1}); got.Slope != 0 || got.R2 != 0 {
		t.Errorf("fit of a bowl = %+v, want neither slope nor R2", got)
	}
	if got := fit([]float64{3, 3}, []float64{1, 5}); got != (line{Intercept: 3}) {
		t.Errorf("fit of a single x = %+v, want the mean", got)
	}
}
