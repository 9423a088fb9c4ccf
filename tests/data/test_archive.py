"""Archives that are damaged or mean harm: nothing gets out of the folder, and each is refused in one sentence."""

import bz2
import contextlib
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from data.archive import unpack
from data.ljspeech import NAME
from tests.data.small_ljspeech import Member, file, folders, packed, small_archive


def pax(name: str, **headers: str) -> Member:
    return file(name, b"x", pax_headers=headers)


WAV = f"{NAME}/wavs/a.wav"
HOSTILE: dict[str, list[Member]] = {
    "up": [file("../evil", b"x")],
    "up from inside": [file(f"{NAME}/../../evil", b"x")],
    "absolute": [file("/tmp/evil-ljspeech", b"x")],
    "beside": [file("evil", b"x")],
    "prefix": [file(f"{NAME}evil/a", b"x")],
    "folder up": [file("../evil", type=tarfile.DIRTYPE)],
    "symbolic link": [file(WAV, type=tarfile.SYMTYPE, linkname="../../../evil")],
    "hard link": [file(WAV, type=tarfile.LNKTYPE, linkname="../victim")],
    "through a link": [file(f"{NAME}/out", type=tarfile.SYMTYPE, linkname=".."), file(f"{NAME}/out/evil", b"x")],
    "pipe": [file(WAV, type=tarfile.FIFOTYPE)],
    "character device": [file(WAV, type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "block device": [file(WAV, type=tarfile.BLKTYPE, devmajor=8)],
    "unknown type": [file(WAV, b"x", type=b"Z")],
    "NUL": [pax("a", path=f"{NAME}/a\0b")],
    "line break": [file(f"{NAME}/a\nb", b"x")],
    "escape": [file(f"{NAME}/\x1b[2J", b"x")],
    "not UTF-8": [file(f"{NAME}/\udcff", b"x")],
    "Windows drive": [file(f"{NAME}/C:evil", b"x")],
    "backslash": [file(f"{NAME}/..\\..\\evil", b"x")],
    "twice": [file(WAV, b"x"), file(WAV, b"y")],
    "file as folder": [file(WAV, b"x"), file(f"{WAV}/b", b"y")],
    "folder as file": [file(WAV, type=tarfile.DIRTYPE), file(WAV, b"y")],
    "the folder itself": [*folders(), file(NAME, b"x")],
    "name of no disk": [file(f"{NAME}/{'a' * 300}", b"x")],
    "depth of no disk": [file(f"{NAME}/" + "a/" * 3000 + "a", b"x")],
    "sparse": [pax(WAV, **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" * 12})],
    "more than it may": [file(f"{NAME}/{number}", bytes(400_000)) for number in range(3)],
    "too many": [file(f"{NAME}/{number}") for number in range(101)],
    "absurd header": [file(f"{NAME}/" + "a" * 3_000_000, b"x")],
}


def refused(content: bytes, folder: Path) -> str:
    """Unpack what must be refused; the sentence, after seeing that nothing was written elsewhere."""
    inside = folder / "deep" / "inside"
    inside.mkdir(parents=True, exist_ok=True)
    (folder / "deep" / "victim").write_bytes(b"whole")
    path = folder / "deep" / "hostile.tar.bz2"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        unpack(path, inside, top=NAME, most_members=100, most_bytes=1_000_000)
    assert {entry.name for entry in inside.parent.iterdir()} == {"inside", "victim", "hostile.tar.bz2"}
    assert {entry.name for entry in folder.iterdir()} == {"deep"}
    assert (folder / "deep" / "victim").read_bytes() == b"whole"
    assert all(entry.is_dir() or (entry.is_file() and not entry.is_symlink()) for entry in inside.rglob("*"))
    assert not Path("/tmp/evil-ljspeech").exists()
    sentence = str(error.value)
    assert sentence.isprintable() or "\udcff" in sentence
    return sentence


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_hostile_gets_out_of_the_folder(kind: str, format: int, tmp_path: Path) -> None:
    if format == tarfile.GNU_FORMAT and kind in ("NUL", "sparse"):
        pytest.skip("only pax can say this")
    content = packed(HOSTILE[kind], format=format, encoding="utf-8", errors="surrogateescape")
    refused(content, tmp_path)


def test_a_declared_size_beyond_the_bound_is_refused_before_a_byte_is_written(tmp_path: Path) -> None:
    info = tarfile.TarInfo(WAV)
    info.size = 1 << 40
    sentence = refused(bz2.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000_000)), tmp_path)
    assert "more than" in sentence
    assert not any((tmp_path / "deep" / "inside").iterdir())


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo(WAV)
    info.size = -1024
    assert "has the size -1024" in refused(bz2.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)), tmp_path)


def test_a_header_that_decompresses_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    assert "header of absurd size" in refused(
        bz2.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(30_000_000)), tmp_path
    )


def test_names_upon_names_without_end_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    refused(bz2.compress(info.tobuf(tarfile.GNU_FORMAT) * 1900 + bytes(10_000)), tmp_path)


@pytest.mark.parametrize("content", [b"", b"BZh", b"BZh91AY&SY", b"garbage" * 1000, bz2.compress(b"not a tar" * 100)])
def test_garbage_is_refused(content: bytes, tmp_path: Path) -> None:
    refused(content, tmp_path)


def test_a_truncated_archive_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    archive = small_archive()
    for end in range(0, len(archive) - 100, len(archive) // 9):
        folder = tmp_path / str(end)
        folder.mkdir()
        assert "damaged" in refused(archive[:end], folder)


def test_a_tar_that_ends_within_a_file_is_refused(tmp_path: Path) -> None:
    archive = small_archive()
    refused(bz2.compress(bz2.decompress(archive)[:30_000]), tmp_path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_spoiled_tar_is_unpacked_inside_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = bytearray(bz2.decompress(packed([*folders(), pax("a", path=WAV, comment="b"), file(f"{NAME}/b", b"y")])))
    for _ in range(data.draw(st.integers(1, 4))):
        plain[data.draw(st.integers(0, 5000))] = data.draw(st.integers(0, 255))
    for start in range(0, 5120, 512):  # with right sums, or nothing else would ever be looked at
        block = plain[start : start + 512]
        if data.draw(st.booleans()) and any(block):
            total = sum(block) - sum(block[148:156]) + 8 * 32
            plain[start + 148 : start + 156] = b"%06o\0 " % total
    folder = tmp_path_factory.mktemp("spoiled")
    (folder / "inside").mkdir()
    (folder / "a.tar.bz2").write_bytes(bz2.compress(bytes(plain)))
    with contextlib.suppress(InputError):
        unpack(folder / "a.tar.bz2", folder / "inside", top=NAME, most_members=100, most_bytes=1_000_000)
    assert {entry.name for entry in folder.iterdir()} == {"inside", "a.tar.bz2"}
