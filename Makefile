# Everything runs in .venv. It is made on first use, and updated when its requirements change. `make demo` puts
# in only what filling needs; everything else adds PyTorch and the tools.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PHOTO ?= examples/photo.jpg
# A photo of your own needs a mask of its own. Without a mask, its transparent area is filled.
MASK ?= $(if $(filter examples/photo.jpg,$(PHOTO)),examples/mask.png)
# TORCH=cpu takes PyTorch's CPU build. On Linux the default build brings several GB of CUDA libraries.
TORCH ?=
TORCH_INDEX := $(if $(TORCH),https://download.pytorch.org/whl/$(TORCH))
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup test lint format demo demo-edit web docs clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 16

setup: .venv/ready ## make the environment in .venv (TORCH=cpu: without CUDA libraries)

# What fills a photo: no PyTorch, so it is there in less than a minute.
.venv/light: pyproject.toml constraints.txt setup.py $(wildcard src/retouch/native/*.cpp src/retouch/native/*.h)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'retouch needs Python 3.11 or newer; install it, or name it: make setup PYTHON=/path/to/python3.11'; exit 1; }
	@echo 'Installing retouch into .venv. This happens once.'
	@"$(PYTHON)" -m venv .venv
	@$(PIP) -e .
	@touch $@

.venv/ready: .venv/light
	@echo 'Installing PyTorch and the tools into .venv. This happens once and takes a few minutes.'
	@echo '$(if $(TORCH),PyTorch: the $(TORCH) build.,PyTorch: the default build. On Linux it adds several GB of CUDA libraries; without a GPU use TORCH=cpu.)'
	@$(if $(TORCH_INDEX),$(PIP) --no-deps torch --index-url $(TORCH_INDEX))
	@$(PIP) -e '.[dev,evaluate,train]'
	@touch $@

test: setup ## run the everyday tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m 'not slow'

lint: setup ## check style, types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: .venv/light ## fill the example, or yours: make demo PHOTO=my.jpg MASK=my-mask.png
	@$(BIN)/python -c 'from retouch.native import library; raise SystemExit(library() is None)' || \
		{ echo 'Nothing could be compiled, so PyTorch does the work.'; $(MAKE) setup; }
	@$(BIN)/python scripts/demo.py "$(PHOTO)" $(if $(MASK),"$(MASK)")

web: web/node_modules/.package-lock.json ## build the editor's page from web/ into the package (needs Node.js 20 and npm)
	@cd web && npm run --silent build && npm test --silent

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@cd web && npm ci --silent --no-audit --no-fund

demo-edit: .venv/serve ## open the example in the editor, or yours: make demo-edit PHOTO=my.jpg
	@mkdir -p demo
	@$(BIN)/retouch edit "$(PHOTO)" -o demo/ --overwrite

.venv/serve: .venv/light
	@$(PIP) -e '.[serve]'
	@touch $@

.venv/cluster: .venv/ready
	@$(PIP) -e '.[cluster]'
	@touch $@

docs: .venv/docs ## build the documentation in site/
	@$(BIN)/zensical build --clean --strict

.venv/docs: .venv/light
	@$(PIP) -e '.[docs]'
	@touch $@

clean: ## remove the environment and everything that was built
	rm -rf .venv web/node_modules site .cache build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
