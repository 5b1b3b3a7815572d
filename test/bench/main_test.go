package main

import (
	"io"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	if s, err := parse([]string{"-only", "w1,growth", "-serve-flags", "--expose-cost --page-size 10"}, io.Discard); err != nil || len(s.only) != 2 || len(s.serveFlags) != 3 {
		t.Errorf("settings %+v, %v", s, err)
	}
	for _, args := range [][]string{{"-only", "W9"}, {"-duration", "0s"}, {"-connections", "0"}, {"more"}, {"-unknown"}, {"-only", "tls"}, {"-mob-connections", "1,x"}, {"-rounds", "0"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestParseTheComparisonWithPeers(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-peers", "-quick", "-only", "W1C,connections,tls,growth,w4l"}, io.Discard)
	if err != nil || len(s.only) != 5 || s.rounds != 1 || s.duration != quickDuration {
		t.Errorf("settings %+v, %v", s, err)
	}
}
