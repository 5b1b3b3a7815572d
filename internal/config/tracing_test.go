package config_test

import (
	"strings"
	"testing"
)

func TestTracingIsAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		on    bool
		fault string
	}{
		"": {},
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318": {},
		"OTEL_TRACES_EXPORTER=none":                         {},
		"OTEL_TRACES_EXPORTER=otlp":                         {on: true},
		"OTEL_TRACES_EXPORTER=OTLP OTEL_SDK_DISABLED=true":  {},
		"OTEL_TRACES_EXPORTER=otlp OTEL_SDK_DISABLED=false OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf": {on: true},
		"OTEL_TRACES_EXPORTER=zipkin":                                                                    {fault: "OTEL_TRACES_EXPORTER"},
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                                     {fault: "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json":                         {fault: "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=": {},
	}
	for variables, want := range tests {
		env := map[string]string{}
		for variable := range strings.FieldsSeq(variables) {
			name, value, _ := strings.Cut(variable, "=")
			env[name] = value
		}
		cfg, _, err := load(t, env)
		switch {
		case want.fault != "":
			if err == nil || !strings.Contains(err.Error(), want.fault) {
				t.Errorf("%s: error %v", variables, err)
			}
		case err != nil || cfg.Serve.Tracing.On != want.on:
			t.Errorf("%s: on is %t, error %v", variables, cfg.Serve.Tracing.On, err)
		}
	}
}
