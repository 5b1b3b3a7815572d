# Developer's targets; `make` lists them.
GO ?= go
LINT = $(GO) tool -modfile=internal/lint/go.mod golangci-lint

.PHONY: help run test check lint generate generate-check web web-check bench bench-go bench-load bench-overload soak soak-short deploy-check windows release image

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve the GraphQL API on the built-in sandbox
	$(GO) run .

test: ## run the tests with the race detector
	$(GO) test -race ./...

check: test deploy-check windows lint generate-check ## what CI runs but for its longest tests, on what is installed here

deploy-check: ## test the Dockerfile, the compose file and the Kubernetes manifests
	$(GO) -C test/deploy test ./...

windows: ## fail if the program does not build for Windows, the least like the others
	GOOS=windows CGO_ENABLED=0 $(GO) build -o /dev/null .

lint: ## lint
	$(LINT) run
	cd test/deploy && $(GO) tool -modfile=../../internal/lint/go.mod golangci-lint run --config ../../.golangci.yml

release: ## build the programs and archives of every platform into dist/ (needs zip)
	./.ci/release

image: ## build the container image (needs Docker)
	docker build -t leadgraph:latest --build-arg VERSION=$$(git describe --tags --always --dirty) --build-arg REVISION=$$(git rev-parse HEAD) .

generate: ## regenerate the executor from the schema
	$(GO) generate ./...

generate-check: ## fail if regenerating makes a difference
	./.ci/unchanged $(MAKE) generate

web: ## rebuild the browser assets (needs Node and npm)
	cd web/playground && npm ci --no-audit --no-fund && npm run build

web-check: ## fail if rebuilding the browser assets makes a difference
	./.ci/unchanged $(MAKE) web

bench: bench-go bench-load bench-overload ## run all benchmarks

bench-go: ## run the Go benchmarks: decoder, projection, planner, catalogue, loader
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-load: ## load servers: a plain proxy, the textbook path and the projection (3 minutes)
	$(GO) run ./test/bench

bench-overload: ## ask up to three times as much of a server as it can give (6 minutes)
	$(GO) run ./test/bench -overload

soak: ## ten minutes of clients and faults at random, every row checked
	$(GO) run ./test/soak -for 10m

soak-short: ## a minute of that, with the race detector, as CI does
	$(GO) run ./test/soak -for 60s -rate 40 -race -margin 2s
