# Developer's targets; `make` lists them.
GO ?= go
LINT = $(GO) tool -modfile=internal/lint/go.mod golangci-lint

.PHONY: help run test check lint generate generate-check web web-check bench bench-go bench-load

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve the GraphQL API on the built-in sandbox
	$(GO) run .

test: ## run the tests with the race detector
	$(GO) test -race ./...

check: test lint generate-check ## all that CI runs, on what is installed here

lint: ## lint
	$(LINT) run

generate: ## regenerate the executor from the schema
	$(GO) generate ./...

generate-check: ## fail if regenerating makes a difference
	./.ci/unchanged $(MAKE) generate

web: ## rebuild the browser assets (needs Node and npm)
	cd web/playground && npm ci --no-audit --no-fund && npm run build

web-check: ## fail if rebuilding the browser assets makes a difference
	./.ci/unchanged $(MAKE) web

bench: bench-go bench-load ## run all benchmarks

bench-go: ## run the Go benchmarks: decoder, projection, planner, catalogue, loader
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-load: ## load servers: a plain proxy, the textbook path and the projection (3 minutes)
	$(GO) run ./internal/bench
