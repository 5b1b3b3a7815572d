package deploy_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
)

// TestFederationFilesFit reads the gateway's Compose file together with that of leadgraph,
// as its first lines say, and serves with the settings that result.
func TestFederationFilesFit(t *testing.T) {
	t.Parallel()
	files := []string{root + "/deploy/compose.yaml", root + "/deploy/federation/compose.yaml"}
	options, err := cli.NewProjectOptions(files, cli.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gateway := project.Services["gateway"]
	if !gateway.ReadOnly || !slices.Equal(gateway.CapDrop, []string{"ALL"}) || gateway.Deploy.Resources.Limits == nil || gateway.Ports[0].HostIP != "127.0.0.1" {
		t.Error("the gateway has too many privileges")
	}
	var packages struct{ Dependencies map[string]string }
	read(t, root+"/test/federation/gateway/package.json", &packages)
	if version := packages.Dependencies["@graphql-hive/gateway"]; !strings.HasSuffix(gateway.Image, ":"+version) {
		t.Errorf("the image is %s, and %s is tested", gateway.Image, version)
	}
	var subgraphs []struct{ Name, URL string }
	read(t, root+"/deploy/federation/subgraphs.json", &subgraphs)
	if len(subgraphs) != 1 || subgraphs[0].URL != "http://proxy:8080/graphql" || project.Services["proxy"].Name == "" {
		t.Errorf("subgraphs %v", subgraphs)
	}
	server := install(t).serve(t, environment(project.Services["leadgraph"]))
	if status, answer := ask(t, server.base+"/graphql", `{"query":"{ _service { sdl } }"}`); status != http.StatusOK || !strings.Contains(answer, "@key") {
		t.Errorf("%d %.200s", status, answer)
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
