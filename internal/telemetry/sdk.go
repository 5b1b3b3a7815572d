package telemetry

import (
	"context"
	"log/slog"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
)

// watchSDK passes what OpenTelemetry's SDK reports on to our log. The SDK has one
// global handler for errors and one global logger, which otherwise write lines of
// their own format to standard error. Until ready is called the errors are about
// settings, afterwards about exporting spans.
func watchSDK(log *slog.Logger) (ready func()) {
	handle := func(message string) {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn(message, slog.Any("error", err)) }))
	}
	handle(ignores)
	otel.SetLogger(logr.New(sdkLog{log}))
	return func() { handle("spans are lost") }
}

// ignores is the message about a variable that is not valid.
const ignores = "OpenTelemetry ignores a setting"

// sdkLog receives the SDK's log. It keeps only the message and the name of a
// variable: the errors and values beside it quote the variables, which may hold
// secrets.
type sdkLog struct{ log *slog.Logger }

var _ logr.LogSink = sdkLog{}

// The levels of the SDK.
const (
	sdkWarning = 1
	sdkInfo    = 4
)

// Init implements logr.LogSink.
func (sdkLog) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (sdkLog) Enabled(level int) bool { return level <= sdkInfo }

// Info implements logr.LogSink. The SDK reports invalid numbers as information.
func (s sdkLog) Info(level int, message string, values ...any) {
	invalid := strings.HasPrefix(message, "Got invalid value")
	if level > sdkWarning && !invalid {
		return
	}
	s.warn(message, invalid, values)
}

// Error implements logr.LogSink.
func (s sdkLog) Error(_ error, message string, values ...any) { s.warn(message, false, values) }

func (s sdkLog) warn(message string, named bool, values []any) {
	attrs := []slog.Attr{slog.String("reason", message)}
	if named && len(values) > 0 {
		attrs = append(attrs, slog.Any("variable", values[0]))
	}
	s.log.LogAttrs(context.Background(), slog.LevelWarn, ignores, attrs...)
}

// WithValues implements logr.LogSink.
func (s sdkLog) WithValues(...any) logr.LogSink { return s }

// WithName implements logr.LogSink.
func (s sdkLog) WithName(string) logr.LogSink { return s }
