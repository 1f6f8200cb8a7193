# Every target works in a fresh clone with Go 1.26 and nothing else installed, but for
# otp-record, which needs Erlang.

GO ?= go

.PHONY: build test race bench demo lint cover soak otp-record

# The binary, ./coppice.
build:
	$(GO) build -o coppice ./cmd/coppice

# All tests.
test:
	$(GO) test ./...

# All tests, under the race detector.
race:
	$(GO) test -race ./...

# What restarts, starts, stops and idle children cost, side by side with suture, and with
# Erlang/OTP where it is installed; and how many steps a second simulated trees make.
bench:
	$(GO) run ./tree/internal/bench
	$(GO) test -run '^$$' -bench Sim ./tree/chaos

# Every scene of the demo. In a terminal it is drawn, elsewhere it is told.
demo: build
	./coppice demo

# Formatting, vet for three systems, staticcheck.
lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w: $$unformatted"; exit 1; fi
	GOOS=linux $(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(GO) tool staticcheck ./...

# Statement coverage of each package, by its own tests.
cover:
	$(GO) test -coverprofile=cover.out ./strategies/... ./tree/... ./worker/...
	$(GO) tool cover -func=cover.out | tail -n 1

# The long runs: processes killed for ten minutes (SOAK), with every rule checked and
# what the program holds printed; every concurrent test again and again, more random
# machines, and arbitrary inputs to one.
SOAK ?= 10m
soak:
	$(GO) run ./tree/chaos/internal/soak -for $(SOAK)
	COPPICE_MANY=5000 $(GO) test -run '^TestMany$$' -v ./worker
	$(GO) test -race -count=50 -timeout 60m ./tree ./tree/chaos/... ./worker/
	COPPICE_API_TIME=10m $(GO) test -v -run '^TestAPI$$' -timeout 60m ./tree/
	$(GO) test -run Properties -timeout 60m ./strategies/ -rapid.checks=100000
	$(GO) test -run '^$$' -fuzz FuzzMachine -fuzztime 10m -fuzzminimizetime 10x ./strategies/

# The recorded traces once more, from the supervisor of Erlang/OTP itself: any difference
# is shown and fails. WRITE=1 writes the traces that differ and those that are not there
# yet, DIR=/some/dir takes other scenarios, RUNS=N runs each N times.
otp-record:
	testdata/otp/recorder/record.sh $(if $(filter 1,$(WRITE)),--write) $(if $(RUNS),--runs $(RUNS)) "$(or $(DIR),testdata/otp)"
