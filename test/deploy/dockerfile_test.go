package deploy_test

import (
	"os"
	"slices"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestDockerfile reads the Dockerfile as BuildKit does, including BuildKit's
// checks. It examines the last stage, which becomes the image.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	file, err := os.Open(root + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{
		Warn: func(rule, _, _, message string, _ []parser.Range) { t.Errorf("%s: %s", rule, message) },
	}))
	if err != nil || len(parsed.Warnings) > 0 {
		t.Fatal(err, parsed.Warnings)
	}
	image := stages[len(stages)-1]
	if image.BaseName != "scratch" {
		t.Errorf("the image is based on %s", image.BaseName)
	}
	env := map[string]string{}
	for _, command := range image.Commands {
		switch c := command.(type) {
		case *instructions.RunCommand:
			t.Error("RUN cannot work in an image without a shell")
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				env[pair.Key] = pair.Value
			}
		case *instructions.UserCommand:
			if c.User != "65532:65532" {
				t.Errorf("the image runs as %s", c.User)
			}
		case *instructions.ExposeCommand:
			if want := []string{env["LEADGRAPH_LISTEN"][1:], env["LEADGRAPH_ADMIN_LISTEN"][1:]}; !slices.Equal(c.Ports, want) {
				t.Errorf("the image exposes the ports %v, leadgraph listens on %v", c.Ports, want)
			}
		case *instructions.HealthCheckCommand:
			if want := []string{"CMD", "/leadgraph", "healthcheck", "http://127.0.0.1" + env["LEADGRAPH_LISTEN"] + "/readyz"}; !slices.Equal(c.Health.Test, want) {
				t.Errorf("the health check is %q, want %q", c.Health.Test, want)
			}
		}
	}
}
