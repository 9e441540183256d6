# gamefleet: every need has one command. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

NODE_MODULES := node_modules/.package-lock.json
CLUSTER_ENV := eval "$$(test/cluster/env.sh)"
RUN := npm run -s

.PHONY: help
help: ## Show the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(NODE_MODULES): package.json package-lock.json
	@test/tools/install.sh

.PHONY: install
install: $(NODE_MODULES) ## Install Node and the packages, as the lock file says



.PHONY: demo
demo: install ## A cluster, a fleet, 200 players; scale-up and a crash, live
	@$(RUN) demo

.PHONY: demo-down
demo-down: ## Remove what the demo made
	@test/cluster/down.sh



.PHONY: cluster
cluster: ## Make or repair this clone's kind cluster
	@test/cluster/up.sh

.PHONY: cluster-down
cluster-down: ## Remove this clone's kind cluster
	@test/cluster/down.sh

.PHONY: images
images: cluster ## Build the image and load it, and the stores' images, into the cluster
	@test/cluster/images.sh

.PHONY: deploy
deploy: install images ## Install CRDs and chart into the cluster
	@$(CLUSTER_ENV); test/cluster/deploy.sh



.PHONY: test
test: install ## Everything that CI runs: verify, unit, integration, faults, e2e
	@$(RUN) test:all

.PHONY: test-unit
test-unit: install ## Tests without I/O
	@npx vitest run --project unit

.PHONY: test-integration
test-integration: install ## Tests with real Redis and PostgreSQL
	@npx vitest run --project integration

.PHONY: test-faults
test-faults: install ## Seeded faults (short form)
	@npx vitest run --project faults

.PHONY: test-e2e
test-e2e: deploy ## Tests on the kind cluster
	@test/tools/browser.sh
	$(CLUSTER_ENV); npx vitest run --project e2e

.PHONY: verify
verify: install ## Types, lint, format, dead code, import rules, generated files, chart, scripts
	@$(RUN) verify

.PHONY: fix
fix: install ## Format, and mend what linters can mend
	@npx biome check --write .
	npx oxlint --type-aware --fix .

.PHONY: generate
generate: install ## Write the generated files anew
	@$(RUN) generate

.PHONY: bench
bench: install ## Run a benchmark: make bench NAME=allocator [ARGS=--quick]
	@npm run -s bench -- $(NAME) $(ARGS)
