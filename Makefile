# Each target does its own set-up; on a fresh machine git, make and root or sudo are enough.
.DEFAULT_GOAL := help
.PHONY: help run demo test test-long fuzz simulate drill soak scale check check-types check-lint check-format bench setup-run setup-test

# node here is the checkout's Node 24, whatever the machine has.
WITH_NODE := PATH="$(CURDIR)/node_modules/.bin:$$PATH"

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' Makefile | expand -t 12

run: setup-run ## start a gateway in this checkout
	@gateway/tapmesh.sh run

demo: setup-run ## show a small fleet at work on this machine
	@gateway/tapmesh.sh demo

test: setup-test ## unit, contract and system tests (under 5 min)
	@$(WITH_NODE) node test/run-tests.ts

test-long: setup-test ## the same with larger counts (under 20 min)
	@$(WITH_NODE) TAPMESH_TEST_LONG=1 node test/run-tests.ts

fuzz: setup-test ## 100,000 spoilt inputs for every decoder: INPUTS=1000, SEED=2
	@$(WITH_NODE) node test/fuzz/main.ts

simulate: setup-test ## run seeds of the simulator: SEEDS=1000, SEEDS=1-500 or SEED=123
	@$(WITH_NODE) node test/simulation/main.ts

drill: setup-test ## play every failure on real gateways: what is lost, how long it takes
	@$(WITH_NODE) node test/drill/main.ts

soak: setup-test ## 10,000 taps at each kind of reader: is memory flat (about 10 min)
	@$(WITH_NODE) node test/soak/main.ts

scale: setup-test ## count what replication costs in fleets of 5 to 1,000 gateways
	@$(WITH_NODE) node test/simulation/scale/main.ts

check: setup-test ## types, lint and format (under 30 s)
	@$(MAKE) --no-print-directory --jobs=3 --output-sync --keep-going check-types check-lint check-format

check-types:
	@$(WITH_NODE) tsc -p .

check-lint:
	@$(WITH_NODE) oxlint --deny-warnings

check-format:
	@$(WITH_NODE) prettier --check --log-level warn .

bench: setup-test ## measure against the bounds
	@$(WITH_NODE) node test/bench/main.ts

setup-run:
	@provisioning/setup.sh run

setup-test:
	@provisioning/setup.sh test
