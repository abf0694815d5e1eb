# Everything runs from .venv, which `make setup` makes and every other target brings up to date first.
#   .venv/jars                                 spark-avro and Delta, checked against conf/jars/jars.sha256
#   .venv/classes-*.jsa                        Java's classes as runs of Spark need them: `make test` makes it
#   tests/kinesis_mock/node_modules/kinesis-local  kinesis-mock: run its main.js, in that folder, with .venv/bin/node
#   tests/chromium/node_modules                Chromium, unpacked into .venv/chromium: the tests look at pages with it
#   bench/peers/node/node_modules              what the benchmark's Node worker needs
# More arguments for a command: make test ARGS="tests/rules -k br_004"
PYTHON := .venv/bin/python
UV := .venv/bin/uv
TYPED := $(wildcard schemas transforms jobs emr bench tests conftest.py)
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv: Python packages, Java, Spark's jars, Node packages
	@command -v python3 >/dev/null || { echo "setup: python3 is missing: install Python 3.11 or newer"; exit 1; }
	@python3 .ci/bootstrap.py

.PHONY: demo
demo: setup ## Run the archive job on an emulated AWS; leaves demo-output/ (ARGS=--keep: the emulated AWS stays)
	@$(PYTHON) -m jobs.demo $(ARGS)

# As they are found, not those with the most tests first: the longest have few, and one process would wait for them at the end.
.PHONY: test
test: setup classes ## Run all tests, in two processes (ARGS="tests/rules -k br_004": these, in one)
	@$(PYTHON) -m pytest $(or $(ARGS),--numprocesses 2 --dist loadfile --no-loadscope-reorder)

# What the tests' runs of Spark start sooner with; where it can't be made they start without it.
.PHONY: classes
classes: setup
	@$(PYTHON) -m tests.class_archive >.venv/classes.log 2>&1 || \
	  echo "classes: no archive of Java's classes: runs of Spark start later (the reason is in .venv/classes.log)"

.PHONY: soak
soak: setup ## Run the long tests of faults: 1,000 batches in one run, 20 kills at random instants
	@SOAK=1 $(PYTHON) -m pytest --capture=tee-sys tests/faults/test_soak.py tests/faults/test_random_kills.py $(ARGS)

.PHONY: bench
bench: setup ## Measure records per second of the transform-and-write path (ARGS=--peers: hand-written workers too)
	@$(PYTHON) -m bench $(ARGS)

.PHONY: package
package: setup ## Make in dist/ what EMR Serverless needs, the same files from the same commit
	@$(PYTHON) -m emr.package $(ARGS)

.PHONY: notebook
notebook: setup ## Open the notebook that takes made-up change events through the transforms, step by step
	@$(PYTHON) -m jupyterlab --ServerApp.ip=127.0.0.1 $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) \
	  notebooks/explore_transforms.ipynb

.PHONY: rehearse
rehearse: setup ## Play a deployment to EMR Serverless on an emulated AWS; leaves rehearsal-output/
	@$(PYTHON) -m emr.rehearse $(ARGS)

.PHONY: lint
lint: setup types ## Check style, types, locks and the infrastructure's template
	@$(PYTHON) -m ruff check --quiet .
	@$(PYTHON) -m ruff format --check --quiet .
	@.ci/check_locks
	@$(PYTHON) .ci/check_template.py

.PHONY: types
types: setup
	@$(PYTHON) -m mypy $(TYPED)
	@$(PYTHON) -m mypy --no-explicit-package-bases .ci/*.py

.PHONY: format
format: setup ## Format the code and fix what ruff can fix
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

.PHONY: lock
lock: setup ## Pin what pyproject.toml and the package.json files ask for (ARGS=--upgrade: the newest)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
	  --output-file requirements.lock $(ARGS) pyproject.toml
	@for folder in tests/kinesis_mock tests/chromium bench/peers/node; do \
	  .venv/bin/npm install --prefix $$folder --silent --package-lock-only --omit-lockfile-registry-resolved || exit; \
	done

.PHONY: clean
clean: ## Remove what runs and tools left behind
	rm -rf demo-output rehearsal-output build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf spark-warehouse metastore_db derby.log
	find . -name __pycache__ -not -path './.venv/*' -not -path '*/node_modules/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove .venv and the Node packages as well
	rm -rf .venv tests/kinesis_mock/node_modules tests/chromium/node_modules bench/peers/node/node_modules
