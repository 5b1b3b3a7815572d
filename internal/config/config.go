// Package config reads leadgraph's settings from flags and environment into one
// struct, checks them together and keeps secrets out of everything printed.
// Nothing else in the program reads the environment.
package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Commands, as Load answers them.
const (
	Serve   = "serve"
	Sandbox = "sandbox"
	Schema  = "schema"
	Check   = "check <files>"
	Examine = "doctor"
	Health  = "healthcheck <url>"
	Version = "version"
)

// Config holds every setting of every command.
type Config struct {
	Serve struct {
		Listen    string    `help:"Address to serve on; port 0 takes a free one." default:"127.0.0.1:8080" group:"Server"`
		Access    Access    `embed:""`
		Documents Documents `embed:""`
		Limits    Limits    `embed:""`
		Edge      Edge      `embed:""`
		Upstream  Upstream  `embed:""`
		Caches    Caches    `embed:""`
		Data      Data      `embed:""`
		Tracing   Tracing   `kong:"-"`
	} `cmd:"" default:"withargs" help:"Serve the GraphQL API. Without --upstream-url it brings its own sandbox platform."`

	Sandbox struct {
		Listen string        `help:"Address to serve on; port 0 takes a free one." default:"127.0.0.1:8090" group:"Server"`
		Data   Data          `embed:""`
		Quirks SandboxQuirks `embed:""`
	} `cmd:"" help:"Run the sandbox, a stand-in Live Platform, alone on a port."`

	Schema  struct{} `cmd:"" help:"Print the GraphQL schema."`
	Version struct{} `cmd:"" help:"Print the version."`
	Check   struct {
		Files    []string `arg:"" help:"Files with the front-end's operations and fragments." type:"path"`
		MaxCalls int      `help:"Most calls to the platform that an operation may need." default:"1200"`
		MaxRows  int      `help:"Most leads that an operation may read." default:"10000"`
		MaxFirst int      `help:"What a number in a variable is taken to be." default:"1000"`
		MaxList  int      `help:"How many values a list in a variable is taken to have." default:"100"`
	} `cmd:"" help:"Print what a front-end's operations can cost at most; fail if one is refused or over the budget."`
	Healthcheck struct {
		URL string `arg:"" help:"What to ask, such as http://127.0.0.1:8080/readyz."`
	} `cmd:"" help:"Ask a running server whether it is ready; for container engines."`

	Doctor Doctor `cmd:"" help:"Probe the configured platform, or else the sandbox; print what it does and the settings to use. Fails if leadgraph cannot be used with it."`

	Log Log `embed:"" prefix:"log-"`
}

// Log says what is logged to standard error.
type Log struct {
	Level  slog.Level `help:"Least level to log: debug, info, warn or error." default:"info" group:"Logging"`
	Format string     `help:"Format of the log: json or text." enum:"json,text" default:"json" group:"Logging"`
}

// Limits bound what one request may cost.
type Limits struct {
	DefaultFirst   int           `help:"Leads on a page that asks for no number." default:"50" group:"Limits"`
	MaxFirst       int           `help:"Most leads on a page, up to 20,000." default:"1000" group:"Limits"`
	MaxBody        int64         `help:"Most bytes of a request body." default:"65536" group:"Limits"`
	MaxTokens      int           `help:"Most tokens of a document." default:"1000" group:"Limits"`
	MaxBatch       int           `help:"Most operations in an array; 0 refuses arrays." default:"0" group:"Limits"`
	MaxDepth       int           `help:"Most fields inside each other." default:"10" group:"Limits"`
	MaxAliases     int           `help:"Most aliases of a document." default:"30" group:"Limits"`
	BudgetCalls    int           `help:"Most calls to the platform that an operation may need, estimated before the first." default:"1200" group:"Limits"`
	RequestTimeout time.Duration `help:"Time for a whole request." default:"10s" group:"Limits"`
	DrainTimeout   time.Duration `help:"Time for running requests to finish when the server stops." default:"10s" group:"Limits"`
	Introspection  bool          `help:"Let clients read the schema; the playground needs it." default:"true" negatable:"" group:"Server"`
	ExposeCost     bool          `help:"Answer what each operation took of the platform in extensions.cost." group:"Server"`
	Projection     bool          `help:"Render answers by compiled projection; without it the generated executor gives the same, slower." default:"true" negatable:"" group:"Server"`
	Playground     bool          `help:"Serve the playground at /." default:"true" negatable:"" group:"Server"`
}

// Upstream says where the Live Platform is and how to speak to it.
type Upstream struct {
	URL              string        `name:"upstream-url" help:"Base URL of the Live Platform, such as https://HOST/tenantui. Empty: the built-in sandbox." group:"Live Platform"`
	Token            Secret        `name:"upstream-token" help:"Bearer token to send, instead of client credentials." group:"Live Platform"`
	TokenFile        string        `name:"upstream-token-file" help:"File that holds the bearer token; it is read again when it changes." type:"path" group:"Live Platform"`
	TokenURL         string        `help:"OAuth 2.0 token endpoint, such as https://login.microsoftonline.com/DIRECTORY/oauth2/v2.0/token." group:"Live Platform"`
	ClientID         string        `help:"Client id of the API app registration." group:"Live Platform"`
	ClientSecret     Secret        `help:"Client secret of the API app registration." group:"Live Platform"`
	ClientSecretFile string        `help:"File that holds the client secret; it is read again when it changes." type:"path" group:"Live Platform"`
	Scope            string        `help:"Scope to ask for: api://APPLICATION/.default." group:"Live Platform"`
	TenantParam      string        `help:"Spelling of the tenant filter's name." default:"msTenantID" group:"Live Platform"`
	FirstPage        int           `help:"Number of the platform's first page, 0 or 1." default:"0" group:"Live Platform"`
	PageSize         int           `help:"Leads on a page of a tenant's lookup or of a walk over all leads." default:"100" group:"Live Platform"`
	MaxPages         int           `help:"Most pages of a walk over all leads." default:"10000" group:"Live Platform"`
	Timeout          time.Duration `name:"upstream-timeout" help:"Time for a read with its retries." default:"10s" group:"Live Platform"`
	AttemptTimeout   time.Duration `name:"upstream-attempt-timeout" help:"Time for one attempt of a read." default:"3s" group:"Live Platform"`
	Retries          int           `name:"upstream-retries" help:"How often a failed read is tried again." default:"2" group:"Live Platform"`
	Concurrency      int           `name:"upstream-concurrency" help:"Most requests under way at a time." default:"64" group:"Live Platform"`
	Rate             int           `name:"upstream-rate" help:"Most requests a second; 0 sets no bound." default:"0" group:"Live Platform"`
	Resilience       Resilience    `embed:""`
}

// Caches say how old an answer may be, and what replicas share.
type Caches struct {
	CatalogueTTL        time.Duration `help:"Age up to which the catalogue of all leads is fresh." default:"1m" group:"Catalogue and caches"`
	CatalogueRevalidate time.Duration `help:"How much longer it is served while it is read anew in the background." default:"5m" group:"Catalogue and caches"`
	CatalogueIfError    time.Duration `help:"Age up to which it is served when the platform fails." default:"1h" group:"Catalogue and caches"`
	CatalogueTimeout    time.Duration `help:"Time for reading all leads." default:"2m" group:"Catalogue and caches"`
	CataloguePageSize   int           `help:"Leads on a page of that reading, up to 20,000." default:"20000" group:"Catalogue and caches"`
	PagesFromCatalogue  bool          `help:"Answer pages of leads from the catalogue only, for a platform whose pages cannot be relied on; leadgraph doctor tells." group:"Catalogue and caches"`
	CatalogueWarm       bool          `help:"Read all leads at the start instead of when they are first needed." group:"Catalogue and caches"`
	LookupTTL           time.Duration `help:"Age up to which a tenant's leads are served again; 0 switches that off." default:"30s" group:"Catalogue and caches"`
	LookupNegativeTTL   time.Duration `help:"Age up to which it is remembered that a tenant has no lead." default:"10s" group:"Catalogue and caches"`
	LookupBytes         int64         `help:"Most bytes of remembered lookups." default:"33554432" group:"Catalogue and caches"`
	FanOut              int           `help:"Lookups of one operation that are read at a time." default:"16" group:"Catalogue and caches"`
	RedisURL            Secret        `help:"Redis or Valkey that replicas share catalogue and lookups through, such as rediss://USER:PASSWORD@HOST:6379/0." group:"Catalogue and caches"`
	RedisURLFile        string        `name:"redis-url-file" help:"File that holds the URL, which may have a password." type:"path" group:"Catalogue and caches"`
	RedisTimeout        time.Duration `help:"Most time that a step with it may take before leadgraph goes on without." default:"50ms" group:"Catalogue and caches"`
	RedisKey            Secret        `help:"Key that what is stored there is encrypted with: 32 bytes in base64." group:"Catalogue and caches"`
	RedisKeyFile        string        `help:"File that holds the key." type:"path" group:"Catalogue and caches"`
}

// Data says what the sandbox holds.
type Data struct {
	Leads int `name:"sandbox-leads" help:"Leads in the sandbox, up to 100,000." default:"2000" group:"Sandbox"`
}

// SandboxQuirks are the documented contradictions a sandbox can show.
type SandboxQuirks struct {
	FirstPage   int           `help:"Number of the first page, 0 or 1." default:"0" group:"Sandbox"`
	Nested      bool          `help:"Answer an array inside an array." group:"Sandbox"`
	Envelope    bool          `help:"Answer an object with a data array." group:"Sandbox"`
	TenantParam string        `help:"Honour only this spelling of the tenant filter's name. Empty: any case." group:"Sandbox"`
	Latency     time.Duration `help:"Time to wait before each answer." default:"0s" group:"Sandbox"`
}

// helpPrinted ends Load after --help was printed.
type helpPrinted struct{}

// Load reads args and the environment, and returns the chosen command. An
// empty command without an error means that help was printed to stdout and
// nothing is left to do. All problems with the settings are reported together.
func Load(args []string, getenv func(string) string, stdout io.Writer) (cfg *Config, command string, err error) {
	cfg = &Config{}
	parser, err := kong.New(cfg,
		kong.Name("leadgraph"),
		kong.Description("A GraphQL API over the AudioCodes Live Platform's Operator Connect leads.\n\n"+
			"Every flag can be set in the environment too: --page-size is LEADGRAPH_PAGE_SIZE."),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { panic(helpPrinted{}) }),
		kong.Resolvers(environment(getenv)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups(groups("Server", "Callers", "Documents", "Live Platform", "Catalogue and caches", "Sandbox", "Limits", "Logging")),
	)
	if err != nil {
		return nil, "", err
	}
	// kong ends the process after --help; a library must not.
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case helpPrinted:
			cfg, command, err = nil, "", nil
		default:
			panic(cause)
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		return nil, "", err
	}
	command = parsed.Command()
	switch command {
	case Examine:
		err = cfg.Doctor.complete()
	case Serve:
		s := &cfg.Serve
		err = errors.Join(s.Upstream.complete(s.Access.Auth == passthrough), s.Limits.check(), s.Edge.check(), s.Caches.complete(), s.Access.complete(), s.Documents.check(),
			checkPassthrough(s.Access, s.Upstream, s.Caches), s.Tracing.complete(getenv))
	}
	return cfg, command, err
}

// groups orders the flags of the help under their headings.
func groups(titles ...string) []kong.Group {
	list := make([]kong.Group, len(titles))
	for i, title := range titles {
		list[i] = kong.Group{Key: title, Title: title + ":"}
	}
	return list
}

// environment resolves a flag that was not given from LEADGRAPH_ and its name.
// kong's own lookup reads the process's environment and cannot be given another.
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		name := "LEADGRAPH_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if value := getenv(name); value != "" {
			return value, nil
		}
		return nil, nil
	})
}

// hasCredentials tells whether leadgraph has a token or could get one.
func (u *Upstream) hasCredentials() bool {
	return u.Token != "" || u.ClientID != "" || u.ClientSecret != ""
}

// complete reads secrets from their files and refuses a platform without
// credentials, unless the callers bring theirs. It names settings and never their
// values.
func (u *Upstream) complete(callersTokens bool) error {
	errs := []error{
		u.Token.readFile("--upstream-token-file", u.TokenFile),
		u.ClientSecret.readFile("--client-secret-file", u.ClientSecretFile),
		u.Resilience.check(),
	}
	if u.URL != "" && u.Token == "" && !callersTokens {
		for _, setting := range []struct{ value, name string }{
			{u.TokenURL, "--token-url"},
			{u.ClientID, "--client-id"},
			{string(u.ClientSecret), "--client-secret or --client-secret-file"},
			{u.Scope, "--scope"},
		} {
			if setting.value == "" {
				errs = append(errs, fmt.Errorf("%s is missing: --upstream-url needs client credentials, or --upstream-token", setting.name))
			}
		}
	}
	return errors.Join(errs...)
}

// largestPage is the most leads that the platform answers in one page [GAL].
const largestPage = 20_000

func upTo(most int, name string, value int) error {
	if value < 1 || value > most {
		return fmt.Errorf("%s must be 1 to %d", name, most)
	}
	return nil
}

func (c *Caches) complete() error {
	errs := []error{
		c.RedisURL.readFile("--redis-url-file", c.RedisURLFile),
		c.RedisKey.readFile("--redis-key-file", c.RedisKeyFile),
		c.RedisKey.checkKey("--redis-key"),
		upTo(largestPage, "--catalogue-page-size", c.CataloguePageSize),
		upTo(1000, "--fan-out", c.FanOut),
	}
	for name, age := range map[string]time.Duration{
		"--catalogue-ttl": c.CatalogueTTL, "--catalogue-revalidate": c.CatalogueRevalidate, "--catalogue-if-error": c.CatalogueIfError,
		"--lookup-ttl": c.LookupTTL, "--lookup-negative-ttl": c.LookupNegativeTTL,
	} {
		if age < 0 {
			errs = append(errs, fmt.Errorf("%s must not be negative", name))
		}
	}
	if c.CatalogueTimeout <= 0 || c.LookupBytes <= 0 || c.RedisTimeout <= 0 {
		errs = append(errs, errors.New("--catalogue-timeout, --lookup-bytes and --redis-timeout must be positive"))
	}
	return errors.Join(errs...)
}

func (l *Limits) check() error {
	errs := []error{
		upTo(largestPage, "--max-first", l.MaxFirst),
		upTo(l.MaxFirst, "--default-first", l.DefaultFirst),
		upTo(1_000_000, "--max-tokens", l.MaxTokens),
	}
	if l.MaxBody < 1 || l.RequestTimeout <= 0 || l.DrainTimeout <= 0 {
		errs = append(errs, errors.New("--max-body, --request-timeout and --drain-timeout must be positive"))
	}
	return errors.Join(errs...)
}
