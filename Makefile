# Everything runs in .venv, which is made on first use and made anew when its requirements change.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PHOTO ?= examples/photo.jpg
# A photo of your own comes with its own mask; without one, its transparent area is filled.
MASK ?= $(if $(filter examples/photo.jpg,$(PHOTO)),examples/mask.png)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup test lint format demo clean

help: ## say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

setup: .venv/ready ## make the environment in .venv

.venv/ready: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'retouch needs Python 3.11 or newer; install it, or name it: make setup PYTHON=/path/to/python3.11'; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,evaluate,train]'
	@touch $@

test: setup ## run the everyday tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m 'not slow'

lint: setup ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup ## fill an example; or yours: make demo PHOTO=my.jpg MASK=my-mask.png
	@$(BIN)/python scripts/demo.py "$(PHOTO)" $(if $(MASK),"$(MASK)")

clean: ## remove the environment and all that was made
	rm -rf .venv build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
