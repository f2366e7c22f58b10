# The two commands that a newcomer needs are `make demo` and `make test`; both install what is missing.
# Everything else here is a step of theirs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# One target folder for every clone on this machine, so that a second clone builds in a minute.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/luytre/target
export CARGO_TERM_COLOR ?= always
BIN := $(CARGO_TARGET_DIR)/debug/luytre
RELEASE_BIN := $(CARGO_TARGET_DIR)/release/luytre

.PHONY: help
help: ## Show the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.PHONY: demo
demo: setup-build assets ## Build, start a fictional province, play the drill, print the address
	@echo "==> Building luytre (a first build takes about ten minutes on two cores; the next one seconds)"
	cargo build --locked --package app
	@$(BIN) demo $(DEMO_ARGS)

.PHONY: test
test: setup-test assets ## Set up all, run every check and test (SQLite, PostgreSQL, a real browser)
	@scripts/test

.PHONY: release
release: setup-build assets ## Build the optimised binary (about an hour on two cores)
	cargo build --locked --release --package app
	@echo "==> $(RELEASE_BIN)"

.PHONY: assets
assets: assets/node_modules/.stamp ## Fetch the front-end files that the lock file names, and pick what pages use
	cargo xtask assets

assets/node_modules/.stamp: assets/package-lock.json
	@echo "==> Fetching front-end files"
	cd assets && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: setup-build setup-test
setup-build:
	@scripts/setup build
setup-test:
	@scripts/setup test
