// Package peers prepares and starts the servers of other makers that leadgraph is
// compared with. Their sources are in folders of this package, which belong to no Go
// module or to one of their own. They are built and installed in copies outside of the
// repository, which are kept for later runs.
package peers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"leadgraph/test/bench/process"
)

const (
	prepareTime = 4 * time.Minute // to install or build one peer
	// tokenVariable is where the peers find the bearer token for the platform.
	tokenVariable = "PLATFORM_TOKEN"
	doneFile      = ".prepared"
)

// Peers are the peers in their copies.
type Peers struct {
	gqlgen, tailcall string // folders
}

// New returns the peers. Copies of their sources are in the folder cache.
func New(ctx context.Context, cache string) (*Peers, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "leadgraph").Output()
	if err != nil {
		return nil, fmt.Errorf("find the sources of the peers: %w", err)
	}
	sources := filepath.Join(strings.TrimSpace(string(root)), "test", "bench", "peers")
	p := &Peers{}
	for name, folder := range map[string]*string{"plain-gqlgen": &p.gqlgen, "tailcall": &p.tailcall} {
		if *folder, err = duplicate(filepath.Join(sources, name), cache); err != nil {
			return nil, fmt.Errorf("copy the sources of %s: %w", name, err)
		}
	}
	return p, nil
}

// duplicate copies a folder into the cache and returns the copy. Its name depends on
// what is in the folder, so that a change makes another copy.
func duplicate(source, cache string) (string, error) {
	files, sum := os.DirFS(source), sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		_, _ = fmt.Fprintf(sum, "%s %d %s", name, len(text), text) // writing to a hash does not fail
		return err
	})
	if err != nil {
		return "", err
	}
	to := filepath.Join(cache, filepath.Base(source)+"-"+hex.EncodeToString(sum.Sum(nil))[:12])
	if _, err := os.Stat(filepath.Join(to, doneFile)); err == nil {
		return to, nil
	}
	if err := os.RemoveAll(to); err != nil { // a run before this one did not end
		return "", err
	}
	return to, os.CopyFS(to, files)
}

// prepare runs commands in a copy, unless they have succeeded there before.
func prepare(ctx context.Context, folder string, commands ...[]string) error {
	done := filepath.Join(folder, doneFile)
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	for _, command := range commands {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir, cmd.WaitDelay = folder, time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return os.WriteFile(done, nil, 0o644)
}

// BuildGqlgen generates and builds the textbook server.
func (p *Peers) BuildGqlgen(ctx context.Context) error {
	return prepare(ctx, p.gqlgen, []string{"go", "tool", "gqlgen", "generate"}, []string{"go", "build", "-o", "server", "."})
}

// InstallTailcall installs Tailcall, which needs the network.
func (p *Peers) InstallTailcall(ctx context.Context) error {
	return prepare(ctx, p.tailcall, []string{"./install.sh"})
}

// StartGqlgen starts the textbook server over the platform at a URL.
func (p *Peers) StartGqlgen(ctx context.Context, l *process.Launcher, platform, token string) (*process.Process, error) {
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	address := process.Address(port)
	return l.Start(ctx, process.Child{
		Path: filepath.Join(p.gqlgen, "server"), Server: true, Serves: address, Env: []string{tokenVariable + "=" + token},
		// With Go's default of two idle connections, it would mostly connect.
		Args: []string{"-addr", strings.TrimPrefix(address, "http://"), "-upstream", platform, "-idle", "2048"},
	})
}

// StartTailcall starts Tailcall over the platform at a URL.
func (p *Peers) StartTailcall(ctx context.Context, l *process.Launcher, platform, token string) (*process.Process, error) {
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	config, err := os.ReadFile(filepath.Join(p.tailcall, "config.graphql"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(l.Dir, "tailcall.graphql")
	if err := os.WriteFile(path, []byte(placed(string(config), port, platform)), 0o600); err != nil {
		return nil, err
	}
	return l.Start(ctx, process.Child{
		Path: filepath.Join(p.tailcall, "run.sh"), Args: []string{path}, Server: true, Serves: process.Address(port),
		Env: []string{tokenVariable + "=" + token},
	})
}

// placed returns Tailcall's configuration for a port and a platform.
func placed(config string, port int, platform string) string {
	return strings.NewReplacer("port: 4101", fmt.Sprint("port: ", port), "http://127.0.0.1:9900", platform).Replace(config)
}
