package app_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"leadgraph/internal/apptest"
	"leadgraph/web"
)

var screenshot = flag.String("screenshot", "", "with -run TestPlayground: file that gets a picture of the playground (PNG)")

// Places in GraphiQL's page.
const (
	queryEditor   = chromedp.CSS(".graphiql-query-editor .view-lines")
	resultEditor  = chromedp.CSS(".result-window .view-lines")
	executeButton = chromedp.CSS(".graphiql-execute-button")
	headersTab    = chromedp.CSS(`button[data-name="headers"]`)
	headersInput  = chromedp.CSS(`section[aria-label="Headers"] .graphiql-editor:not(.hidden) textarea`)
	docsButton    = chromedp.CSS(`button[aria-label="Show Documentation Explorer"]`)
	docsPanel     = chromedp.CSS(".graphiql-doc-explorer")
	tabButtons    = chromedp.CSSAll(".graphiql-tab-button")
)

// TestPlayground starts the whole program and uses its playground in a real browser
// as a new user does.
func TestPlayground(t *testing.T) {
	t.Parallel()
	browser := findChromium(t)
	address := apptest.Serve(t, run).URL("playground:")
	ctx, seen := openBrowser(t, browser)

	do(ctx, t, "open the page", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(address))
	checkTabs(ctx, t)

	do(ctx, t, "run the first example", chromedp.Click(executeButton), chromedp.WaitVisible(textIn("result-window", "SIPTest")))
	if *screenshot != "" {
		takeScreenshot(ctx, t, *screenshot)
	}
	do(ctx, t, "open the documentation", chromedp.Click(docsButton), chromedp.WaitVisible(docsLink("Query")))
	do(ctx, t, "read about Query", chromedp.Click(docsLink("Query")), chromedp.WaitVisible(docsLink("leadsByTenantIds")))

	sendHeader(ctx, t, "Authorization", "Bearer canary-secret")
	checkStorage(ctx, t, "canary-secret", "OneLead")
	do(ctx, t, "reload", chromedp.Reload(), chromedp.WaitVisible(queryEditor), chromedp.WaitVisible(docsPanel))
	checkStorage(ctx, t, "canary-secret", "OneLead")

	seen.check(t, address)
}

// TestPlaygroundShowsChanges runs the subscription among the examples until a change has
// arrived, then reads the same events as a page without GraphiQL does.
func TestPlaygroundShowsChanges(t *testing.T) {
	t.Parallel()
	browser := findChromium(t)
	address := apptest.Serve(t, run, "--sandbox-live", "--sandbox-live-interval", "2s", "--changes-interval", "200ms").URL("playground:")
	ctx, seen := openBrowser(t, browser)
	tab := chromedp.Search(`//button[contains(@class, "graphiql-tab-button")][contains(., "Changes")]`)
	do(ctx, t, "open the page", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(address))
	checkTabs(ctx, t) // before, a click on a tab may be lost
	do(ctx, t, "open the example", chromedp.Click(tab), chromedp.WaitVisible(textIn("graphiql-query-editor", "subscription")))
	execute(ctx, t, seen, "observedAt")
	const events = `new Promise((resolve) => {
		const events = new EventSource('/graphql?query=' + encodeURIComponent('subscription { leadChanges { cursor } }'));
		events.addEventListener('next', ({ data, lastEventId }) => {
			events.close();
			resolve(String(JSON.parse(data).data.leadChanges.cursor === lastEventId));
		});
	})`
	identified, err := chromedp.Run(ctx, chromedp.Evaluate[string](events, chromedp.EvalAwaitPromise))
	if err != nil || identified != "true" {
		t.Errorf("the event's id is the cursor: %s, %v", identified, err)
	}
	seen.check(t, address)
}

func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("LEADGRAPH_REQUIRE_BROWSER") == "1" {
		t.Fatal("no Chromium in PATH, and LEADGRAPH_REQUIRE_BROWSER is 1")
	}
	t.Skip("no Chromium in PATH")
	return ""
}

// openBrowser starts Chromium with an empty profile and without name resolution. It
// records the requests and the errors of the page.
func openBrowser(t *testing.T, path string) (context.Context, *observations) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	)
	// The browser outlives the test's context so that it can be closed in order.
	parent, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	parent, cancelAllocator := chromedp.NewExecAllocator(parent, options...)
	seen := &observations{}
	ctx, _ := chromedp.NewContext(parent, chromedp.WithListener(seen.note))
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		cancelAllocator()
		cancel()
	})
	return ctx, seen
}

func do(ctx context.Context, t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// execute runs the example of a tab and waits for a text in its results. Soon after the tab
// was opened GraphiQL still sends the name of the operation in the tab before, which is
// refused: the example is run again then.
func execute(ctx context.Context, t *testing.T, seen *observations, want string) {
	t.Helper()
	const refused = "GRAPHQL_VALIDATION_FAILED"
	either := chromedp.Search(fmt.Sprintf(`//*[contains(@class, "result-window")]//*[contains(text(), %q) or contains(text(), %q)]`, want, refused))
	for range 20 {
		do(ctx, t, "execute", chromedp.Click(executeButton), chromedp.WaitVisible(either))
		text, err := chromedp.Run(ctx, chromedp.Text(".result-window"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, refused) {
			return
		}
		seen.forget("400 (Bad Request)")
	}
	t.Fatalf("no %s", want)
}

// textIn finds the elements that contain the text themselves, inside an element of
// the class.
func textIn(class, text string) chromedp.Search {
	return chromedp.Search(fmt.Sprintf(`//*[contains(@class, %q)]//*[contains(text(), %q)]`, class, text))
}

// docsLink finds the name of a type or field in the documentation explorer.
func docsLink(name string) chromedp.Search {
	return chromedp.Search(fmt.Sprintf(`//*[contains(@class, "graphiql-doc-explorer")]//a[text()=%q]`, name))
}

func checkTabs(ctx context.Context, t *testing.T) {
	t.Helper()
	examples, err := fs.Glob(web.Examples, "playground/examples/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	do(ctx, t, "wait for the editors", chromedp.WaitVisible(queryEditor), chromedp.WaitReady(resultEditor))
	if title, err := chromedp.Run(ctx, chromedp.Title()); err != nil || title != "leadgraph" {
		t.Errorf("title = %q, %v", title, err)
	}
	tabs, err := chromedp.Run(ctx, chromedp.Nodes(tabButtons))
	if err != nil || len(tabs) != len(examples) {
		t.Errorf("%d tabs, %v; want one for each of %d examples", len(tabs), err, len(examples))
	}
}

// sendHeader types a request header into GraphiQL and runs the query with it.
func sendHeader(ctx context.Context, t *testing.T, name, value string) {
	t.Helper()
	text := fmt.Sprintf(`{%q: %q}`, name, value)
	word := value[strings.LastIndexByte(value, ' ')+1:] // the editor shows spaces as another character
	insert := chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
		_, err := cdp.Call(ctx, page, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
	do(ctx, t, "type a header", chromedp.Click(headersTab), chromedp.Focus(headersInput), insert,
		chromedp.WaitVisible(textIn("graphiql-editor-tool", word)))

	hasHeader := func(e network.EventRequestWillBeSent) bool {
		return e.Request.Headers[name] == value
	}
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(network.RequestWillBeSent, hasHeader, chromedp.Click(executeButton))); err != nil {
		t.Fatalf("wait for a request with the header: %v", err)
	}
}

// checkStorage fails if the page has stored one of the words in the browser.
// GraphiQL writes half a second after the last key press. The script sets its timer
// later and waits longer, so it fires after the write.
func checkStorage(ctx context.Context, t *testing.T, words ...string) {
	t.Helper()
	const dump = `(async () => {
		await new Promise((resolve) => setTimeout(resolve, 1500));
		return JSON.stringify({
			local: { ...localStorage },
			session: { ...sessionStorage },
			databases: await indexedDB.databases(),
			caches: await caches.keys(),
		});
	})()`
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](dump, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("read the storage: %v", err)
	}
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("browser storage holds %q: %s", word, text)
		}
	}
	var kept struct{ Session, Databases, Caches json.RawMessage }
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s %s %s", kept.Session, kept.Databases, kept.Caches); got != "{} [] []" {
		t.Errorf("session storage, databases and caches = %s, want none", got)
	}
	cookies, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil || len(cookies.Cookies) != 0 {
		t.Errorf("%d cookies, %v; want none", len(cookies.Cookies), err)
	}
}

func takeScreenshot(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// observations holds what a page did. The goroutine that reads from the browser
// calls note.
type observations struct {
	mu         sync.Mutex
	requests   []string
	complaints []string
}

func (o *observations) note(event any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		o.requests = append(o.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		o.complaints = append(o.complaints, fmt.Sprintf("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "assert" {
			o.complaints = append(o.complaints, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
		}
	case *log.EventEntryAdded: // includes violations of the Content-Security-Policy
		if e.Entry.Level == "error" {
			o.complaints = append(o.complaints, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

// forget removes the complaints with a text.
func (o *observations) forget(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.complaints = slices.DeleteFunc(o.complaints, func(c string) bool { return strings.Contains(c, text) })
}

// check fails on a request to another origin and on any error.
func (o *observations) check(t *testing.T, address string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	own, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.requests) == 0 {
		t.Error("no request was seen")
	}
	for _, request := range o.requests {
		if to, err := url.Parse(request); err != nil || to.Scheme != own.Scheme || to.Host != own.Host {
			t.Errorf("request to another origin: %s", request)
		}
	}
	for _, complaint := range o.complaints {
		t.Error(complaint)
	}
}
