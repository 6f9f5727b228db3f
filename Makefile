# The same tasks that CI runs. Needs the environment of the README's second command.
BIN ?= .venv/bin/

.PHONY: check test mock reference conformance prove bench

check:  ## style, types, architecture
	$(BIN)ruff check .
	$(BIN)ruff format --check .
	$(BIN)mypy
	$(BIN)lint-imports

test:  ## our own tests
	$(BIN)pytest

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
