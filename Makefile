# The verbs. `make` alone lists them. Build outputs live outside the clone, so that a second clone,
# and CI, do not compile RocksDB again.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/holdfast/target
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
SEEDS ?= 1..500
ROUNDS ?= 200
SECONDS ?= 600
CONNECTIONS ?= 5000
WATCHES ?= 50000
WHAT ?= failover
WORKLOAD ?=
CLIENTS ?= 64
OUT ?=
NEMESIS ?= all
SEED ?=
NODES ?= 3
DOOR ?= http
ONLY ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: bench micro profile sim sim-ci sim-mutants sim-replay sim-seeds help setup run build check core test test-all durability measure soak jepsen jepsen-smoke jepsen-mutants zookeeper-clients zookeeper-import zookeeper-transcript lint doc verify fix ci

help: ## list the verbs
	@awk -F ':|## ' '/^[a-z-]+:.*##/ { printf "  make %-11s %s\n", $$1, $$NF }' Makefile

setup: ## install what the build needs and this machine lacks
	@./scripts/setup.sh

run: build ## three nodes on this machine (ARGS="--data-dir DIR" keeps the data)
	@exec "$$CARGO_TARGET_DIR/release/holdfast" dev $(ARGS)

build: setup ## the release binary
	cargo build --release --locked -p holdfast
	@./scripts/no-mutants.sh "$$CARGO_TARGET_DIR/release/holdfast"

check: setup ## type-check everything
	cargo check --workspace --all-targets --locked

core: setup ## the inner loop: format, lints and tests of raft-core alone
	cargo fmt -p raft-core --check && cargo clippy -p raft-core --all-targets --locked -- -D warnings && ./scripts/test.sh -p raft-core

test: setup ## every test, doctests included
	./scripts/test.sh --workspace && cargo test --workspace --doc --locked

test-all: test durability ## + 200 rounds of kill -9

durability: setup ## ROUNDS=200 rounds of kill -9 during writes, then every acknowledged write is read back
	HOLDFAST_TEST_ROUNDS=$(ROUNDS) ./scripts/test.sh --workspace durability

measure: build ## WHAT=failover|handover|stall|steady|million: the figures in docs/ (ARGS="--flag=for every node")
	HOLDFAST_TEST_BINARY="$$CARGO_TARGET_DIR/release/holdfast" cargo run --release --locked -p holdfast-tests --bin measure -- $(WHAT) $(ARGS)

micro: setup ## what single steps cost, such as applying, encoding, syncing, telling watchers (ARGS="--quick apply" picks)
	ulimit -n "$$(ulimit -H -n)" && cargo bench --locked -p raft-core -p zookeeper -p storage -- $(ARGS)

profile: build ## a flame graph of the leader under load, and where its time goes (WORKLOAD=write DOOR=zookeeper CLIENTS=64 SECONDS=5 OUT=flamegraph.svg)
	WORKLOAD='$(or $(WORKLOAD),write)' DOOR='$(if $(findstring command,$(origin DOOR)),$(DOOR),zookeeper)' CLIENTS='$(CLIENTS)' SECONDS='$(if $(findstring command,$(origin SECONDS)),$(SECONDS),5)' OUT='$(abspath $(OUT))' ./scripts/profile.sh

bench: setup ## Holdfast, ZooKeeper, etcd and Redis under the same load: bench/results/ (ARGS="--quick", "failover", "million", "sessions", "elections", "growth")
	@./scripts/bench.sh $(ARGS)

soak: build ## SECONDS=600 CONNECTIONS=5000 WATCHES=50000: ZooKeeper clients over nodes that are killed and stopped; fails if an event or a session is lost
	HOLDFAST_TEST_BINARY="$$CARGO_TARGET_DIR/release/holdfast" cargo run --release --locked -p holdfast-tests --bin soak -- $(SECONDS) $(CONNECTIONS) $(WATCHES) $(ARGS)

jepsen: setup ## real nodes under faults, every promise checked, about 10 minutes (WORKLOAD=lock NEMESIS=partition,kill SECONDS=120 SEED=7 NODES=5 DOOR=zookeeper: one run)
	WORKLOAD='$(WORKLOAD)' NEMESIS='$(NEMESIS)' SEED='$(SEED)' NODES='$(NODES)' DOOR='$(DOOR)' ARGS='$(ARGS)' SECONDS='$(if $(findstring command,$(origin SECONDS)),$(SECONDS),60)' ./scripts/jepsen.sh $(if $(WORKLOAD),run,suite)

jepsen-smoke: setup ## the same in a few minutes, with the debug binary
	SEED='$(SEED)' ARGS='$(ARGS)' ./scripts/jepsen.sh smoke

jepsen-mutants: setup ## every planted bug in the run that must catch it, and Holdfast itself in the same runs (ONLY=m01,m17)
	ONLY='$(ONLY)' SEED='$(SEED)' ARGS='$(ARGS)' ./scripts/jepsen.sh mutants

zookeeper-clients: setup ## other people's ZooKeeper clients against three nodes (ARGS="kazoo java c node locks" picks)
	./scripts/setup-clients.sh && ./scripts/zookeeper-clients.sh $(ARGS)

zookeeper-import: setup ## the importer against a real ZooKeeper (WHAT=measure: its figures)
	./scripts/zookeeper-import.sh $(if $(filter measure,$(WHAT)),measure)

zookeeper-transcript: setup ## tests/transcript/ against a real ZooKeeper (ARGS=3: of three servers) and against three nodes; UPDATE=1 keeps the recording
	./scripts/zookeeper-transcript.sh $(ARGS)

sim: setup ## SEEDS=1..500: simulated clusters on virtual time, one run a seed (ARGS="--time-box 300 --seconds 20")
	cargo run --release --locked -q -p sim --bin sim -- run --seeds $(SEEDS) $(ARGS)

sim-replay: setup ## SEED=7: one simulated run with its whole trace
	cargo run --release --locked -q -p sim --bin sim -- replay $(or $(SEED),1) $(ARGS)

sim-seeds: setup ## the simulated runs that failed once
	cargo run --release --locked -q -p sim --bin sim -- run --keep-going --file crates/sim/seeds/found.txt $(ARGS)

sim-ci: setup ## the simulated runs that failed once, then fresh ones for a minute (SIM_BASE=20261125: the first)
	./scripts/sim-ci.sh

sim-mutants: setup ## every planted bug in the simulation: what fires, at which seed (ARGS="--only m02,m21")
	cargo run --release --locked -q -p sim --features mutants --bin sim -- mutants --seeds 1..200 $(ARGS)

lint: setup ## format and lints, nothing may be left
	cargo fmt --all --check && cargo clippy --workspace --all-targets --locked -- -D warnings

doc: setup ## rustdoc of everything, warnings denied
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --workspace --no-deps --document-private-items --locked

verify: lint test doc ## all of it; never writes to the tree

fix: setup ## format, apply what clippy can, regenerate references and golden files
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged && cargo fmt --all && UPDATE=1 UPDATE_EXPECT=1 REWRITE=1 ./scripts/test.sh --workspace

ci: lint doc test zookeeper-clients sim-ci jepsen-smoke ## what .ci/run calls
