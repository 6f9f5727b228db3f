# The same tasks that CI runs. Needs the environment of the README's second command.
BIN ?= .venv/bin/

.DEFAULT_GOAL := help
.PHONY: help ci check test coverage watch row mock reference conformance prove bench

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

ci:  ## all that CI does, in a fresh environment
	.ci/run

check:  ## style, types, architecture
	$(BIN)ruff check .
	$(BIN)ruff format --check .
	$(BIN)mypy
	$(BIN)lint-imports

test:  ## our own tests
	$(BIN)pytest

coverage:  ## our own tests, and the branches that they do not take
	$(BIN)pytest --cov --ignore tests/system

watch:  ## judge the mock by one check at each change: make watch CHECK=NAME|ID
	$(BIN)python tools/watch.py $(CHECK)

row:  ## stubs of a new requirement: make row ID=SCORE-RES-099 API=score
	$(BIN)python tools/row.py $(ID) $(API)

mock:  ## serve the mock on port 8000
	$(BIN)aios-mock

reference:  ## serve real models on port 8001
	$(BIN)aios-reference

conformance:  ## judge the bundled mock
	$(BIN)pytest --target=mock

prove:  ## the kill matrix: every planted defect against the suite
	$(BIN)aios-conformance prove

bench:  ## figures of the judge and the mock, side by side
	$(BIN)python benchmarks/judge.py
	$(BIN)python benchmarks/mock.py
