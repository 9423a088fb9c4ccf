"""The README and docs/ are true: their commands run, in their order, and the files they name are there."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from configs import load_config
from tests.embedded import make_embedded_corpus
from tests.forked_python import PREPARED
from tests.voices.importing.foreign_files import original_synthesizer, write_original

HOUSE = Path(__file__).resolve().parents[1]
PAGES = [
    HOUSE / "README.md",
    *(
        HOUSE / "docs" / f"{page}.md"
        for page in ("data", "training", "fine-tuning", "losses", "evaluation", "speaking", "exporting", "extending")
    ),
]
README, *_ = TEXTS = [page.read_text(encoding="utf-8") for page in PAGES]
LINKING = [*PAGES, HOUSE / "CONTRIBUTING.md", HOUSE / "CHANGELOG.md"]

# So that a command that trains for days ends in seconds; the last word on a setting counts.
SHORTER = (
    *("train.steps=2", "train.batch_size=2", "train.precision=fp32", "train.spoken_sentences=1"),
    *("model.text_layers=1", "model.posterior_layers=2", "model.coupling_wavenet_layers=1", "model.duration_flows=2"),
    *("model.hidden_channels=32", "model.latent_channels=32", "model.filter_channels=64", "model.duration_channels=32"),
    *(
        "discriminator.channel_divisor=16",
        "discriminator.periods=[2]",
        "data.validation_clips=2",
        "train.report_every=1",
    ),
)
SMALLER = {  # the decoder, by the settings of the command
    "configs/finetune.toml": ("decoder.channels=32", "decoder.layers=1", "run.recovery_steps=0"),
    "": (
        *("decoder.initial_channels=32", "decoder.residual_block=2"),
        *("decoder.residual_kernel_sizes=[3]", "decoder.residual_dilations=[[1, 2]]"),
    ),
}


RECOGNISER_IN_SECONDS = """
from training.recogniser.of_corpus import train_or_load
train_or_load.__kwdefaults__["trained_hours"] = 0.005
"""


def blocks(language: str) -> list[str]:
    """The code blocks of a language, of all pages."""
    return re.findall(rf"^```{language}\n(.*?)^```", "\n".join(TEXTS), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project and a small corpus in the place of LJSpeech."""
    folder = tmp_path_factory.mktemp("newcomer")
    for path in HOUSE.iterdir():
        if path.name not in ("runs", "corpora", "cache") and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    corpus = make_embedded_corpus(folder / "LJSpeech-1.1")
    rows = (corpus / "metadata.csv").read_text().splitlines()[:8]
    (corpus / "metadata.csv").write_text("\n".join(rows))
    # Another program's checkpoint.
    write_original(folder / "original", original_synthesizer().state_dict()).rename(folder / "G_100000.pth")
    (folder / "original" / "config.json").rename(folder / "config.json")
    return folder


def shortened(command: str) -> str:
    """The command as it stands, or with less to do where it would train for days."""
    if "train.py --resume" in command:
        return f"{command} train.steps=3"
    if "data.shards " in command:
        return f"{command} data.validation_clips=2"
    if command.startswith("python -m evaluation runs/ljspeech"):
        return f"{command} --sentences 1"
    smaller = next(settings for file, settings in SMALLER.items() if file in command)
    return f"{command} {shlex.join((*SHORTER, *smaller))}" if "train.py" in command else command


@pytest.mark.slow
def test_their_commands_run_in_their_order(newcomer: Path, forked: dict[str, str]) -> None:
    lines = dict.fromkeys(line for block in blocks("sh") for line in block.splitlines())
    commands = [
        line
        for line in lines
        if not line.startswith(("make ", "tensorboard ", "python -m data.ljspeech ", "python -m serving "))
    ]
    assert len(commands) >= 6
    (program,) = blocks("python")
    (newcomer / "program.py").write_text(program)
    for command in (*commands, "python program.py"):
        done = subprocess.run(
            ["bash", "-c", shortened(command)],
            cwd=newcomer,
            env=forked | {PREPARED: RECOGNISER_IN_SECONDS},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    for made in ("hello.wav", "tomato.wav", "runs/ljspeech/curves.html", "runs/ljspeech/checkpoints/00000003.pt"):
        assert (newcomer / made).stat().st_size > 1000, made


def test_the_files_they_name_are_there() -> None:
    rooms = "configs|data|models|losses|metrics|training|evaluation|docs|tests"
    named = re.findall(rf"`((?:{rooms})/[\w/.]*)`", "\n".join(TEXTS))
    assert len(named) > 10
    assert [name for name in named if not (HOUSE / name).exists()] == []


def test_their_links_lead_to_files() -> None:
    for page in LINKING:
        text = page.read_text(encoding="utf-8")
        links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
        assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_has_at_most_1500_words() -> None:
    assert len(README.split()) <= 1500


def test_the_settings_of_make_finetune_demo_are_settings() -> None:
    command = ["make", "--dry-run", "--old-file=setup", "RECORDINGS=speech", "finetune-demo"]
    printed = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    (line,) = re.findall(r"train\.py ([^&]*)&&", printed.replace("\\\n", " "))
    file, *arguments = line.split()
    config = load_config(HOUSE / file, [argument for argument in arguments if "=" in argument])
    assert (config.data.root, config.train.hours, config.run.recovery_steps) == ("speech", 0.1, 150)
    assert "--or-resume --warm-start" in line


def test_the_make_targets_it_names_are_there() -> None:
    targets = re.findall(r"^make ([\w-]+)", README, flags=re.MULTILINE)
    assert set(targets) == {"hello", "demo", "test-fast", "test", "lint"}
    rules = (HOUSE / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", rules, flags=re.MULTILINE) for target in targets)
