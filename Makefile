# Every target sets up what it needs. ARGS goes to the command: make serve ARGS="--port 0"
BIN := .venv/bin
# The tests start hundreds of processes, each of which would compile all modules anew: a tenth of the suite's time.
unexport PYTHONDONTWRITEBYTECODE
# Four processes on two cores: tests wait for about a third of their time, for another process or for real time. With
# three processes a sixth of what the cores could do was lost.
ON_ALL_CORES := $(BIN)/pytest -n 4 --dist worksteal
SET_UP := pyproject.toml constraints.txt scripts/set-up

.PHONY: help serve demo test test-all test-sdks check format bench fixtures floors matrix correct mutants crashes sdk-verdicts docs screenshots clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

serve: .venv/.runtime ## run the fake cloud
	@$(BIN)/parking-mock serve $(ARGS)

demo: .venv/.runtime ## watch a lot re-report what was lost
	@$(BIN)/parking-mock demo $(ARGS)

test: .venv/.dev ## run the tests that are not slow (minutes)
	@$(ON_ALL_CORES) -m "not slow and not sdks" $(ARGS)

test-all: .venv/.dev ## run all tests but those of test-sdks, as CI does
	@$(ON_ALL_CORES) -m "not sdks" $(ARGS)

test-sdks: .venv/.dev ## run the SDKs in Go and Java, judge their loops, run the conformance suite of MCP; the first run fetches and builds (minutes)
	@$(BIN)/pytest -n 2 --dist loadfile -m sdks tests/sdk tests/test_example_clients.py $(ARGS)

check: .venv/.dev ## format, lint and types, as CI wants them
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

format: .venv/.dev ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.dev .venv/.bench ## measure speed, as ratios (minutes)
	@$(BIN)/python -m benchmarks $(ARGS)

fixtures: .venv/.dev ## write the generated fixtures again, and the examples of all rules or of ARGS="RULE-ID ..."
	@$(BIN)/python -m tests.make_fixtures
	@$(BIN)/python -m tests.make_examples $(ARGS)

floors: ## try the lowest versions of dependencies that are allowed, or the newest by ARGS=newest (a minute)
	@scripts/lowest-versions $(ARGS)

matrix: .venv/.dev ## measure all known-bad clients again (half an hour), or ARGS="CLIENT ..." (seconds each)
	@$(BIN)/python -m tests.make_matrix $(ARGS)
	@$(BIN)/python -m tests.make_docs matrix rules readme

correct: .venv/.dev ## play the correct clients of all designs again (an hour), or ARGS="--seeds N CLIENT ..."
	@$(BIN)/python -m tests.make_correct $(ARGS)
	@$(BIN)/python -m tests.make_docs matrix

mutants: .venv/.dev ## try mutants of the judge again (half an hour), or those of ARGS="MODULE ..."
	@$(BIN)/python -m tests.make_mutants $(ARGS)
	@$(BIN)/python -m tests.make_docs mutants

crashes: .venv/.dev ## let the disk of a store fail at each operation (an hour), or at each tenth: ARGS="--every 10"
	@$(BIN)/python -m tests.crashes $(ARGS)

sdk-verdicts: .venv/.dev ## judge the vendor's loops again (an hour), or ARGS="--seeds N LOOP ..."
	@$(BIN)/python -m tests.make_sdk_verdicts $(ARGS)
	@$(BIN)/python -m tests.make_docs sdk-verdicts

docs: .venv/.dev ## write all generated pages again, or ARGS="PAGE ..."
	@$(BIN)/python -m tests.make_docs $(ARGS)

screenshots: .venv/.dev ## write the pictures of the docs again
	@$(BIN)/python -m tests.make_screenshots

clean: ## forget everything that was set up
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/sdk/*/node_modules examples/node-client/node_modules \
	    examples/*/build examples/go-native/logs

.venv/.%: $(SET_UP)
	@scripts/set-up $*
