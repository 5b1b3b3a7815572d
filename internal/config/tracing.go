package config

import (
	"cmp"
	"errors"
	"strings"
)

// Tracing says whether spans are exported. OpenTelemetry's environment variables
// decide that; its SDK reads those that are not read here. The OpenTelemetry
// specification makes OTLP the default exporter, leadgraph exports nothing unless
// an exporter is named.
type Tracing struct {
	On bool
}

func (t *Tracing) complete(getenv func(string) string) error {
	switch exporter := strings.ToLower(getenv("OTEL_TRACES_EXPORTER")); {
	case strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true"), exporter == "", exporter == "none":
		return nil
	case exporter != "otlp":
		return errors.New("OTEL_TRACES_EXPORTER must be otlp or none")
	}
	if cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf") != "http/protobuf" {
		return errors.New("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf: leadgraph exports spans over HTTP only")
	}
	t.On = true
	return nil
}
