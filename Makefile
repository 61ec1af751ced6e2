# Two commands do everything on a Debian 12 with python3, python3-venv and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Each starts servers of its own. A worker waits for half of its time (for a server, a process, an answer), so that four keep two
# cores busy. 0 where AXIS_TEST_… names servers, which all would share.
WORKERS ?= 4
# Some hundred processes are started by the tests; where Python is kept from it each would compile the program for itself.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install demo demo-served test check style types suite docs pictures layers versions release sweep campaign night isolation benchmarks benchmarks-page clean

help:
	@echo "make install      make the environment in .venv (the command is then .venv/bin/axis)"
	@echo "make demo         95 agencies, 200 documents, scene by scene, no server; leaves the home axis-demo"
	@echo "make demo-served  the same on a private RabbitMQ and PostgreSQL"
	@echo "make test         every check and test"
	@echo "make layers       every module with its layer and what it imports; circles and arrows that go up"
	@echo "make docs         what the documentation takes from the code, drawn anew"
	@echo "make pictures     the pictures of the web desk and of the README's walk in docs/, taken anew in Debian's Chromium"
	@echo "make versions     the quick part of the tests with each other Python that is here"
	@echo "make release      VERSION=1.2.3: version, changelog, wheel, source archive, bill of materials, tag (DRY=1: only tried)"
	@echo "make sweep        what the tests do in samples, in full length (BATCHES=10000 RACES=1000: shorter)"
	@echo "make night        63 provinces become 34 at midnight under running mail: one line of figures (SEED=…)"
	@echo "make campaign     documents while everything is killed: nothing lost, nothing doubled (MINUTES=5: short)"
	@echo "make benchmarks   what a document costs, against another commit, into docs/ (SHARE=0.1: short)"

install: $(STAMP)

# The links are in the repository; a source archive has none.
$(STAMP): pyproject.toml config/constraints.txt
	@for name in adapters schemas config cli.py; do test -e axis/$$name || ln -s ../$$name axis/$$name; done
	$(PYTHON) -I -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint config/constraints.txt --editable '.[http,web,sftp,postgresql,evidence,dev]'
	@touch $@

# The home stays, to try things in; it is made anew each time.
demo: $(STAMP)
	rm -rf axis-demo
	$(BIN)/axis demo --home axis-demo

demo-served: $(STAMP)
	$(BIN)/python tests/servers.py run -- $(BIN)/axis demo --broker amqp

check: $(STAMP) style types

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# With what this file runs and no test does whole: a call there that has lost an argument would be found by who needs it.
RUN_BY_HAND = $(addprefix -m tests.,failure.campaign failure.isolation failure.night house servers \
  make_diagrams make_docs make_pictures make_release make_stories make_walk)
types: $(STAMP)
	$(BIN)/mypy --explicit-package-bases --package axis $(RUN_BY_HAND)

suite: $(STAMP)
	$(BIN)/python tests/servers.py install
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

# The types are checked beside the tests: half a minute in which a core would have nothing to do.
test: $(STAMP) style
	$(MAKE) --no-print-directory --jobs=2 types suite

layers: $(STAMP)
	$(BIN)/python -m tests.house

docs: $(STAMP)
	$(BIN)/python -m tests.make_diagrams
	$(BIN)/python -m tests.make_docs
	$(BIN)/python -m tests.make_stories

pictures: $(STAMP)
	$(BIN)/python -m tests.make_pictures
	$(BIN)/python -m tests.make_walk

release: $(STAMP)
	$(BIN)/python -P tests/make_release.py $(VERSION) $(if $(DRY),--dry-run)

# Each supported Python that this machine has, in an environment of its own; the first is what `make test` runs with.
OTHERS ?= python3.12 python3.13
QUICK = tests/unit tests/hub tests/contract tests/e2e/test_tls.py tests/e2e/test_embedded_line.py tests/e2e/test_api.py tests/e2e/test_sftp.py
versions: $(STAMP)
	$(BIN)/python tests/servers.py install
	@set -e; for python in $(OTHERS); do \
	  number=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || { echo "*** $$python is not here ***"; continue; }; \
	  echo "Python $$number"; \
	  $(BIN)/mypy --python-version $$number; \
	  test -e $(VENV)-$$number/bin/pytest || { $$python -I -m venv $(VENV)-$$number; $(VENV)-$$number/bin/pip install --quiet \
	    --disable-pip-version-check --constraint config/constraints.txt --editable '.[http,web,sftp,postgresql,evidence,dev]'; }; \
	  $(VENV)-$$number/bin/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(QUICK); \
	done

# What the suite tries in parts (tests/sample.py), whole. There 1,000 batches are decided in several ways and 200 races are run;
# here so many, other ones each time. An hour and three quarters on two busy cores; a test has two hours, if it says nothing else.
BATCHES ?= 100000
RACES ?= 10000
SWEPT = tests/unit tests/hub/test_batch_order.py tests/security/test_access_matrix.py tests/security/test_web_matrix.py \
  tests/e2e/changes tests/e2e/test_old_versions.py tests/e2e/test_web_browser.py tests/e2e/test_backup.py \
  tests/failure/test_races.py tests/failure/test_crash_sweep.py tests/failure/test_power_loss.py \
  tests/failure/test_spool_sweep.py tests/failure/test_served_sweep.py tests/log/test_evidence.py tests/log/test_merkle.py \
  tests/log/test_ten_thousand.py
sweep: $(STAMP)
	$(BIN)/python tests/servers.py install
	AXIS_SWEEP=full AXIS_BATCHES=$(BATCHES) RACES=$(RACES) $(BIN)/python -m pytest -o timeout=7200 --numprocesses $(WORKERS) \
	  --dist worksteal $(SWEPT)

# The loss campaign: an hour, or `make campaign MINUTES=5`; `SEED=…` replays the decisions of a run.
campaign: $(STAMP)
	$(BIN)/python tests/servers.py install
	$(BIN)/python -m tests.failure.campaign $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

# The night of 30 June 2025, of all 95 agencies: 63 provinces become 34 while mail is on its way and adapters are away and die.
night: $(STAMP)
	$(BIN)/python -m tests.failure.night $(if $(SEED),--seed $(SEED))

# Does one agency's trouble slow the others down? Wants a quiet machine; some five minutes.
isolation: $(STAMP)
	$(BIN)/python tests/servers.py install
	$(BIN)/python -m tests.failure.isolation

# docs/benchmarks.*: every shape against AGAINST, one after the other; wants a quiet machine. Half an hour, or SHARE of it.
AGAINST ?= 73d2b4f
SHARE ?= 1
benchmarks: $(STAMP)
	$(BIN)/python tests/servers.py install
	$(BIN)/python -m axis.trials.bench_docs measure docs $(AGAINST) $(SHARE)

benchmarks-page: $(STAMP)
	$(BIN)/python -m axis.trials.bench_docs page docs

clean:
	rm -rf axis-demo $(VENV) $(VENV)-3.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
