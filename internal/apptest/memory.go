package apptest

import (
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"testing"
)

// HeapInUse collects all garbage and returns the size of what lives, in bytes.
func HeapInUse() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // the second one empties pools
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Metric returns the value of a metric without labels that is served at a URL.
func Metric(t testing.TB, url, name string) float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Do(http.DefaultClient, request)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(answer.Body)
	if found == nil {
		t.Fatalf("no metric %s: %.500s", name, answer.Body)
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
