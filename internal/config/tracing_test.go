package config_test

import (
	"strings"
	"testing"
)

func TestTracingIsAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		on      bool
		ignored string // the variable that is ignored with a warning
	}{
		"": {},
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318": {},
		"OTEL_TRACES_EXPORTER=none":                         {},
		"OTEL_TRACES_EXPORTER=otlp":                         {on: true},
		"OTEL_TRACES_EXPORTER=OTLP OTEL_SDK_DISABLED=true":  {},
		"OTEL_TRACES_EXPORTER=otlp OTEL_SDK_DISABLED=false OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf": {on: true},
		"OTEL_TRACES_EXPORTER=zipkin":                                                                    {ignored: "OTEL_TRACES_EXPORTER"},
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                                     {on: true, ignored: "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json":                         {on: true},
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=smoke":                             {on: true, ignored: "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=": {},
	}
	for variables, want := range tests {
		env := map[string]string{}
		for variable := range strings.FieldsSeq(variables) {
			name, value, _ := strings.Cut(variable, "=")
			env[name] = value
		}
		cfg, _, err := load(t, env)
		if err != nil {
			t.Errorf("%s: error %v", variables, err)
			continue
		}
		tracing := cfg.Serve.Tracing
		if tracing.On != want.on || (len(tracing.Warnings) > 0) != (want.ignored != "") || !strings.Contains(strings.Join(tracing.Warnings, " "), want.ignored) {
			t.Errorf("%s: %+v", variables, tracing)
		}
	}
}
