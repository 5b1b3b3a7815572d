// Command plaingqlgen is the untuned gqlgen server that a tuned one is measured
// against: generated models, encoding/json, dataloader, Go's default settings. It
// sends the bearer token in the variable PLATFORM_TOKEN.
package main

import (
	"flag"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"plaingqlgen/graph"
	"plaingqlgen/upstream"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:4109", "listen address")
	base := flag.String("upstream", "http://127.0.0.1:9900", "REST API")
	wait := flag.Duration("wait", time.Millisecond, "dataloader batch window (the library's own default is 16ms)")
	idle := flag.Int("idle", 2, "idle upstream connections kept (Go's default is 2)")
	flag.Parse()

	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = *idle
	if *idle > t.MaxIdleConns {
		t.MaxIdleConns = *idle
	}
	api := &upstream.Client{Base: *base, Token: os.Getenv("PLATFORM_TOKEN"), HTTP: &http.Client{Timeout: 60 * time.Second, Transport: t}}

	srv := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: &graph.Resolver{API: api}}))
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.Use(extension.Introspection{})
	srv.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](100)})

	mux := http.NewServeMux()
	mux.Handle("/graphql", api.Middleware(*wait, srv))
	log.Fatal(http.ListenAndServe(*addr, mux))
}
