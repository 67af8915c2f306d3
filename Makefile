PYTHON ?= python
BASE ?= HEAD

.DEFAULT_GOAL := help
.PHONY: help build test lint bench compare docs gallery sessions

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## install for development: Python edits count at once, C and Cython after another make build
	$(PYTHON) -m pip install -e ".[test]"

test: ## run the tests
	$(PYTHON) -m pytest

lint: ## check formats, styles, types and spelling (needs the extra lint)
	ruff check .
	ruff format --check .
	cython-lint src/caviar
	clang-format --dry-run -Werror csrc/*.h csrc/*.c
	mypy
	codespell

bench: ## run the asv suite once on the installed commit (needs the extra bench)
	cd benchmarks && asv machine --yes && \
	asv run --quick --python=same --set-commit-hash "$$(git rev-parse HEAD)"

compare: ## time a training step beside the commit BASE, built apart: fails where 10 % slower
	$(PYTHON) -m benchmarks.compare --against $(BASE)

docs: ## build docs/_build/html, warnings are errors (needs the extra docs)
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html

gallery: ## draw docs/gallery/*.png again, each by the example of its name (needs the extra docs)
	$(PYTHON) docs/plot_gallery.py

sessions: ## run the terminal sessions of docs/command_line.md again (needs the extras cli and plots)
	$(PYTHON) docs/record_sessions.py
