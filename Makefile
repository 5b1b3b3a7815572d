# Targets for developers. `make` lists them.
GO ?= go
LINT = $(GO) tool -modfile=internal/lint/go.mod golangci-lint

.PHONY: help run test check lint generate generate-check web web-check bench bench-go bench-load bench-overload bench-mobs bench-peers bench-stalls bench-entities bench-exports bench-watchers nightly gateway walks fuzz soak soak-short soak-memory watch watch-short deploy-check windows release image

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve the GraphQL API on the built-in sandbox
	$(GO) run .

test: ## run the tests with the race detector
	$(GO) test -race ./...

check: test deploy-check windows lint generate-check ## run what CI runs except its longest tests, with the tools installed here

deploy-check: ## test the Dockerfile, the compose file and the Kubernetes manifests
	$(GO) -C test/deploy test ./...

windows: ## fail if the program does not build for Windows
	GOOS=windows CGO_ENABLED=0 $(GO) build -o /dev/null .

lint: ## run the linters
	$(LINT) run
	cd test/deploy && $(GO) tool -modfile=../../internal/lint/go.mod golangci-lint run --config ../../.golangci.yml

release: ## build programs and archives for every platform into dist/ (needs zip)
	./.ci/release

image: ## build the container image (needs Docker)
	docker build -t leadgraph:latest --build-arg VERSION=$$(git describe --tags --always --dirty) --build-arg REVISION=$$(git rev-parse HEAD) .

generate: ## regenerate the executor from the schema
	$(GO) generate ./...

generate-check: ## fail if generated code is out of date
	./.ci/unchanged $(MAKE) generate

web: ## rebuild the browser assets (needs Node and npm)
	cd web/playground && npm ci --no-audit --no-fund && npm run build

web-check: ## fail if the browser assets are out of date
	./.ci/unchanged $(MAKE) web

bench: bench-go bench-load bench-overload bench-mobs bench-stalls bench-exports bench-watchers ## run all benchmarks

bench-go: ## run the Go benchmarks: decoder, projection, planner, catalogue, loader
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-load: ## compare a plain proxy, the textbook path and the projection under load (3 minutes)
	$(GO) run ./test/bench

bench-overload: ## send up to three times more requests than a server can answer (6 minutes)
	$(GO) run ./test/bench -overload

bench-mobs: ## send requests from up to 2,000 clients that retry what is refused (about 5 minutes)
	$(GO) run ./test/bench -mobs -duration 3s

bench-peers: ## compare with proxies, a textbook gqlgen server and Tailcall (13 minutes; Tailcall needs npm)
	$(GO) run ./test/bench -peers -rounds 5 -duration 1500ms -warm-up 400ms -timeout 20m

bench-stalls: ## refresh a catalogue of 100,000 leads under load, and report how long requests take and how much memory (a minute)
	$(GO) run ./test/bench -stalls -duration 3s

bench-entities: ## compare _entities with nodes (a minute)
	$(GO) test -run '^$$' -bench Entities -benchtime 3s -count 3 ./graph

bench-exports: ## export 100,000 leads, and read them through a proxy (a minute)
	$(GO) run ./test/bench -exports

bench-watchers: ## have 10,000 clients watch, and report what they cost (a minute)
	$(GO) run ./test/bench -watchers

nightly: walks fuzz soak watch soak-memory gateway ## run what takes longer than CI may

gateway: ## join 1,000 accounts to their leads through Hive Gateway (needs npm; its packages are 700 MB)
	npm ci --prefix test/federation --no-audit --no-fund --silent
	npm ci --prefix test/federation/gateway --no-audit --no-fund --silent
	LEADGRAPH_REQUIRE_GATEWAY=1 $(GO) test -count 1 -run 'TestFederation|TestHiveGateway' -v ./internal/app

walks: ## make 10,000 random walks of each kind of list, over HTTP and in the packages that page (about an hour)
	$(GO) test -timeout 6h ./test/walks -walks 10000
	LEADGRAPH_WALKS=10000 $(GO) test -timeout 6h -run Walks ./graph ./graph/pagination ./lead/catalogue

FUZZTIME ?= 3m

fuzz: ## run each fuzz target for three minutes (FUZZTIME=1m for one)
	@set -e; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done

soak: ## run random clients and faults for ten minutes and check every row
	$(GO) run ./test/soak -for 10m

soak-short: ## run the soak for one minute with the race detector, as CI does
	$(GO) run ./test/soak -for 60s -rate 40 -race -margin 2s

watch: ## have 100 clients watch for ten minutes while servers and Redis are restarted and killed
	$(GO) run ./test/watch -for 10m -rate 170 -restarts 20 -kills 5 -outages 2

watch-short: ## the same for less than a minute with the race detector, as CI does
	$(GO) run ./test/watch -for 40s -race -rate 40 -restarts 1 -kills 2 -outages 1

soak-memory: ## fail if the memory that deploy/ gives is not enough for 40,000 leads while everything goes wrong (5 minutes)
	$(GO) run ./test/soak -for 4m -walks 0 -leads 40000 -memory 512 -rate 30 -margin 5s
