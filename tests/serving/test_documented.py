"""What docs/serving.md and the README say of serving is done as it stands, in its order."""

import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.command_line import read_arguments
from serving.settings import ServingSettings
from serving.voice_list import load_voices
from tests.clients.exported_voice import HOUSE
from tests.serving.running import free_port, running_as
from tests.serving.test_openai_client import decoded

PAGE = (HOUSE / "docs" / "serving.md").read_text(encoding="utf-8")
README = (HOUSE / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))


def test_its_commands_and_its_program_do_what_they_say(
    voice_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    pytest.importorskip("openai", reason="openai is not installed")
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    shutil.copytree(voice_folder / "reader", "runs/ljspeech")
    port = str(free_port())
    lines = blocks("sh").replace("\\\n", " ").replace("8080", port).replace("10200", str(free_port())).splitlines()
    servers = [line for line in lines if line.startswith("python -m serving ")]
    assert len(servers) == 3
    assert "\npython -m serving runs/ljspeech\n" in README
    heard = ""
    with ExitStack() as serving:
        for line in lines:
            if line in servers:
                serving.close()
                monkeypatch.setattr(sys, "argv", [*shlex.split(line)[2:], "--port", port])
                given = read_arguments()
                serving.enter_context(running_as(load_voices(given.voices, "cpu"), given.settings, given.keys))
                if line == servers[0]:
                    exec(compile(blocks("python").replace("8080", port), "docs/serving.md", "exec"), {})
                continue
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}: {done.stderr}"
            heard += done.stdout
    assert '"error"' not in heard
    assert '"voices":["ljspeech"]' in heard
    assert "parlance_queue_length" in heard
    for name in ("hello.mp3", "piper.wav", "heard.wav"):
        assert len(decoded(Path(name).read_bytes())[0]) > 1000
    assert '"sentences"' in Path("captions.json").read_text()


def test_its_table_of_limits_has_their_defaults() -> None:
    rows = re.findall(r"^\| `--([\w-]+)` \| ([\d]+)", PAGE, flags=re.MULTILINE)
    assert len(rows) == 7
    defaults = {name.replace("_", "-"): field.default for name, field in ServingSettings.model_fields.items()}
    assert {name: float(value) for name, value in rows} == {name: float(defaults[name]) for name, _ in rows}


def test_its_links_lead_to_files() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    assert links
    assert [link for link in links if not (HOUSE / "docs" / link).exists()] == []
