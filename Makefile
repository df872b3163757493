# Two commands for a person: `make demo` and `make test`. Everything they install lies in .build/, inside the clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUILD := $(CURDIR)/.build
VENV := $(BUILD)/venv
PYTHON ?= python3
KEEP ?=
REPO ?= example-repo
PYTEST_ARGS ?= -n 2 --dist loadgroup

# One cache of packages for the development environment, the steps under test and the emulator's environments: each wheel is fetched once.
export UV_CACHE_DIR := $(BUILD)/uv-cache
# The steps' own environments, made by shared/bootstrap, kept between runs.
export AML_ACTIONS_HOME := $(BUILD)/actions
# Python then compiles what it imports only once. With this set, every import of the Azure SDK costs seconds.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
unexport PYTHONHOME
unexport VIRTUAL_ENV

.PHONY: help setup demo test check validate migrate lock generate format bench clean

help:                ## this list
	@grep -hE '^[a-z]+: .*##' Makefile | sed -E 's/:[^#]*## */\t/' | expand -t 12

setup: $(BUILD)/ready ## the development environment, from the locks

$(BUILD)/ready: requirements/dev.txt requirements/uv.txt pyproject.toml shared/bootstrap/environment.py
	@mkdir -p "$(BUILD)"
	@python="$$($(PYTHON) shared/bootstrap/environment.py --lock requirements/dev.txt --home "$(BUILD)")"; \
	ln -sfn "$$(dirname "$$(dirname "$$python")")" "$(VENV)"; \
	"$(BUILD)"/uv/*/uv pip install --quiet --offline --no-deps --no-build-isolation --python "$$python" --editable .
	@touch "$@"

demo: setup          ## a push to the template repository, from training to a live prediction, on this machine (KEEP=1: leave it running)
	@exec "$(VENV)/bin/python" -m aml_emulator.demo $(if $(KEEP),--keep)

test: setup          ## the whole test suite
	@exec "$(VENV)/bin/python" -m pytest $(PYTEST_ARGS)

check: setup         ## formatting, lint, types, workflow linters, drift of generated files
	@export PATH="$(VENV)/bin:$$PATH"; bash .ci/check

validate: setup      ## check the parameters files of a repository and what they point at: REPO=<folder>
	@exec "$(VENV)/bin/python" -m aml_actions validate "$(REPO)"

migrate: setup       ## show what a repository of the old actions should change: REPO=<folder>
	@"$(VENV)/bin/python" -m aml_actions migrate "$(REPO)" || [[ $$? == 3 ]] # 3: changes are proposed

generate: setup      ## write the pages, tables, schemas and action.yml files that come from the specs
	@exec "$(VENV)/bin/python" -m aml_actions.generate

format: setup        ## format and fix what can be fixed
	@"$(VENV)/bin/ruff" check --quiet --fix . || true; "$(VENV)/bin/ruff" format .

bench: setup         ## the measurements behind every speed figure
	@exec "$(VENV)/bin/python" -m bench

lock: setup          ## compile requirements/*.in to locks: wheels only, with hashes, naming no index
	@cd requirements; compile="$$(ls "$(BUILD)"/uv/*/uv) pip compile --quiet --universal --generate-hashes --no-build --no-header"; \
	UV_SYSTEM_CERTS=1 $$compile --python-version 3.10 uv.in -o uv.txt; \
	UV_SYSTEM_CERTS=1 $$compile --python-version 3.10 actions.in -o actions.txt; \
	UV_SYSTEM_CERTS=1 $$compile --python-version 3.11 emulator.in -o emulator.txt; \
	UV_SYSTEM_CERTS=1 $$compile --python-version 3.11 dev.in -o dev.txt; \
	UV_SYSTEM_CERTS=1 $$compile --python-version 3.11 infra-lint.in -o infra-lint.txt

clean:               ## remove everything that was installed or made here
	rm -rf "$(BUILD)" *.egg-info
