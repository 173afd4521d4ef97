# Lodge's own commands; `make help` lists them. Each installs the Debian packages that it lacks (scripts/deps).

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
export SWIFT

.DEFAULT_GOAL := help
.PHONY: help deps build release demo test bench lint docs install uninstall appliance torture guest

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

deps: ## install every package that building, running and testing need
	@scripts/deps build run guest test

build: ## build the library and the command for debugging
	@scripts/deps build
	@$(SWIFT) build

release: ## build the command for use
	@scripts/deps build
	@scripts/release

demo: ## start a network and a guest, kill the manager, carry on; in a network namespace and a root of its own
	@scripts/deps build run guest
	@scripts/release
	@scripts/demo

guest: ## build the small guest image into .build/guest
	@scripts/deps guest
	@fixtures/guest/build

test: ## run every test: root, rootless and Debian 12's kernel features only
	@scripts/deps build run guest test
	@scripts/test

torture: ## kill the manager at each state-changing system call, all points
	@scripts/deps build run guest test
	@LODGE_TORTURE=all $(SWIFT) test --filter CrashTests

bench: ## measure against bare QEMU and the bare kernel, as ratios
	@scripts/deps build run
	@scripts/bench

lint: ## check format, imports and scripts
	@scripts/lint

docs: ## write the library's documentation into .build/docs
	@scripts/deps build
	@scripts/docs

install: release ## install command, man pages and completions below PREFIX (/usr/local) and DESTDIR
	@scripts/install "$(DESTDIR)$(PREFIX)"

uninstall: ## take away what install put there
	@scripts/install --remove "$(DESTDIR)$(PREFIX)"

appliance: ## one binary that needs only the C and C++ runtime: .build/appliance/lodge
	@scripts/deps build
	@scripts/appliance
