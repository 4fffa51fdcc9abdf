# Two commands: `make run` shows the live wall on http://localhost:8050, `make test` proves everything.
# Settings come from the environment or .env (see .env.example): make run PORT=9000 STORE=var/tmall LOAD="tmall file.csv"

VENV   := .venv
PY     := $(VENV)/bin/python
STAMPS := $(VENV)/.stamps
# pip compiles one file after another, which takes longer than all the rest: that is done by all cores afterwards.
INSTALL := $(PY) -m pip install --disable-pip-version-check --no-compile
COMPILE := $(PY) -m compileall -q -j 0 $(VENV)/lib >/dev/null || true  # some packages carry files for other Pythons
# As many as there are cores, two to four: each has an engine of its own, of about a gigabyte.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 2 ? 2 : n > 4 ? 4 : n)))
# In the order of the folders: the longest files have few tests, and would else come last and leave a core idle.
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# The tests of the database run twice: embedded with all others, and over HTTP as three roles.
# Not those that open an embedded store of their own, in another process: a sketched one, walls and loads that are killed.
OVER_HTTP := $(addprefix tests/queries/test_,answer.py client.py closed.py days.py injection.py latest.py limits.py \
               migrate.py numbers.py own_tables.py rebuild.py reconcile.py retention.py retention_choice.py together.py) \
             $(addprefix tests/ingest/test_,api.py api_injection.py api_letters.py kept_loads.py loader.py markers.py \
               replay.py sim_live.py under_way.py writer.py truth_ga360.py truth_online_retail.py truth_taobao.py \
               truth_tmall.py) \
             tests/alerts/test_engine.py tests/alerts/test_shared.py tests/app/test_truth.py tests/layouts/test_facts.py \
             tests/faults

.PHONY: run serve test check lint types unit browser faults soak bench bench-data bench-live pictures gallery-pictures sale clean help

help:
	@echo "make run    the live demo wall on http://localhost:8050"
	@echo "make serve  the same for production: Granian, settings from the environment or .env (docs/how-to/deploy.md)"
	@echo "make test   format, lint, types, contracts, definitions, unit, database and browser tests"
	@echo "make faults kills ingestion hundreds of times and looks for lost and doubled events (FAULT_KILLS=500)"
	@echo "make soak   a rotating wall at ten times its pace: heap and memory stay flat (SOAK_MINUTES=20)"
	@echo "make bench  what a tick costs, as ratios (bench/)"
	@echo "make bench-data  what numbers cost at 1, 10 and (BENCH_BIG=1) 100 million events: bench/RESULTS.md"
	@echo "make bench-live  what 1 to 1,000 screens cost (BENCH_SHORT=1 for a look): bench/RESULTS.md"
	@echo "make pictures  pictures of every board, from a wall that runs on PORT 8050 (docs/pictures.md)"
	@echo "make gallery-pictures  what every tile should look like (tests/browser/gallery), after a change that is meant"
	@echo "make sale   the demo wall while a sale runs: its clock stands in the evening of the last Double 11"
	@echo "make clean  removes .venv; your data under var/ stays"

run: $(STAMPS)/run
	@exec $(PY) -m app run

serve: $(STAMPS)/run
	@exec $(PY) -m app serve

test: $(STAMPS)/dev tools lint types check unit

.PHONY: tools
tools:
	@deploy/test-tools.sh

lint: $(STAMPS)/dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports --no-cache

types: $(STAMPS)/dev
	$(PY) -m mypy

check: $(STAMPS)/run
	$(PY) -m app check

unit: $(STAMPS)/dev
	$(PY) -m pytest $(SPREAD) -m "not browser" --durations 8
	LIVEWALL_TEST_HTTP=1 FAULT_KILLS=8 $(PY) -m pytest $(SPREAD) $(OVER_HTTP) --durations 5
	$(PY) -m pytest -m browser --durations 5

# Half an hour or more; `make test` kills fifty times.
faults: $(STAMPS)/dev
	FAULT_KILLS=$${FAULT_KILLS:-500} $(PY) -m pytest tests/faults -s

# Twenty minutes; `make test` has one of a minute, without the server's memory.
soak: $(STAMPS)/dev
	$(PY) -m bench.soak

bench: $(STAMPS)/dev
	$(PY) -m bench.tick

bench-data: $(STAMPS)/dev
	$(PY) -m bench.data

bench-live: $(STAMPS)/dev
	$(PY) -m bench.live

# Beside a running wall (make run): docs/img/boards and docs/pictures.md. PICTURES="--boards event" takes some only.
# Of a running sale: make sale, and beside it PICTURES=--sale.
pictures: $(STAMPS)/dev
	$(PY) -m tests.browser.pictures $(PICTURES)

# What tests/browser/test_gallery_pictures.py compares the gallery with: look at what changed before it is committed.
gallery-pictures: $(STAMPS)/dev
	$(PY) -m tests.browser.gallery_pictures

# The demo wall in the evening of the last Double 11, with a store of its own that ends with it. SALE="--at 00:10"
sale: $(STAMPS)/dev
	@exec $(PY) -m tests.browser.sale $(SALE)

clean:
	rm -rf $(VENV)

$(STAMPS)/venv:
	@deploy/make-venv.sh $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv requirements.txt
	@echo "Installing what the wall needs into $(VENV) (about 900 MB; once) …"
	@$(INSTALL) -r requirements.txt
	@$(COMPILE)
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements-dev.txt
	@echo "Installing what the tests need …"
	@$(INSTALL) -q -r requirements-dev.txt
	@$(COMPILE)
	@touch $@
