# Thin names over scripts/. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help run test chaos soak check bench bench-payments bench-routers dist audit prepare dev-admin fuzz peers clean-data

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## set up what is missing, build, start everything and print the addresses; Ctrl-C ends it (PORT=8080)
	@scripts/run

test: ## check, then every test: unit, integration on a real MariaDB, end to end in Chromium (CHECK=no: tests only)
	@scripts/test $(if $(filter no,$(CHECK)),--no-check)

chaos: ## many payments while servers and databases are killed; then three ledgers are compared (SEEDS=20 PAYMENTS=500, or SEED=7)
	@scripts/chaos

soak: ## weeks of customers, power cuts and ends of paid time on six routers, two of which ask (ROUNDS=300 SEED=7)
	@scripts/soak

check: ## format, lints, documentation, SQL metadata, .env.sample: all that can be said without running
	@scripts/check

bench-payments: ## payments begun and settled a second, beside the same statements raw (STORED=5000000 also with so many stored)
	@BENCH_STORED=$(STORED) scripts/bench-payments

bench-routers: ## from settled to online, catch-up of a router that was away, routers with 5,000 users, 200 routers at once
	@scripts/bench-routers

bench: ## release build, then latencies, pages per second, memory, start time, size, and bench-routers
	@scripts/bench

dist: ## dist/bando: the release program with everything that browsers load inside
	@scripts/dist

audit: ## licences, banned crates, sources and known vulnerabilities of the dependencies
	@scripts/audit

prepare: ## renew .sqlx after a change of SQL or migrations
	@scripts/prepare

dev-admin: ## serve the admin app with trunk, rebuilt on every save, against a running make run
	@scripts/dev-admin

fuzz: ## throw random bytes at whatever reads M-Pesa and RouterOS (SECS=60; needs a nightly Rust)
	@scripts/fuzz

peers: ## try the simulators with M-Pesa and MikroTik libraries that others wrote
	@scripts/peers

clean-data: ## delete the private databases and generated passwords under .data/, after asking
	@scripts/clean-data
