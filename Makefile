.POSIX:

GO = go
RACE = -race
FUZZTIME = 10000x
COVERAGE = 90
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 \
	windows/amd64 windows/arm64 linux/386 linux/arm

# $(EACH) command $(DONE) runs a command in every module of this repository.
EACH = for mod in $$(find . -name go.mod ! -path '*/testdata/*' | sort); do (cd "$${mod%/go.mod}" &&
DONE = ) || exit 1; done

help:
	@echo 'make check     format, vet and test: what CI runs'
	@echo 'make test      the tests of every module, under the race detector'
	@echo 'make test32    the tests of this module on 386'
	@echo 'make lint      staticcheck'
	@echo 'make tidy      whether go.mod and go.sum are tidy'
	@echo 'make cover     statement coverage, at least $(COVERAGE) % of each package'
	@echo 'make build     build and vet for every supported platform'
	@echo 'make fuzz      every fuzz target, FUZZTIME ($(FUZZTIME)) runs or seconds each'
	@echo 'make long      the tests whose names begin with TestLong_, with ten times the work and more'
	@echo 'make torture   kills, power cuts, failing disks, damage, age: half an hour, needs strace and FUSE'
	@echo 'make bench     measure the library beside its peers, a quarter of an hour: bench/README.md'
	@echo 'make bench-short  the same in a few minutes, to see that all of it works'
	@echo 'make micro     the benchmarks of each package'
	@echo 'make example   run examples/single-binary on http://localhost:8080'

check: fmt vet test

fmt:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "not formatted by gofmt:"; echo "$$files"; exit 1; }

vet:
	@$(EACH) $(GO) vet ./... $(DONE)

test:
	@$(EACH) $(GO) test $(RACE) -shuffle=on -timeout 5m ./... $(DONE)

# An amd64 machine runs 386 programs; the race detector does not know them.
test32:
	GOARCH=386 CGO_ENABLED=0 $(GO) test -shuffle=on ./...

lint:
	@$(EACH) $(GO) run $(STATICCHECK) ./... $(DONE)

tidy:
	@$(EACH) $(GO) mod tidy -diff $(DONE)

# Coverage is that of a package by its own tests.
cover:
	@$(GO) test -cover . ./store/... ./cache ./compress | awk -v least=$(COVERAGE) ' \
		{ print } \
		/^(FAIL|panic)/ { bad = 1 } \
		match($$0, /coverage: [0-9.]+%/) { \
			n++; \
			if (substr($$0, RSTART + 10, RLENGTH - 11) + 0 < least) { print "  below " least " %"; bad = 1 } \
		} \
		END { exit bad || n == 0 }'

build:
	@for platform in $(PLATFORMS); do \
		echo "$$platform"; \
		export CGO_ENABLED=0 GOOS="$${platform%/*}" GOARCH="$${platform#*/}"; \
		$(GO) build ./... && $(GO) vet ./... || exit 1; \
	done

fuzz:
	@targets=$$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' fuzz/*_test.go); \
	test -n "$$targets" || { echo "no fuzz target in ./fuzz"; exit 1; }; \
	for target in $$targets; do \
		echo "$$target"; \
		$(GO) test ./fuzz -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 200x || exit 1; \
	done

long:
	@grep -q '^func TestLong_' *_test.go store/bolt/*_test.go || { echo "no TestLong_ test here"; exit 1; }
	GIMLET_LONG=1 $(GO) test -count=1 -timeout 60m -v -run '^TestLong_' . ./store/bolt

torture:
	cd torture && GIMLET_TORTURE=full $(GO) test -count=1 -p 1 -timeout 3h -v ./...

bench:
	cd bench && $(GO) run .

bench-short:
	cd bench && $(GO) run . -short

micro:
	$(GO) test -run '^$$' -bench . -benchmem ./...

example:
	$(GO) run ./examples/single-binary

.PHONY: help check fmt vet test test32 lint tidy cover build fuzz long torture bench bench-short micro example
