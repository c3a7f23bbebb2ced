# Everything that a person or CI does here is a target of this file. Tools and results stay below build/.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BUILD := build
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(BUILD)/venv
export MINTWORKS_BUILD := $(CURDIR)/$(BUILD)
# The development chain that `make try` starts keeps its state here.
export XDG_STATE_HOME := $(CURDIR)/$(BUILD)/state
UV := $(BUILD)/tools/bin/uv
RUN := $(UV) run --frozen --quiet
DEV := $(RUN) python -m mintworks_dev
CLUSTER ?= local
# For CLUSTER=current: where its nodes can have the images from.
export MINTWORKS_REGISTRY := $(or $(REGISTRY),$(MINTWORKS_REGISTRY))
PYTEST := $(RUN) pytest
SYNCED := $(BUILD)/.synced

##@ Try it

.PHONY: try
try: $(SYNCED) ## Run the example here, without a cluster (about two minutes)
	$(RUN) mintworks run -f examples/genesis --localnet --state $(BUILD)/try

.PHONY: try-down
try-down: $(SYNCED) ## End the development chain that `make try` started
	$(RUN) mintworks localnet stop

.PHONY: demo
demo: $(SYNCED) ## Set up a whole Kubernetes here and run the example in it
	$(DEV) demo up --cluster=$(CLUSTER)

.PHONY: demo-down
demo-down: $(SYNCED) ## Take down what `make demo` started
	$(DEV) demo down --cluster=$(CLUSTER)

##@ Test

.PHONY: test
test: verify lint test-unit test-integration test-e2e ## Every test there is, with all the set-up it needs
	$(DEV) demo down --cluster=$(CLUSTER)

.PHONY: test-unit
test-unit: $(SYNCED) ## Tests that need nothing but Python (seconds)
	$(PYTEST) tests/unit -n 2

.PHONY: test-integration
test-integration: $(SYNCED) ## Tests on a real API server, Redis, Kubo and localnet
	$(RUN) python -m mintworks_dev.programs
	$(PYTEST) tests/faults tests/integration -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: test-e2e
test-e2e: $(SYNCED) ## Tests on real pods
	$(RUN) python -m mintworks_dev.programs
	$(PYTEST) tests/e2e -n 6 --dist loadgroup --cluster=$(CLUSTER)

.PHONY: soak
soak: $(SYNCED) ## Send 500 jobs through the fault proxy (SEED=7), the operator killed at every kind of write
	$(RUN) python -m mintworks_dev.programs
	$(PYTEST) tests/faults/test_operator_storm.py --soak --fault-seed $(or $(SEED),7) -s

.PHONY: explore
explore: $(SYNCED) ## Drive the operator's own parts in a simulated cluster through plays nobody has seen (PLAYS=5000)
	MINTWORKS_PLAYS=$(or $(PLAYS),5000) $(RUN) pytest tests/unit/operator/test_operator_world.py

.PHONY: fuzz
fuzz: $(SYNCED) ## Fuzz a reader (READER=rows or archives) for an hour (SECONDS=3600), led by coverage
	PYTHONPATH=tests $(RUN) python -m fuzz.$(or $(READER),rows) $(or $(SECONDS),3600) $(BUILD)/fuzz/$(or $(READER),rows)

.PHONY: verify
verify: $(SYNCED) ## Fail when something generated differs from what makes it
	$(RUN) python -m mintworks_api.generate --check .
	$(RUN) python -m mintworks_dev.examples --check
	$(RUN) python -m mintworks_dev.chart --check
	$(RUN) python -m mintworks_dev.troubleshooting --check
	$(UV) lock --check --quiet

.PHONY: lint
lint: $(SYNCED) ## ruff, mypy in strict mode, import-linter
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy crds/src operator/src jobrunners/src cli/src dev/src tests
	$(RUN) lint-imports

.PHONY: bench
bench: $(SYNCED) ## Measure; GROUP=name for one group. Writes build/bench.json
	PYTHONPATH=tests $(RUN) python -m bench $(if $(GROUP),--group $(GROUP)) --out $(BUILD)/bench.json

##@ Work on it

.PHONY: generate
generate: $(SYNCED) ## Make CRDs, reference pages, example, chart and reason tables from their sources
	$(RUN) python -m mintworks_api.generate .
	$(RUN) python -m mintworks_dev.examples
	$(RUN) python -m mintworks_dev.chart
	$(RUN) python -m mintworks_dev.troubleshooting

.PHONY: images
images: $(SYNCED) ## Build the container images, without an engine or a registry
	$(DEV) images build

.PHONY: cluster-up
cluster-up: $(SYNCED) ## Start a Kubernetes (CLUSTER=local, kind or current)
	$(DEV) cluster up --cluster=$(CLUSTER)

.PHONY: cluster-down
cluster-down: $(SYNCED) ## Stop it and leave nothing behind
	$(DEV) cluster down --cluster=$(CLUSTER)

.PHONY: clean
clean: ## Remove build/ (run demo-down and try-down first)
	@if ls $(BUILD)/cluster/*/parts/*.json >/dev/null 2>&1; then echo "a cluster runs: make demo-down first" >&2; exit 1; fi
	@if ls $(BUILD)/state/mintworks/localnet/parts/*.json >/dev/null 2>&1; then echo "a chain runs: make try-down first" >&2; exit 1; fi
	rm -rf $(BUILD)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV): dev/bootstrap.sh
	bash dev/bootstrap.sh $(BUILD)/tools

$(SYNCED): $(UV) pyproject.toml uv.lock $(wildcard */pyproject.toml)
	$(UV) sync --frozen --quiet
	@touch $@
