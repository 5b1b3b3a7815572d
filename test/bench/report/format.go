package report

import (
	"fmt"
	"time"
)

// known returns a dash unless ok is set.
func known(ok bool, text string) string {
	if !ok {
		return "–"
	}
	return text
}

// number keeps three digits of small values and groups the digits of large ones.
func number(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	case v < 1000:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%d,%03d", int(v+0.5)/1000, int(v+0.5)%1000)
	}
}

func millis(d time.Duration) string {
	ms := d.Seconds() * 1000
	if ms < 1 {
		return fmt.Sprintf("%.3f", ms)
	}
	return number(ms)
}

func mebi(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/(1<<20)) }

func percent(share float64) string { return fmt.Sprintf("%.0f %%", share*100) }
