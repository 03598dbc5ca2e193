# Everything that is done with this repository, by its name. `make help` lists it.

PORT ?= 8000
BIN := $(CURDIR)/.venv/bin
PLAYGROUND := src/openline/playground
WEB := $(shell find $(PLAYGROUND)/web -name node_modules -prune -o -type f -print 2>/dev/null)

# What tests need of npm: peers to talk to, and the SDKs of the hub.
NODE_TESTS := tests/interop/node tests/hub/node tests/documents/node
NODE_INSTALLED := $(NODE_TESTS:=/node_modules/.package-lock.json)

# Tools of .venv first: also a node that had to be installed there.
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format types bench bench-accept bench-micro fuzz soak docs native native-debug asan-test dev clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: run native $(PLAYGROUND)/static/index.html ## Make .venv with openline in it, ready to run

demo: install ## Open the playground: make demo PORT=9000
	$(BIN)/openline demo --port $(PORT)

test: dev $(PLAYGROUND)/static/index.html $(NODE_INSTALLED) ## Run all tests (about half an hour on two cores)
	$(BIN)/python tools/test_all.py

lint: dev ## Check the style of the sources
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: dev ## Bring the sources into the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: dev ## Check the types, strictly
	$(BIN)/pyright

bench: install ## Compare with other libraries: make bench WORK=echo64,fanout64 PEERS=picows,websockets ROUNDS=5
	$(BIN)/python -m pip install -q -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks --work "$(WORK)" --peers "$(PEERS)" --rounds $(or $(ROUNDS),5)

bench-accept: dev ## Take the instruction counts of today as those to hold
	$(BIN)/python -m benchmarks.instructions --accept

bench-micro: install ## Time single functions: codec, mask, UTF-8, deflate, waking
	$(BIN)/python -m pip install -q -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.micro --fast

fuzz: dev ## Look for inputs that break the protocol, native against pure: make fuzz SECONDS=600
	$(BIN)/python -m tests.fuzz $(SECONDS)

soak: dev ## Let clients and visitors come, talk and go, and watch what stays: make soak SECONDS=3600
	$(BIN)/python -m tests.soak $(SECONDS)

docs: dev ## Generate the reference from the docstrings
	$(BIN)/python tools/reference.py

native: ## Compile the native engine in place
	$(BIN)/python setup.py -q build_ext --inplace

native-debug: ## Compile it once more, with sanitizers, into build/asan
	mkdir -p build/asan/lib && find build/asan/lib -name '*.py' -delete
	OPENLINE_SANITIZE=1 $(BIN)/python setup.py -q build --build-base build/asan --build-lib build/asan/lib

asan-test: dev ## Run the tests of protocol and engine on that build
	$(BIN)/python tools/test_all.py asan

clean: ## Remove what was built (not .venv)
	rm -rf build dist src/*.egg-info artifacts $(PLAYGROUND)/static src/openline/engine/native/*.so
	find src tests tools -name __pycache__ -prune -exec rm -rf {} +

# What the above stand on.

.PHONY: run
run:
	@tools/bootstrap.sh demo cc node

dev: ## Make .venv with all that development needs
	@tools/bootstrap.sh dev cc node chromium redis valgrind
	@$(MAKE) --no-print-directory native

$(PLAYGROUND)/static/index.html: $(WEB)
	cd $(PLAYGROUND)/web && npm ci --no-audit --no-fund && npm run build
	@touch $@

$(NODE_INSTALLED): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
