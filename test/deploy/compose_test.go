package deploy_test

import (
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose reads the Compose file as Docker does, with the services of all profiles.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{root + "/deploy/compose.yaml"}, cli.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeIsHardened(t *testing.T) {
	t.Parallel()
	for name, service := range compose(t).Services {
		if !service.ReadOnly || service.User != "65532:65532" || !slices.Equal(service.CapDrop, []string{"ALL"}) || len(service.CapAdd) > 0 || service.Privileged {
			t.Errorf("%s has too many privileges", name)
		}
		if limits := service.Deploy.Resources.Limits; limits == nil || limits.MemoryBytes == 0 || limits.NanoCPUs == 0 {
			t.Errorf("%s has no limits", name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is published to other machines", name)
			}
		}
		for _, volume := range service.Volumes {
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s mounts a missing file: %v", name, err)
			}
		}
	}
}

func TestComposeSecretsAreMade(t *testing.T) {
	t.Parallel()
	made := secrets(t)
	for name := range compose(t).Secrets {
		if _, err := os.Stat(made + "/" + name); err != nil {
			t.Errorf("make-secrets does not make %s: %v", name, err)
		}
	}
}

func TestComposeSettingsFitTheLimits(t *testing.T) {
	t.Parallel()
	service := compose(t).Services["leadgraph"]
	env := environment(service)
	checkMemory(t, env, int64(service.Deploy.Resources.Limits.MemoryBytes))
	checkGrace(t, env, time.Duration(*service.StopGracePeriod))
	if replicas := service.Deploy.Replicas; replicas == nil || *replicas != 2 {
		t.Errorf("%d replicas, want 2", replicas)
	}
}

func TestComposeServesAndIsHealthy(t *testing.T) {
	t.Parallel()
	server := install(t).serve(t, environment(compose(t).Services["leadgraph"]))
	if status, answer := ask(t, server.base+"/graphql", `{"query":"{ leadStats { total } }"}`); status != http.StatusOK || answer != `{"data":{"leadStats":{"total":2000}}}` {
		t.Errorf("%d %s", status, answer)
	}
	if text, err := exec.CommandContext(t.Context(), leadgraph, "healthcheck", server.base+"/readyz").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err := exec.CommandContext(t.Context(), leadgraph, "healthcheck", server.base+"/nothing").CombinedOutput(); err == nil {
		t.Errorf("healthy: %s", text)
	}
}

func environment(service types.ServiceConfig) map[string]string {
	env := map[string]string{}
	for name, value := range service.Environment {
		if value != nil {
			env[name] = *value
		}
	}
	return env
}
