# The menu. `make run`, `make test` and `make demo` set up what they need by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.made node_modules/.made
WEB := web/dist/index.html
JOBS ?= 2

.PHONY: help run test test-web test-litellm web simulate history prove demo check check-types check-python \
	check-web coverage setup format lock openapi clean slither mutants halmos conformance

help: ## Show this menu
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup $(WEB) ## Start the local stack: database, chain, contracts, follower, API, gateway
	@exec $(BIN)/entitlement up $(ARGS)

demo: setup ## Tell the product's story on real transactions, against a stack of its own
	@exec $(BIN)/entitlement demo

test: check $(WEB) ## Run everything: lint, types, import rules, forge tests, pytest with a short run in a browser
	$(BIN)/pytest -n $(JOBS) --dist loadfile

test-web: setup $(WEB) ## Run all tests of the dashboard in Chromium
	BROWSER=all $(BIN)/pytest tests/web

test-litellm: setup ## Test the plug-in inside LiteLLM's own proxy, which this installs beside (some minutes, once)
	ENTITLEMENT_LITELLM_PYTHON="$$($(BIN)/python -m scripts.peers.litellm)" $(BIN)/pytest tests/gateway/test_litellm.py

web: setup $(WEB) ## Build the dashboard

simulate: setup ## Live through seeded days behind a node that lies, until Ctrl-C (SEED=7 DAYS=20: those alone)
	$(BIN)/python -m scripts.simulate $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS))

history: setup ## Let 64 clients ask while everything dies, and check what they saw (SEED=7 SECONDS=60)
	$(BIN)/python -m scripts.history $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

conformance: setup $(WEB) ## Ask a whole stack for all that openapi.json allows, and for what it does not (ARGS="--seed 7")
	$(BIN)/python -m scripts.conformance $(ARGS)

prove: setup ## Walk the contracts' invariants for 2.6 million calls (a quarter of an hour) and count them
	$(BIN)/python scripts/prove.py $(ARGS)

check: setup ## What test runs before pytest: the texts, three checks of them at once, then the contracts
	@$(MAKE) --no-print-directory -j 3 check-types check-python check-web
	$(BIN)/python scripts/forge.py fmt --check
	FORGE_SNAPSHOT_CHECK=true $(BIN)/python scripts/forge.py test

check-types:
	node_modules/.bin/pyright

check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python scripts/openapi.py --check

check-web:
	$(BIN)/python scripts/web_types.py
	cd web && ../node_modules/.bin/biome check --error-on-warnings .
	node_modules/.bin/tsc -p web
	cd web && ../node_modules/.bin/vitest run

coverage: setup ## Measure what the forge tests reach of the contracts; fail if a line is left out
	$(BIN)/python scripts/contract_coverage.py

slither: setup ## Read the contracts for known mistakes; fails on a finding that is not answered (a minute)
	$(BIN)/python scripts/audit.py slither $(ARGS)

halmos: setup ## Prove the daily right and the life of tickets for all inputs at once (some minutes)
	$(BIN)/python scripts/audit.py halmos $(ARGS)

mutants: setup ## Break the contracts in known ways and see a test find each (ARGS=Guardian: one list)
	$(BIN)/python scripts/mutants.py $(ARGS)

setup: ## Make the virtual environment and install the pinned dependencies
	@$(MAKE) -s -j 2 $(SETUP)
	@# As pip does with what it installs: each process of ours would read its own texts anew where it may not write.
	@$(BIN)/python -m compileall -q entitlement

format: setup ## Bring Python, Solidity and TypeScript into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python scripts/forge.py fmt
	cd web && ../node_modules/.bin/biome check --write .

openapi: setup ## Write openapi.json anew
	$(BIN)/python scripts/openapi.py

lock: ## Resolve the Python dependencies anew into requirements.lock
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install -q uv
	$(VENV)/lock/bin/uv pip compile -q --universal --generate-hashes --no-header --group dev \
		--python-version 3.11 pyproject.toml -o requirements.lock
	sed -i.old '1i # Made by `make lock` from pyproject.toml: every version and hash that an install may use.' \
		requirements.lock && rm requirements.lock.old
	$(VENV)/lock/bin/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		scripts/audit-requirements.in -o scripts/audit-requirements.txt
	$(VENV)/lock/bin/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		scripts/peers/requirements.in -o scripts/peers/requirements.txt
	$(VENV)/lock/bin/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.13 \
		scripts/peers/libraries/requirements.in -o scripts/peers/libraries/requirements.txt

clean: ## Delete what setup and the builds made; never stored state
	rm -rf $(VENV) .venv-audit .venv-peers .venv-libraries node_modules scripts/peers/*/node_modules scripts/peers/envio/generated web/dist web/src/generated contracts/out contracts/cache .pytest_cache .ruff_cache

$(WEB): $(SETUP) openapi.json web/index.html web/docs.html web/vite.config.mts $(shell find web/src web/public -type f -not -path '*/generated/*') \
		$(shell find contracts/src -name '*.sol')
	@echo "building the dashboard"
	@$(BIN)/python scripts/web_types.py
	@cd web && ../node_modules/.bin/vite build --logLevel error

$(VENV)/.made: requirements.lock pyproject.toml
	@$(PYTHON) scripts/requirements.py
	@echo "installing the Python dependencies (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.lock \
		|| { echo "error: pip could not install requirements.lock: check the network, then run this again" >&2; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/.made: package-lock.json package.json
	@$(PYTHON) scripts/requirements.py
	@echo "installing the npm dependencies: compiler, Anvil, forge, contract library"
	@# Not `npm ci`: it insists on the lock naming the binaries of every platform, and registries differ in which
	@# of them they carry. --no-save leaves the lock as it is, and what it names is checked against its hashes.
	@npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error \
		|| { echo "error: npm could not install package-lock.json: check the network, then run this again" >&2; exit 1; }
	@touch $@
