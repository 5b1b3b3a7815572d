package app

import (
	"context"
	"io"
	"log/slog"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	bounds "leadgraph/graph/limits"
	"leadgraph/internal/config"
	"leadgraph/internal/doctor"
)

// examine probes the platform. It returns an error if the platform cannot be used.
func examine(ctx context.Context, settings config.Doctor, stdout io.Writer, log *slog.Logger) error {
	platform, closeSandbox, err := openPlatform(ctx, settings.Upstream, settings.Data, config.Live{}, log)
	if err != nil {
		return err
	}
	defer closeSandbox()
	return doctor.Run(ctx, doctor.Options{
		Platform: platform,
		Given:    settings.Upstream.Given(),
		Rate:     settings.Upstream.Rate,
		Timeout:  settings.Timeout,
	}, settings.JSON, stdout)
}

// checkFront prices the documents of a front-end, for the front-end's CI.
func (p Program) checkFront(cfg *config.Config, stdout io.Writer) error {
	settings := cfg.Check
	parsed, err := p.parsedSchema()
	if err != nil {
		return err
	}
	front := bounds.Front{
		Schema:     parsed,
		Rates:      bounds.Rates{MaxPage: settings.MaxFirst},
		Budget:     bounds.Budget{UpstreamCalls: settings.MaxCalls, Rows: settings.MaxRows},
		ListLength: settings.MaxList,
	}
	return front.Check(stdout, settings.Files)
}

func (p Program) parsedSchema() (*ast.Schema, error) {
	return gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: p.Schema})
}
