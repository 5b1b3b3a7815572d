package pagination_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/graph/pagination"
)

var plain = pagination.List{Kind: pagination.KindUpstream}

func TestCheck(t *testing.T) {
	t.Parallel()
	a, b := &pagination.Cursor{List: plain, Ordinal: 3}, &pagination.Cursor{List: plain, Ordinal: 9}
	for name, test := range map[string]struct {
		args   pagination.Args
		limits pagination.Sizes
		want   pagination.Window
	}{
		"nothing":        {want: pagination.Window{Size: 50}},
		"set default":    {limits: pagination.Sizes{Default: 20}, want: pagination.Window{Size: 20}},
		"small maximum":  {limits: pagination.Sizes{Max: 10}, want: pagination.Window{Size: 10}},
		"first":          {args: pagination.Args{First: new(1000)}, want: pagination.Window{Size: 1000}},
		"first zero":     {args: pagination.Args{First: new(0)}, want: pagination.Window{}},
		"first, after":   {args: pagination.Args{First: new(5), After: a}, want: pagination.Window{Size: 5, After: a}},
		"first, before":  {args: pagination.Args{First: new(5), Before: b}, want: pagination.Window{Size: 5, Before: b}},
		"last, before":   {args: pagination.Args{Last: new(5), Before: b}, want: pagination.Window{Size: 5, Before: b, Backward: true}},
		"last, after":    {args: pagination.Args{Last: new(5), After: a}, want: pagination.Window{Size: 5, After: a, Backward: true}},
		"last":           {args: pagination.Args{Last: new(0)}, want: pagination.Window{Backward: true}},
		"after":          {args: pagination.Args{After: a}, want: pagination.Window{Size: 50, After: a}},
		"before":         {args: pagination.Args{Before: b}, want: pagination.Window{Size: 50, Before: b, Backward: true}},
		"after, before":  {args: pagination.Args{After: a, Before: b}, want: pagination.Window{Size: 50, After: a, Before: b}},
		"greater limits": {args: pagination.Args{First: new(20_000)}, limits: pagination.Sizes{Max: 20_000}, want: pagination.Window{Size: 20_000}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.List = plain
			got, err := pagination.Check(test.args, plain, test.limits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("window (-want +got):\n%s", diff)
			}
			if want := test.args.Last != nil && test.args.Before == nil; got.FromEnd() != want {
				t.Errorf("FromEnd() = %v", !want)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	filtered := &pagination.Cursor{List: pagination.List{Kind: pagination.KindUpstream, Fingerprint: 1}}
	catalogue := &pagination.Cursor{List: pagination.List{Kind: pagination.KindCatalogue}}
	for name, test := range map[string]struct {
		args pagination.Args
		want string
	}{
		"first negative":   {pagination.Args{First: new(-1)}, "first: must not be negative"},
		"last negative":    {pagination.Args{Last: new(-1)}, "last: must not be negative"},
		"first too great":  {pagination.Args{First: new(1001)}, "first: must not be greater than 1000"},
		"last too great":   {pagination.Args{Last: new(math.MaxInt)}, "last: must not be greater than 1000"},
		"both":             {pagination.Args{First: new(1), Last: new(1)}, "last: must not be combined with first"},
		"other filter":     {pagination.Args{After: filtered}, "after: belongs to another filter or order"},
		"other kind":       {pagination.Args{Before: catalogue}, "before: belongs to another filter or order"},
		"zero list cursor": {pagination.Args{After: &pagination.Cursor{}}, "after: belongs to another filter or order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pagination.Check(test.args, plain, pagination.Sizes{})
			var refused *pagination.ArgumentError
			if !errors.As(err, &refused) || err.Error() != test.want {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
