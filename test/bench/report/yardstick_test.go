package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadgraph/test/bench/workload"
)

// someYardstick has three rounds in which the second is twice as fast.
func someYardstick() *Yardstick {
	r := someReport()
	y := &Yardstick{Report: &r}
	add := func(round int, work, server string, rate float64) {
		y.Contests = append(y.Contests, Entry{round, Result{
			Workload: work, Server: server, Rate: rate, CPU: time.Duration(float64(time.Second) / rate), Busy: 0.98, LoadBusy: 0.9, Peak: 64 << 20, Calls: 1,
		}})
	}
	for round, factor := range []float64{1, 2, 1} {
		add(round, "W1", workload.ReverseProxy, 9000*factor)
		add(round, "W1", workload.PooledProxy, 10_000*factor)
		add(round, "W1", workload.SpliceProxy, 20_000*factor)
		add(round, "W1", workload.Bare, 7000*factor)
		add(round, "W1", workload.PlainGqlgen, 2000*factor)
		add(round, "W1", workload.Tailcall, 6000*factor)
		add(round, "W1C", workload.Bare, 9500*factor)
		add(round, "W2", workload.Bare, 1000*factor)
		add(round, "W2", workload.PlainGqlgen, 200*factor)
		add(round, "W4", workload.Bare, 1600*factor)
		add(round, "W4", workload.Tailcall, 1000*factor)
	}
	return y
}

func TestYardstick(t *testing.T) {
	t.Parallel()
	y := someYardstick()
	var text strings.Builder
	if err := y.Write(&text, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		// The faster reverse proxy counts, and ratios are those of the same round.
		"| W1 | reverse proxy, pooled buffers | ≥ 0.60 | 0.70 (0.70–0.70) | reached | 0.70 (0.70–0.70) |",
		"| W1 | spliced proxy | – | 0.35 (0.35–0.35) |  |",
		"| W1 | Tailcall, the best peer | ≥ 1.30 | 1.17 (1.17–1.17) | missed |",
		"| W1 | textbook gqlgen | – | 3.50 (3.50–3.50) |  |",
		"| W1C | reverse proxy, pooled buffers | ≥ 0.90 | 0.95 (0.95–0.95) | reached |",
		"| W2 | textbook gqlgen, the best peer | ≥ 4.00 | 5.00 (5.00–5.00) | reached |",
		"| W4 | Tailcall, the best peer | ≥ 1.50 | 1.60 (1.60–1.60) | reached |",
		"| W1 | leadgraph | 7,000 (7,000–14,000) |",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	y := someYardstick()
	for i := range y.Contests {
		y.Contests[i].Requests = 10
	}
	y.Contests[3].Refused = 2 // leadgraph in the first round
	if got := y.waiting(); len(got) != 1 || !strings.HasPrefix(got[0], "W1 leadgraph: 2 requests were refused") || !strings.HasSuffix(got[0], "30 were answered.") {
		t.Errorf("remarks %q", got)
	}
}

func TestADisturbedRoundMakesAVerdictUnsure(t *testing.T) {
	t.Parallel()
	y := someYardstick()
	y.Contests[1].Busy, y.Contests[1].LoadBusy = 0.5, 0.5
	var text strings.Builder
	if err := y.Write(&text, ""); err != nil {
		t.Fatal(err)
	}
	if want := "| reached, but other programs disturbed the run |"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in\n%s", want, text.String())
	}
	if unwanted := "measure again"; strings.Contains(text.String(), unwanted) {
		t.Errorf("one round of three is a remark in\n%s", text.String())
	}
}

func TestSectionsKeepWhatIsAroundThem(t *testing.T) {
	t.Parallel()
	const page = "# Title\n\n<!-- one -->\nold\n<!-- end of one -->\n\ntext\n"
	for _, c := range []struct{ name, page, section, want string }{
		{"replaced", page, "one", "# Title\n\n<!-- one -->\nnew\n<!-- end of one -->\n\ntext\n"},
		{"added", page, "two", page + "\n<!-- two -->\nnew\n<!-- end of two -->\n"},
		{"alone", "", "one", "<!-- one -->\nnew\n<!-- end of one -->\n"},
		{"not ended", "<!-- one -->\ntext\n", "one", "<!-- one -->\ntext\n\n<!-- one -->\nnew\n<!-- end of one -->\n"},
	} {
		if got := withSection(c.page, c.section, "new\n"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "page.md")
	for range 2 {
		if err := replaceSection(path, "one", "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "<!-- one -->\nnew\n<!-- end of one -->\n" {
		t.Errorf("file %q, %v", got, err)
	}
}
