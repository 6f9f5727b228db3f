# The same tasks that CI runs. Needs the environment of the README's second command.
BIN ?= .venv/bin/

.DEFAULT_GOAL := help
.PHONY: help ci check docs release test coverage bounds clients watch row mock reference conformance prove site bench

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

ci:  ## all that CI does, in a fresh environment
	.ci/run

check: docs  ## style, types, architecture, and that the site builds
	$(BIN)ruff check .
	$(BIN)ruff format --check .
	$(BIN)mypy
	$(BIN)lint-imports

docs:  ## the site of the documentation, in build/site; a broken link is an error
	$(BIN)sphinx-build -q -n -W --keep-going docs build/site

release:  ## dist/: wheel and sdist, tried with every Python from 3.11 on that is here
	$(BIN)python tools/release.py

test:  ## our own tests
	$(BIN)pytest

coverage:  ## our own tests, and the branches that they do not take
	$(BIN)pytest --cov --cov-fail-under=90 --ignore tests/system -n logical --dist loadfile

bounds:  ## the oldest and the newest versions of what we need (uv, some minutes)
	$(BIN)python tools/bounds.py

clients:  ## real clients against the mock, in environments of their own (uv, npm)
	$(BIN)python tools/clients.py
	$(BIN)python tools/clients.py --profile vllm

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

site:  ## what is made of reports/: the history of servers, and how they read the documents
	$(BIN)aios-conformance site reports reports/site
	$(BIN)python tools/documentation_defects.py

bench:  ## figures of the judge and the mock, side by side
	$(BIN)python benchmarks/judge.py
	$(BIN)python benchmarks/mock.py
