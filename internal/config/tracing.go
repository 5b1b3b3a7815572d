package config

import (
	"cmp"
	"strings"
)

// Tracing says whether spans are exported. OpenTelemetry's environment variables
// decide that; its SDK reads those that are not read here. The OpenTelemetry
// specification makes OTLP the default exporter, leadgraph exports nothing unless
// an exporter is named.
//
// A platform may set these variables for every program, so none of them keeps
// leadgraph from serving.
type Tracing struct {
	On bool
	// Warnings say which variables are ignored, and why.
	Warnings []string
}

func (t *Tracing) complete(getenv func(string) string) {
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	switch exporter := strings.ToLower(get("OTEL_TRACES_EXPORTER")); {
	case strings.EqualFold(get("OTEL_SDK_DISABLED"), "true"), exporter == "", exporter == "none":
		return
	case exporter != "otlp":
		t.Warnings = append(t.Warnings, "OTEL_TRACES_EXPORTER: tracing is off, because the only exporter is otlp")
		return
	}
	switch cmp.Or(get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), get("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf") {
	case "http/protobuf", "http/json":
	default:
		t.Warnings = append(t.Warnings, "OTEL_EXPORTER_OTLP_PROTOCOL: ignored, because spans are exported over HTTP only, as http/protobuf or http/json")
	}
	t.On = true
}
