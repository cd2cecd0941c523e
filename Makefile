# Everything a newcomer needs: make demo, make test. The rest is for those who change things.
GO      ?= go
BIN     := bin/cipp-mcp
VERSION := 0.1.0
LDFLAGS := -s -w -X main.version=$(VERSION)
LINT    := $(shell command -v golangci-lint 2>/dev/null || echo $(shell $(GO) env GOPATH)/bin/golangci-lint)

.PHONY: build demo test check format vet lint race mutations cross wirecheck suites eval-bec bench docs snapshots fuzz clean

build: ## bin/cipp-mcp
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/cipp-mcp

demo: build ## the main job from end to end, on the built-in sandbox
	./$(BIN) demo

test: ## all tests
	$(GO) test -timeout 30m ./...

check: format vet lint race mutations cross suites wirecheck ## everything that has to hold before a change lands
	@echo "check: all passed"

format:
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not gofmt-ed:"; echo "$$out"; exit 1; }
	$(GO) mod tidy -diff

vet:
	$(GO) vet ./...

lint:
	@[ -x "$(LINT)" ] || { echo "golangci-lint v2 is missing: $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0"; exit 1; }
	$(LINT) run ./...

race: ## all tests under the race detector, with every exchange recorded
	@rm -rf build/wire && mkdir -p build/wire
	CIPP_TEST_RECORD=$(CURDIR)/build/wire $(GO) test -race -count=1 -timeout 45m ./...

mutations: ## what must not be broken in the job ledger is broken, and the tests have to find it
	$(GO) test -tags mutations -count=1 -run '^TestMutationsAreFound$$' ./internal/jobs

cross: ## the binary for Windows and macOS
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) build -o build/cipp-mcp.exe ./cmd/cipp-mcp
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o build/cipp-mcp-darwin ./cmd/cipp-mcp

wirecheck: build ## the recordings of demo and tests against Microsoft's published contract
	@mkdir -p build/wire
	./$(BIN) demo --record build/wire/demo.jsonl > build/demo.txt || { cat build/demo.txt; exit 1; }
	@tail -1 build/demo.txt
	$(GO) run ./evals/bec -record build/wire > build/evals.txt || { cat build/evals.txt; exit 1; }
	@tail -1 build/evals.txt
	@if [ -x ../shared/contract/wirecheck ]; then ../shared/contract/wirecheck --min-ops 60 build/wire/*.jsonl; \
	else echo "wirecheck: skipped, ../shared/contract is not here"; fi

suites: build ## clients and suites written by others
	test/suites/run.sh

eval-bec: build ## the worked cases of business email compromise, each also disguised and with its sources taken away
	$(GO) run ./evals/bec

bench: build ## figures, as ratios in one run
	$(GO) run ./bench

docs: build ## generate docs/tools.md and the README's table
	./$(BIN) tools docs > docs/tools.md
	$(GO) test ./internal/mcpserver -run 'TestReadmeTable' -update
	$(GO) test ./cmd/cipp-mcp -run 'TestEveryCapabilityIsListed' -update

snapshots: ## accept changed tool schemas: a decision
	$(GO) test ./internal/mcpserver -run 'TestSchemaSnapshots|TestTokenBudget' -update

fuzz: ## every fuzz target for a while (the first run compiles the Graph SDK once more, instrumented: minutes)
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; $(GO) test $$p -run '^$$' -fuzz "^$$f\$$" -fuzztime 20s || exit 1; done; done

clean:
	rm -rf bin build
