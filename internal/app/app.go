// Package app is the program without its entry point: it reads the settings,
// runs the command that they name and joins the packages that the command needs.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"leadgraph/internal/config"
	"leadgraph/internal/httpd"
	"leadgraph/internal/telemetry"
)

// Program is leadgraph. Only the package at the root can embed the schema, so it
// is handed in.
type Program struct {
	Schema string // text of schema.graphqls
	// Hangups passes on the signals on which a server reloads what can change while
	// it runs, until stop is called. If it is nil, a server never reloads.
	Hangups func() (signals <-chan os.Signal, stop func())
}

// Run runs the command that args name. Servers drain and stop when ctx ends.
func (p Program) Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	cfg, command, err := config.Load(args, getenv, stdout)
	if err != nil || command == "" {
		return err
	}
	level := new(slog.LevelVar)
	if err := setLevel(level, cfg.Log); err != nil {
		return err
	}
	log := newLog(cfg.Log.Format, level, stderr)
	switch command {
	case config.Serve:
		return p.serve(ctx, cfg, stdout, log, level)
	case config.Sandbox:
		return serveSandbox(ctx, cfg, stdout, log)
	case config.Check:
		return p.checkFront(cfg, stdout)
	case config.Examine:
		return examine(ctx, cfg.Doctor, stdout, log)
	case config.Health:
		return httpd.Probe(ctx, cfg.Healthcheck.URL)
	case config.Schema:
		_, err = io.WriteString(stdout, p.Schema)
	case config.Version:
		_, err = fmt.Fprintln(stdout, "leadgraph", version())
	}
	return err
}

func newLog(format string, level slog.Leveler, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var lines slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" {
		lines = slog.NewTextHandler(w, options)
	}
	return slog.New(telemetry.LogHandler(lines, httpd.RequestID))
}

// setLevel sets the level of the log, which may be in a file.
func setLevel(level *slog.LevelVar, cfg config.Log) error {
	now, err := cfg.Current()
	if err == nil {
		level.Set(now)
	}
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " " + info.GoVersion
}

// say writes to the user's terminal. A failed write is ignored: it is no reason to
// stop serving.
func say(stdout io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(stdout, format, args...) }
