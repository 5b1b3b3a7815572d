// Package config reads leadgraph's settings from flags and the environment into
// one struct, checks them together and keeps secrets out of all output. The tags
// of that struct are the only place that states a flag's name and help. A default
// is stated once: as a constant in the package that uses it, or in the tag if
// no package has one. Settings are read nowhere else.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"leadgraph/internal/plaintext"
	"leadgraph/upstream"
)

// The commands that Load returns.
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
		Listen    string    `help:"Address to serve on. Port 0 takes a free port." default:"127.0.0.1:8080" group:"Server"`
		Access    Access    `embed:""`
		Documents Documents `embed:""`
		Limits    Limits    `embed:""`
		Edge      Edge      `embed:""`
		Upstream  Upstream  `embed:""`
		Caches    Caches    `embed:""`
		Data      Data      `embed:""`
		Live      Live      `embed:"" set:"sandbox_live=true"`
		Webhooks  Webhooks  `embed:""`
		Tracing   Tracing   `kong:"-"`
	} `cmd:"" default:"withargs" help:"Serve the GraphQL API. Without --upstream-url it serves the leads of a built-in sandbox."`

	Sandbox struct {
		Listen string        `help:"Address to serve on. Port 0 takes a free port." default:"127.0.0.1:8090" group:"Server"`
		Data   Data          `embed:""`
		Live   Live          `embed:"" set:"sandbox_live=false"`
		Quirks SandboxQuirks `embed:""`
	} `cmd:"" help:"Run only the sandbox, a stand-in for the Live Platform."`

	Schema  struct{} `cmd:"" help:"Print the GraphQL schema."`
	Version struct{} `cmd:"" help:"Print the version."`
	Check   struct {
		Files    []string `arg:"" help:"Files that hold the front-end's operations and fragments." type:"path"`
		MaxCalls int      `help:"Maximum number of calls to the platform that one operation may need." default:"${max_calls}"`
		MaxRows  int      `help:"Maximum number of leads that one operation may read." default:"${max_rows}"`
		MaxFirst int      `help:"Value assumed for Int variables." default:"${max_first}"`
		MaxList  int      `help:"Length assumed for list variables." default:"100"`
	} `cmd:"" help:"Print the maximum cost of each of a front-end's operations. Fails if one is refused or exceeds the budget."`
	Healthcheck struct {
		URL string `arg:"" help:"URL to request, such as http://127.0.0.1:8080/readyz."`
	} `cmd:"" help:"Check whether a running server is ready. Meant for the health checks of container engines."`

	Doctor Doctor `cmd:"" help:"Examine the configured platform (the sandbox if none is configured); print how it behaves and which settings to use. Fails if leadgraph cannot work with it."`

	Log Log `embed:"" prefix:"log-"`
}

// Log configures the log on standard error.
type Log struct {
	Level  slog.Level `help:"Minimum level to log: debug, info, warn or error. The log goes to standard error." default:"info" group:"Logging"`
	File   string     `name:"level-file" help:"File that holds the level. It is read at startup and on SIGHUP; while it is missing or empty, --log-level applies." type:"path" group:"Logging"`
	Format string     `help:"Format of the log: json or text." enum:"json,text" default:"json" group:"Logging"`
}

// Current returns the level that --log-level-file holds now, or else --log-level.
func (l Log) Current() (slog.Level, error) {
	if l.File == "" {
		return l.Level, nil
	}
	text, err := os.ReadFile(l.File)
	name := plaintext.Trimmed(text)
	if errors.Is(err, fs.ErrNotExist) || err == nil && name == "" {
		return l.Level, nil
	}
	level := l.Level
	if err != nil || level.UnmarshalText([]byte(name)) != nil {
		return l.Level, errors.New("--log-level-file must hold debug, info, warn or error")
	}
	return level, nil
}

// Limits bounds what one request may cost and switches optional features on or
// off.
type Limits struct {
	DefaultFirst   int           `help:"Leads on a page when the query gives no number: 1 to --max-first." default:"${default_first}" group:"Limits"`
	MaxFirst       int           `help:"Maximum number of leads on a page: 1 to ${max_page}." default:"${max_first}" group:"Limits"`
	MaxBody        int64         `help:"Maximum size of a request body, in bytes. 0 means ${usual_max_body}, or ${subgraph_max_body} with --federation." default:"0" group:"Limits"`
	MaxTokens      int           `help:"Maximum number of tokens in a document: 1 to ${max_max_tokens}." default:"${max_tokens}" group:"Limits"`
	MaxBatch       int           `help:"Maximum number of operations in one request that sends an array; 0 refuses arrays." default:"0" group:"Limits"`
	MaxDepth       int           `help:"Maximum nesting depth of fields." default:"${max_depth}" group:"Limits"`
	MaxAliases     int           `help:"Maximum number of aliases in a document." default:"${max_aliases}" group:"Limits"`
	BudgetCalls    int           `help:"Maximum number of calls to the platform that one operation may need, as estimated before it runs." default:"${budget_calls}" group:"Limits"`
	RequestTimeout time.Duration `help:"Time for a whole request; must be positive." default:"10s" group:"Limits"`
	DrainTimeout   time.Duration `help:"Time for running requests to finish after --drain-delay when the server stops; must be positive." default:"10s" group:"Limits"`
	Introspection  bool          `help:"Let clients read the schema. The playground needs this." default:"true" negatable:"" group:"Server"`
	ExposeCost     bool          `help:"Report each operation's upstream cost in extensions.cost." group:"Server"`
	Projection     bool          `help:"Render responses with a compiled projection. Without it the generated executor renders the same bytes more slowly." default:"true" negatable:"" group:"Server"`
	Federation     bool          `help:"Be a subgraph of Apollo Federation 2: add _service and _entities to the schema." group:"Server"`
	Playground     bool          `help:"Serve the playground at /." default:"true" negatable:"" group:"Server"`
}

// Upstream configures where the Live Platform is and how it is called.
type Upstream struct {
	URL              string        `name:"upstream-url" help:"Base URL of the Live Platform, such as https://HOST/tenantui. Empty: the built-in sandbox." group:"Live Platform"`
	Token            Secret        `name:"upstream-token" help:"Bearer token to send, instead of client credentials." group:"Live Platform"`
	TokenFile        string        `name:"upstream-token-file" help:"File that holds the bearer token. It is read again when it changes." type:"path" group:"Live Platform"`
	TokenURL         string        `help:"OAuth 2.0 token endpoint, such as https://login.microsoftonline.com/DIRECTORY/oauth2/v2.0/token." group:"Live Platform"`
	ClientID         string        `help:"Client id of the API app registration." group:"Live Platform"`
	ClientSecret     Secret        `help:"Client secret of the API app registration." group:"Live Platform"`
	ClientSecretFile string        `help:"File that holds the client secret. It is read again when it changes." type:"path" group:"Live Platform"`
	Insecure         bool          `name:"insecure-upstream" help:"Allow http:// in --upstream-url and --token-url for another machine. Tokens and leads are then readable on the network." group:"Live Platform"`
	Scope            string        `help:"Scope to request, such as api://APPLICATION/.default." group:"Live Platform"`
	FirstPage        int           `help:"Number of the platform's first page: 0 or 1." default:"0" group:"Live Platform"`
	TenantParam      string        `help:"Spelling of the name of the platform's tenant filter." default:"${tenant_param}" group:"Live Platform"`
	PageSize         int           `help:"Leads on each page that leadgraph doctor reads to measure the platform's speed: 1 to ${max_page}. leadgraph serve reads pages of --catalogue-page-size instead." default:"${page_size}" group:"Live Platform"`
	MaxPages         int           `help:"Maximum number of pages to read when all leads are read; at least 1." default:"${max_pages}" group:"Live Platform"`
	Timeout          time.Duration `name:"upstream-timeout" help:"Time for a read including its retries; must be positive. ${ms_per_lead} ms is added for each lead that the read asks for." default:"${upstream_timeout}" group:"Live Platform"`
	AttemptTimeout   time.Duration `name:"upstream-attempt-timeout" help:"Time for one attempt of a read; must be positive. ${ms_per_lead} ms is added for each lead that the read asks for." default:"${upstream_attempt_timeout}" group:"Live Platform"`
	Retries          int           `name:"upstream-retries" help:"How often a failed read is retried; 0 means never. leadgraph doctor never retries." default:"${upstream_retries}" group:"Live Platform"`
	Concurrency      int           `name:"upstream-concurrency" help:"Maximum number of requests to the platform at a time; at least 1." default:"${upstream_concurrency}" group:"Live Platform"`
	Rate             int           `name:"upstream-rate" help:"Maximum number of requests to the platform per second; 0 means no limit (${doctor_rate} in leadgraph doctor)." default:"0" group:"Live Platform"`
	Resilience       Resilience    `embed:""`
}

// Data configures the data of the sandbox.
type Data struct {
	Leads int `name:"sandbox-leads" help:"Number of leads in the sandbox, up to ${max_sandbox_leads}; 0 means the default." default:"${sandbox_leads}" group:"Sandbox"`
}

// Live configures how the sandbox changes by itself.
type Live struct {
	On       bool          `name:"sandbox-live" help:"Let the leads of the sandbox change by themselves: consents, edits, changes of status and removals." default:"${sandbox_live}" negatable:"" group:"Sandbox"`
	Interval time.Duration `name:"sandbox-live-interval" help:"Time between two changes of the sandbox; must be positive." default:"${sandbox_live_interval}" group:"Sandbox"`
}

// SandboxQuirks selects how the sandbox behaves where the platform's
// documentation contradicts itself.
type SandboxQuirks struct {
	FirstPage   int           `help:"Number of the first page: 0 or 1." default:"0" group:"Sandbox"`
	Nested      bool          `help:"Answer with an array inside an array." group:"Sandbox"`
	Envelope    bool          `help:"Answer with an object that holds the leads in a data array." group:"Sandbox"`
	TenantParam string        `help:"Only accepted spelling of the tenant filter's name. Empty: any mix of upper and lower case." group:"Sandbox"`
	Latency     time.Duration `help:"Delay before each answer." default:"0s" group:"Sandbox"`
}

// helpPrinted is the panic that ends Load after --help was printed.
type helpPrinted struct{}

// Load reads args and the environment and returns the settings and the chosen
// command. If help was printed to stdout, both the command and the error are
// empty and the program should end. All problems with the settings are reported
// together.
func Load(args []string, getenv func(string) string, stdout io.Writer) (cfg *Config, command string, err error) {
	cfg = &Config{}
	parser, err := kong.New(cfg, bounds,
		kong.Name("leadgraph"),
		kong.Description("A GraphQL API over the AudioCodes Live Platform's Operator Connect leads.\n\n"+
			"Every flag can also be set in the environment: --page-size is LEADGRAPH_PAGE_SIZE."),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { panic(helpPrinted{}) }),
		kong.Resolvers(environment(getenv)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups(groups("Server", "Callers", "Documents", "Live Platform", "Catalogue and caches", "Webhooks", "Sandbox", "Limits", "Logging")),
	)
	if err != nil {
		return nil, "", err
	}
	// kong ends the process after --help, which a library must not do.
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
	case Sandbox:
		err = errors.Join(checkListen("--listen", cfg.Sandbox.Listen), cfg.Sandbox.Data.check(), cfg.Sandbox.Live.check())
	case Serve:
		s := &cfg.Serve
		err = errors.Join(checkListeners(s.Listen, s.Edge.AdminListen),
			s.Upstream.complete(s.Access.Auth == passthrough), s.Limits.complete(), s.Edge.check(), s.Caches.complete(), s.Access.complete(), s.Documents.check(),
			s.Webhooks.complete(), checkPassthrough(s.Access, s.Upstream, s.Caches, s.Webhooks), s.Data.check(), s.Live.check())
		s.Tracing.complete(getenv)
	}
	return cfg, command, err
}

// groups returns the headings of the help in their order.
func groups(titles ...string) []kong.Group {
	list := make([]kong.Group, len(titles))
	for i, title := range titles {
		list[i] = kong.Group{Key: title, Title: title + ":"}
	}
	return list
}

// environment sets flags that are not on the command line from the variables
// named LEADGRAPH_ and the flag's name. kong's own lookup always reads the
// environment of the process.
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		name := "LEADGRAPH_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		// Secrets often arrive with a newline at the end, in variables as in files.
		if value := plaintext.Trimmed([]byte(getenv(name))); value != "" {
			return value, nil
		}
		return nil, nil
	})
}

// hasCredentials tells whether the settings contain a token or credentials to
// get one with.
func (u *Upstream) hasCredentials() bool {
	return u.Token != "" || u.ClientID != "" || u.ClientSecret != ""
}

// complete reads secrets from their files and refuses a platform without
// credentials, unless the callers' tokens are sent. Its errors name settings but
// never their values.
func (u *Upstream) complete(callersTokens bool) error {
	errs := []error{
		u.checkAccess(),
		u.Token.readFile("--upstream-token-file", u.TokenFile),
		u.ClientSecret.readFile("--client-secret-file", u.ClientSecretFile),
		u.checkSecrets(),
		u.checkSizes(),
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
				errs = append(errs, fmt.Errorf("%s is missing: --upstream-url needs client credentials or --upstream-token", setting.name))
			}
		}
	}
	return errors.Join(errs...)
}

// oneTo checks that the value of a flag is between 1 and most.
func oneTo(most int, flag string, value int) error {
	if value < 1 || value > most {
		return fmt.Errorf("%s must be between 1 and %d", flag, most)
	}
	return nil
}

// complete checks the limits and sets the default of --max-body.
func (l *Limits) complete() error {
	if l.MaxBody == 0 {
		if l.MaxBody = maxBody; l.Federation {
			l.MaxBody = subgraphMaxBody
		}
	}
	page := oneTo(upstream.MaxPageSize, "--max-first", l.MaxFirst)
	if page == nil {
		page = oneTo(l.MaxFirst, "--default-first", l.DefaultFirst)
	}
	errs := []error{page, oneTo(maxTokens, "--max-tokens", l.MaxTokens)}
	if l.MaxDepth < 1 || l.MaxAliases < 1 || l.BudgetCalls < 1 {
		errs = append(errs, errors.New("--max-depth, --max-aliases and --budget-calls must be positive"))
	}
	if l.MaxBatch < 0 {
		errs = append(errs, errors.New("--max-batch must not be negative"))
	}
	if l.MaxBody < 1 || l.RequestTimeout <= 0 || l.DrainTimeout <= 0 {
		errs = append(errs, errors.New("--max-body, --request-timeout and --drain-timeout must be positive"))
	}
	return errors.Join(errs...)
}
