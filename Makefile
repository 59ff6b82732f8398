# make demo   does all set-up and runs the main job on the Python documentation
# make test   does all set-up and runs the tests
# make build  does all set-up and builds .build/release/attar

SHELL := /bin/bash
.DEFAULT_GOAL := help
# Both builds are optimised: a debug build would run the C kernels unoptimised. Tests need their own folder, because
# they are compiled with other flags.
TEST_FLAGS := -c release -Xswiftc -enable-testing --scratch-path .build-test
ATTAR := .build/release/attar

.PHONY: help setup build model test demo clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup:
	@scripts/setup

build: setup
	@swift build -c release --product attar

model: build
	@$(ATTAR) models pull minilm

test: setup
	@swift build $(TEST_FLAGS) --build-tests
	@.build-test/release/attar models pull minilm
	@swift test $(TEST_FLAGS) --skip-build

demo: model
	@scripts/demo $(ATTAR)

clean:
	rm -rf .build .build-test demo
