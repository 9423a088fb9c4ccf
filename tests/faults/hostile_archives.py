"""Archives that are made to harm: written outside of their folder, linked, endless, or of another SHA-256."""

import bz2
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from configs import AudioSettings, DataSettings, InputError
from data.archive import unpack
from data.clips import Clip
from data.ljspeech import NAME
from data.shards import INDEX, open_shards, write_shards
from tests.data.small_ljspeech import HASTE, Member, fetcher, file, packed, small_archive
from tests.data.web_server import Answer, serving
from tests.faults.fault import Outcome, fault
from text import SymbolTable
from voices.checkpoint import load_checkpoint, save_checkpoint
from voices.importing.torch_file import read_torch_file

_LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
_DEVICES = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, b"Z")
_MOST_BYTES = 1_000_000
_BOMB_BYTES = 50_000_000
_DATA, _AUDIO = DataSettings(root="nowhere"), AudioSettings()


def _refused(attempt: Callable[[], object], path: Path | str) -> str:
    """What is missed where an attempt is not refused in one sentence that names a file; empty where it is."""
    try:
        attempt()
    except InputError as error:
        return "" if str(path) in str(error) and "\n" not in str(error) else f"is told as {str(error)[:100]!r}"
    return "is accepted"


def _names_outside(chance: random.Random, marker: Path) -> str:
    up = "/".join([".."] * chance.randint(1, 9))
    inside = chance.choice(("", f"{NAME}/", f"{NAME}/wavs/", "./", "x/"))
    return chance.choice((f"{inside}{up}/{marker.name}", str(marker), f"/{marker}", f"{inside}{up}\\{marker.name}"))


def _hostile_tar(chance: random.Random, marker: Path) -> bytes:
    """A tar.bz2 with a harmless beginning, and then something that must not be unpacked."""
    harmless = [file(f"{NAME}/README", b"x"), file(f"{NAME}/wavs", type=tarfile.DIRTYPE)][: chance.randint(0, 2)]
    wav = f"{NAME}/wavs/{chance.randrange(100)}.wav"
    kind = chance.randrange(6)
    if kind == 0:
        hostile = [file(_names_outside(chance, marker), b"x")]
    elif kind == 1:
        target = chance.choice((str(marker), "..", f"../{marker.name}", wav, "/etc/passwd", "nothing"))
        hostile = [file(wav, type=chance.choice(_LINKS), linkname=target), file(f"{wav}/{marker.name}", b"x")]
    elif kind == 2:
        hostile = [file(wav, type=chance.choice(_DEVICES), devmajor=1, devminor=chance.choice((3, 5, 8)))]
    elif kind == 3:
        info = tarfile.TarInfo(wav)
        info.size = chance.choice((_MOST_BYTES + 1, 1 << 33, 1 << 60, -512))
        return bz2.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(_BOMB_BYTES // 10))
    elif kind == 4:  # names upon names: of absurd size, or without end
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, chance.choice((0, 1, 1 << 40))
        return bz2.compress(info.tobuf(tarfile.GNU_FORMAT) * 5000 + bytes(_BOMB_BYTES // 10))
    else:
        sizes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" * chance.randint(6, 5000)}
        hostile = [file(wav, b"x", pax_headers=sizes)]
    return packed([*harmless, *hostile], format=tarfile.PAX_FORMAT)


@fault(
    "a hostile tar: out of its folder, links, devices, bombs",
    goal="none leaves its folder, all refused",
    times=1000,
    times_in_ci=40,
)
def hostile_tars(times: int, folder: Path) -> Outcome:
    chance, failures = random.Random(4), []
    path, marker = folder / "hostile.tar.bz2", folder / "escaped"
    for number in range(times):
        inside = folder / "deep" / "inside" / str(number)
        inside.mkdir(parents=True)
        path.write_bytes(_hostile_tar(chance, marker))
        work = partial(unpack, path, inside, top=NAME, most_members=100, most_bytes=_MOST_BYTES)
        missed = _refused(work, path)
        escaped = [each for each in folder.rglob("escaped*") if inside not in each.parents]
        odd = [each for each in inside.rglob("*") if each.is_symlink() or not (each.is_dir() or each.is_file())]
        if escaped or odd:
            missed = f"has written {[*escaped, *odd][0]}"
        if missed:
            failures.append(f"archive {number} {missed}")
    return Outcome(f"{times - len(failures)} of {times} refused, none out of its folder", failures)


def _shards(folder: Path) -> Path:
    def clip(place: int) -> Clip:
        audio = np.random.default_rng(place).integers(-9, 9, 400, dtype=np.int16)
        return Clip(f"{place}", "a", np.array([1, 3, 2]), audio, 0)

    symbols = SymbolTable({"_": 0, "^": 1, "$": 2, "a": 3})
    train, validation = map(clip, range(3)), map(clip, range(3, 5))
    write_shards(train, validation, folder, data=_DATA, audio=_AUDIO, symbols=symbols, speakers=())
    return folder / "validation-00000.tar"


def _hostile_shard(chance: random.Random, whole: list[Member]) -> list[Member]:
    """The members of a shard, of which one is something else."""
    members, place = list(whole), chance.randrange(len(whole))
    name = members[place][0].name
    kind = chance.randrange(5)
    if kind == 0:
        target = chance.choice(("/etc/passwd", name, "000001.json", "nothing"))
        members[place] = file(name, type=chance.choice(_LINKS), linkname=target)
    elif kind == 1:
        members[place] = file(name, type=chance.choice(_DEVICES[:4]), devmajor=1, devminor=5)
    elif kind == 2:
        members[place] = file(name, bytes(512), pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": "9" * 12})
    elif kind == 3:
        members[place] = file("../" * chance.randint(1, 3) + name, members[place][1])
    else:
        ids: object = chance.choice(([], [4], [-1], [2**70], [[1]], [[1], [2, 3]], [1.5], None, "a", {}))
        content = json.dumps({"id": "a", "text": "a", "phoneme_ids": ids, "speaker": None}).encode()
        members[1] = file("000000.json", chance.choice((content, b"[" * 100_000, b"\xff", b"9" * 5000)))
    return members


@fault("a hostile shard of the right size", goal="all refused", times=1000, times_in_ci=100)
def hostile_shards(times: int, folder: Path) -> Outcome:
    chance, failures, path = random.Random(5), [], _shards(folder)
    with tarfile.open(path) as tar:
        whole = [file(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    index = json.loads((folder / INDEX).read_text())
    for number in range(times):
        with tarfile.open(path, "w:") as tar:
            for info, content in _hostile_shard(chance, whole):
                tar.addfile(info, io.BytesIO(content) if content else None)
        index["validation"][0]["bytes"] = path.stat().st_size
        (folder / INDEX).write_text(json.dumps(index))
        missed = _refused(lambda: open_shards(folder, _DATA, _AUDIO), path)
        if missed:
            failures.append(f"shard {number} {missed}")
    return Outcome(f"{times - len(failures)} of {times} refused", failures)


@fault("a zip that unpacks to a thousand times its size, as a checkpoint", goal="all refused", times=20, times_in_ci=4)
def zip_bombs(times: int, folder: Path) -> Outcome:
    path, failures = folder / "00000007.pt", []
    save_checkpoint(path, {"step": 7, "average": {"a": torch.zeros(_BOMB_BYTES // 4)}})
    with zipfile.ZipFile(path) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    for number in range(times):
        packing = (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED)[number % 4]
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", packing) as archive:
            for name, content in whole.items():
                archive.writestr(name, content)
        body = bomb.getvalue()[:-2] + (64).to_bytes(2, "little")
        path.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
        assert len(body) < _BOMB_BYTES / 100
        for reader in (load_checkpoint, read_torch_file):
            missed = _refused(partial(reader, path), path)
            if missed:
                failures.append(f"archive {number} {missed} by {reader.__name__}")
    return Outcome(f"{times - len(failures)} of {times} refused", failures)


@fault("a download of the wrong SHA-256", goal="none is unpacked, all removed", times=200, times_in_ci=30)
def wrong_sums(times: int, folder: Path) -> Outcome:
    chance, failures, whole = random.Random(6), [], small_archive()
    with serving("small.tar.bz2") as server:
        for number in range(times):
            damaged = bytearray(whole)
            damaged[chance.randrange(3, len(whole))] ^= 1 << chance.randrange(8)
            place = folder / str(number)
            fetch = fetcher(server, place)
            missed = _refused(partial(fetch, Answer(bytes(damaged)), patience=HASTE), server.url)
            left = [entry.name for entry in place.iterdir() if entry.name.startswith(NAME)]
            if missed or left:
                failures.append(f"download {number} {missed or f'has left {left}'}")
    return Outcome(f"{times - len(failures)} of {times} refused and removed", failures)
