# tfrunner's make targets; `make help` lists them.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
BINDINGS    = github.com/tensorflow/tensorflow/tensorflow/go

# Without this, libtensorflow tells on stderr which CPU it finds, and the like.
export TF_CPP_MIN_LOG_LEVEL ?= 1

.PHONY: help setup train test parity parity-full bench check clean needs-go

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 20

setup: needs-go ## put in place what is missing: the bindings, libtensorflow, MNIST (SETUP="-gpu", say)
	@go run -C scripts/setup . $(SETUP)

train: setup ## train and test the ConvNet (ARGS="-epochs 3", say)
	@go build -o bin/ ./cmd/...
	@bin/train $(ARGS)

test: setup ## run all tests: this module's, the set-up's, and the bindings' own
	go test ./...
	go test -C scripts/setup ./...
	go test $(BINDINGS) $(BINDINGS)/op

parity: setup ## hold the Go program against the tutorial in Python, bit for bit (about 6 minutes)
	go run ./scripts/parity

parity-full: setup ## the same over 10 epochs (about 12 minutes)
	go run ./scripts/parity -epochs 10

bench: setup ## measure the speed against Python, Keras and, with ARGS=-pytorch, PyTorch (about 15 minutes; ARGS=-short: 1)
	@go run ./scripts/bench -o bin/bench $(ARGS)

check: setup ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	go vet -C scripts/setup ./...
	go run $(STATICCHECK) ./...
	cd scripts/setup && go run $(STATICCHECK) ./...

clean: ## remove what the targets made here; the user's cache stays
	git clean -fdXq bin third_party/tensorflow

needs-go:
	@command -v go >/dev/null && go version | awk '{ split(substr($$3, 3), v, "."); exit !(v[1] > 1 || v[2] >= 24) }' || \
		{ echo 'this machine lacks Go 1.24 or newer; install it from https://go.dev/dl/' >&2; exit 1; }
