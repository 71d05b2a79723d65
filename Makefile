# SPDX-License-Identifier: Apache-2.0
#
# What there is to do with this repository: `make` lists it. Running the service needs Go and nothing else; working on it
# needs git, make and bash as well, `make race` a C compiler, `make test` and `make screenshots` npm and Chromium, `make lint` npm and a
# Node.js from 20.19 on. Tools are installed into .bin and .cache, at the versions below.

.DEFAULT_GOAL := help

INPUTS ?= 100000
RELEASED := api/last-release.binpb

##@ Use it

.PHONY: run
run: build ## run the service, on the embedded database
	@exec bin/aeroplane-authz serve

.PHONY: build
build: ## build bin/aeroplane-authz, one static binary
	CGO_ENABLED=0 go build -trimpath -o bin/aeroplane-authz ./cmd/aeroplane-authz

##@ Test it

# A test that finds no Postgres, no Redis or no browser is skipped; with this variable it fails.
export AEROPLANE_AUTHZ_TEST_REQUIRE := 1

.PHONY: test
test: postgres redis proxies browser .bin/grpcurl ## run all tests, on the embedded database and on real Postgres, Redis, proxies and a browser of their own
	go test -timeout 20m $$(go list ./... | grep -vE '/($(BROWSED))$$')
	go test -timeout 20m -p 1 $$(go list ./... | grep -E '/($(BROWSED))$$')

# Tests in a browser take all of a machine, and come last, by themselves: others of what a replica does in time would fail beside them.
BROWSED := internal/(browsertest|console)

NOT_RACED ?= cmd/aeroplane-authz|internal/(readmetest|testservers|browsertest|console|housetest)|conformance|bench

.PHONY: race
race: postgres redis ## run the tests under the race detector, but those of bulk, and of other programs than ours
	CGO_ENABLED=1 go test -race -short -timeout 20m $$(go list ./... | grep -vE '/($(NOT_RACED))$$')

.PHONY: fuzz
fuzz: ## run each fuzz target for INPUTS (100000)
	scripts/fuzz $(INPUTS)

SEEDS ?= 1000

.PHONY: sim
sim: ## simulate fleets in trouble, SEEDS (1000) of them, each a few milliseconds; needs no Postgres
	go test -tags sim -timeout 60m ./internal/fence/simulation -v -sim.seeds $(SEEDS)

.PHONY: mutants
mutants: postgres ## take away one guard of the revocation protocol after the other, and see the simulation or tests fail
	go run ./internal/fence/mutants

.PHONY: models
models: ## check the models of the revocation protocol, and that each guard in them is needed
	scripts/models small

FAULTS ?= all
FAULTTIME ?= 3s
LEAST ?= 0
SLACK ?= 500ms
LEASE ?= 1s
# The program is built with hooks for faults, and waits longer for Redis, so that more of what Redis has is put to the test. With
# SHIPPED=1 it is the one that is shipped, and what takes hooks is left out.
SHIPPED ?=
TABLE ?= torture.md

.PHONY: torture
torture: postgres redis $(if $(SHIPPED),build) ## real replicas under every fault of FAULTS (all), each for FAULTTIME (3s), and the judgement of what they answered
	go test ./internal/torture -run TestTorture -v -timeout 3h -faults $(FAULTS) -duration $(FAULTTIME) -least $(LEAST) -slack $(SLACK) -lease $(LEASE) -markdown "$(CURDIR)/$(TABLE)" $(if $(SHIPPED),-binary "$(CURDIR)/bin/aeroplane-authz" -hooks=false)

.PHONY: verify
verify: ## models, simulation, mutants and torture at full size, with half an hour of everything at once: an hour and a half
	scripts/models full
	$(MAKE) sim SEEDS=50000
	$(MAKE) mutants
	$(MAKE) torture FAULTTIME=30s LEAST=1000000
	$(MAKE) torture FAULTS=F30 FAULTTIME=5m TABLE=torture-f30.md

MEASURE ?=

.PHONY: bench
bench: postgres redis .bin/openfga ## measure what decisions cost, beside empty servers of the same shape
	go run ./bench $(MEASURE)

BASE ?=

.PHONY: bench-compare
bench-compare: .bin/benchstat ## print what the hot path takes beside what it took at the commit BASE (where main was left, or a day before)
	scripts/bench-compare $(BASE)

.PHONY: postgres
postgres:
	scripts/install-postgres

.PHONY: redis
redis:
	scripts/install-server redis-server

.PHONY: proxies
proxies: .bin/caddy
	scripts/install-server nginx
	scripts/install-server haproxy

.PHONY: browser
browser: .bin/axe.min.js
	scripts/install-server chromium

##@ Check it

.PHONY: lint
lint: .bin/staticcheck .bin/buf .cache/redocly ## vet, staticcheck, formatting, go.mod, and the style of the contract and of the API's document
	@files=$$(gofmt -l .) || exit; if [ -n "$$files" ]; then echo "gofmt would change:" $$files; exit 1; fi
	go vet ./...
	go vet -tags sim ./internal/fence/...
	go vet -tags torture ./internal/fence ./cmd/...
	.bin/staticcheck ./...
	.bin/staticcheck -tags sim ./internal/fence/...
	.bin/staticcheck -tags torture ./internal/fence ./cmd/...
	go mod tidy -diff
	.bin/buf lint
	.bin/buf format --diff --exit-code
	scripts/lint-openapi

.PHONY: breaking
breaking: .bin/buf ## refuse what breaks callers of the last release
	.bin/buf breaking --against $(RELEASED)

.PHONY: compose-check
compose-check: ## check Dockerfile, docker-compose.yml, envoy.yaml and traefik.yaml as far as that goes without the programs
	go -C deploy/check vet .
	go -C deploy/check run . -dockerfile ../../Dockerfile -compose ../../docker-compose.yml -envoy ../envoy/envoy.yaml -traefik ../traefik/traefik.yaml

.PHONY: docker
docker: compose-check ## build the image; needs a Docker engine
	docker build --tag aeroplane-authz:local .

.PHONY: vuln
vuln: .bin/govulncheck ## look for known vulnerabilities in what is used; asks vuln.go.dev
	.bin/govulncheck ./...

##@ Change it

.PHONY: generate
generate: .bin/buf .bin/protoc-gen-go .bin/protoc-gen-go-grpc .bin/protoc-gen-grpc-gateway .bin/protoc-gen-openapiv3 ## make what is made from other files: gen/, openapi.json, and tables in docs/
	.bin/buf generate
	go generate ./...

.PHONY: screenshots
screenshots: browser ## make the pictures of the API Access page anew, in docs/images
	go test ./internal/console -run TestScreenshots -count 1 -screenshots "$(CURDIR)/docs/images"

.PHONY: check-generate
check-generate: ## fail if generate changes a file
	scripts/check-generate

.PHONY: release-image
release-image: .bin/buf ## keep the contract as that of the last release, for `make breaking`
	.bin/buf build --exclude-source-info --output $(RELEASED)

##@ Tools

TOOLS := .bin/buf .bin/protoc-gen-go .bin/protoc-gen-go-grpc .bin/protoc-gen-grpc-gateway .bin/protoc-gen-openapiv3 \
	.bin/staticcheck .bin/grpcurl .bin/govulncheck .bin/benchstat

.bin/buf:                     package := github.com/bufbuild/buf/cmd/buf v1.75.0
.bin/protoc-gen-go:           package := google.golang.org/protobuf/cmd/protoc-gen-go v1.36.12
.bin/protoc-gen-go-grpc:      package := google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.2
.bin/protoc-gen-grpc-gateway: package := github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway v2.33.0
.bin/protoc-gen-openapiv3:    package := github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv3 v2.33.0
.bin/staticcheck:             package := honnef.co/go/tools/cmd/staticcheck v0.8.2
.bin/grpcurl:                 package := github.com/fullstorydev/grpcurl/cmd/grpcurl v1.9.4
.bin/govulncheck:             package := golang.org/x/vuln/cmd/govulncheck v1.9.0
.bin/benchstat:               package := golang.org/x/perf/cmd/benchstat v0.0.0-20260908200009-22c9c6c9d4da

# No tools of ours: a proxy that tests run our configuration in, and what `make bench` compares with. To build one takes a minute or more.
.bin/caddy:              package := github.com/caddyserver/caddy/v2/cmd/caddy v2.11.9
.bin/openfga:            package := github.com/openfga/openfga/cmd/openfga v1.22.1

# Packages of npm, each with the digest that it is known by: what examines pages for accessibility, and what reads the API's document,
# with the versions of Node.js from which on it runs.
.bin/axe.min.js:         package := axe-core 4.14.1 sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==
.cache/redocly:          package := @redocly/cli 2.77.0 sha512-XUa4hURDWLPG9WukIXo+UBqa9VpeTndmLI5PHu9QDkwtwH990Jsgz9nl2m1pZjsWrKFPP7avn6etRxxDbuD2Bg==
.cache/redocly:          node := 20.19 22.12

.PHONY: .bin/axe.min.js
.bin/axe.min.js:
	@scripts/install-npm-package $(package) .cache/axe-core
	@mkdir -p .bin
	@cmp -s .cache/axe-core/axe.min.js $@ || cp .cache/axe-core/axe.min.js $@

.PHONY: .cache/redocly
.cache/redocly:
	@scripts/install-npm-package $(package) $@ $(node)

# Phony, so that the script decides: a change of a version above must reinstall.
.PHONY: $(TOOLS) .bin/caddy .bin/openfga
$(TOOLS) .bin/caddy .bin/openfga:
	@scripts/install-tool $(package)

.PHONY: tools
tools: $(TOOLS) ## install all tools into .bin

.PHONY: help
help: ## show this list
	@awk '/^##@/ { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { split($$0, part, /:.*## /); printf "  make %-15s %s\n", part[1], part[2] }' Makefile
