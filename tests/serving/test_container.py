"""The image, as far as it can be tried without building it: its linter, its files, its packages and its command."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.exported_voice import HOUSE
from tests.serving.running import free_port
from tests.serving.test_serving_command import served

DOCKERFILE = (HOUSE / "Dockerfile").read_text(encoding="utf-8")

IGNORED = shutil.ignore_patterns("__pycache__")

# Serves as the image does, says something, and prints the packages that this has imported.
IMPORTS = """
import importlib.metadata, json, sys
from serving.server import load_voices, make_app, Metrics, Service, WorkerPool
from serving.settings import ServingSettings
from serving.speech import Speech
voices, settings = load_voices(sys.argv[1:], "cpu"), ServingSettings()
pool = WorkerPool(1, 1)
make_app(Service(voices, settings, pool, Metrics(pool)))
for name in ("mp3", "wav"):
    b"".join(Speech(next(iter(voices)), "It is 12:30, and £5 are 3/4.", {"seed": 1}, name, "json").steps())
packages = importlib.metadata.packages_distributions()
print(json.dumps(sorted({one for name in sys.modules for one in packages.get(name, ())})))
"""


def instruction(name: str) -> list[str]:
    """The arguments of an instruction in the form of a list."""
    (found,) = re.findall(rf"^{name} (\[.*\])$", DOCKERFILE, flags=re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is copied into the image, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("image")
    for line in re.findall(r"^COPY (.*)$", DOCKERFILE, flags=re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (HOUSE / source).is_dir():
                shutil.copytree(HOUSE / source, folder / target, ignore=IGNORED, dirs_exist_ok=True)
            elif not (folder / source).exists():
                (folder / target).mkdir(exist_ok=True)
                shutil.copy(HOUSE / source, folder / target)
    return folder


def test_the_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, HOUSE / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_command_serves_a_voice_from_what_it_copies(image: Path, voice_folder: Path, tmp_path: Path) -> None:
    shutil.copy(voice_folder / "graph.onnx", tmp_path)
    shutil.copy(voice_folder / "graph.onnx.json", tmp_path)
    assert instruction("ENTRYPOINT") == ["python", "-m", "serving"]
    voices, *options = instruction("CMD")
    assert voices == "/voices"
    assert options == ["--host", "0.0.0.0", "--wyoming-port", "10200"]
    port = str(free_port())
    with served(tmp_path, *options[:2], "--port", port, "--wyoming-port", free_port(), folder=image) as server:
        assert server.say().status_code == 200
        (check,) = re.findall(r"CMD (\[.*urlopen.*\])", DOCKERFILE)
        _, *arguments = json.loads(check.replace(":8080/", f":{port}/"))
        subprocess.run([sys.executable, *arguments], check=True)
    assert not list(image.rglob("*.log"))


def test_its_packages_are_those_that_serving_imports(image: Path, voice_folder: Path) -> None:
    command = [sys.executable, "-c", IMPORTS, str(voice_folder / "graph.onnx")]
    done = subprocess.run(command, cwd=image, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = {name.lower().replace("_", "-") for name in json.loads(done.stdout.splitlines()[-1])}
    lock = (HOUSE / "serving" / "container.lock").read_text()
    # That Python comes with setuptools; sniffio is used by libraries where it is there.
    assert imported - {"setuptools", "sniffio"} <= set(re.findall(r"^([\w-]+)==", lock, flags=re.MULTILINE))


def test_its_packages_have_the_versions_of_everyone_else() -> None:
    ours, all_ = (
        set(re.findall(r"^([\w.-]+==[\w.]+)", (HOUSE / lock).read_text(), flags=re.MULTILINE))
        for lock in ("serving/container.lock", "requirements.lock")
    )
    assert len(ours) > 20
    assert ours <= all_


def test_it_runs_as_nobody_and_writes_nothing() -> None:
    assert "\nUSER 10001\n" in DOCKERFILE
    compose = (HOUSE / "compose.yaml").read_text()
    assert "read_only: true" in compose
    assert "cap_drop: [ALL]" in compose
    assert '"127.0.0.1:8080:8080"' in compose
    assert "./voice:/voices:ro" in compose
