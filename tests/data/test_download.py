"""Fetching LJSpeech: whatever the network and the server do, the right file comes, or one sentence."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs import InputError
from data.ljspeech import LOCK, NAME, fetch_ljspeech
from tests.data.small_ljspeech import (
    DONE,
    HALF,
    HASTE,
    RECORDINGS,
    Fetch,
    Tree,
    contents,
    names,
    sha256,
)
from tests.data.web_server import Answer, Server


def test_the_folder_holds_what_was_packed_and_a_second_run_asks_the_server_nothing(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contents(fetch(Answer(archive))) == tree
    assert names(tmp_path) == DONE
    assert len(server.requests) == 1
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in tmp_path.rglob("*") if path.name != LOCK)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    fetch(Answer(archive))
    assert len(server.requests) == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', None])
def test_cut_at_any_byte_no_byte_is_sent_twice(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree, tmp_path: Path, etag: str | None
) -> None:
    good = Answer(archive, etag=etag, date="Mon, 19 Feb 2018 00:00:00 GMT" if etag else None)
    for cut in (0, 1, 2, 3, 4, 100, 65535, 65536, 65537, len(archive) - 1):
        server.requests.clear()
        assert contents(fetch(replace(good, cut=cut), good)) == tree
        if cut < 3:  # too little to know that it is the archive
            assert [request.range for request in server.requests] == [None, None]
        else:
            assert server.requests[1].range == f"bytes={cut}-"
            assert sum(request.sent for request in server.requests) == len(archive)
            assert server.requests[1].if_range == (etag if etag == '"one"' else good.date)
        (tmp_path / f"{NAME}.tar.bz2").unlink()
        (tmp_path / NAME).rename(tmp_path.parent / f"{tmp_path.name}-{cut}")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 40_000), max_size=6), ranges=st.booleans())
def test_cut_again_and_again_it_still_ends_well(
    server: Server,
    archive: bytes,
    tree: Tree,
    tmp_path_factory: pytest.TempPathFactory,
    cuts: list[int],
    ranges: bool,
) -> None:
    server.script[:] = [*(Answer(archive, ranges=ranges, cut=cut) for cut in cuts), Answer(archive, ranges=ranges)]
    corpus = fetch_ljspeech(
        tmp_path_factory.mktemp("cuts"),
        url=server.url,
        sha256=sha256(archive),
        recordings=RECORDINGS,
        patience=replace(HASTE, attempts=7),
    )
    assert contents(corpus) == tree


def test_a_server_that_gives_a_little_at_a_time_is_asked_until_it_has_given_all(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree
) -> None:
    assert contents(fetch(Answer(archive, cut=5000), Answer(archive, at_most=5000))) == tree
    assert sum(request.sent for request in server.requests) == len(archive)
    assert len(server.requests) > 3 * HASTE.attempts  # every one of them brought something


def test_after_too_many_cuts_the_next_run_goes_on_from_there(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"3 times in a row.* 30000 bytes that have come are kept"):
        fetch(Answer(archive, cut=30_000), Answer(archive, cut=0))
    assert names(tmp_path) == HALF
    assert (tmp_path / f"{NAME}.tar.bz2.part").read_bytes() == archive[:30_000]
    server.requests.clear()
    assert contents(fetch(Answer(archive))) == tree
    assert [(request.range, request.if_range) for request in server.requests] == [("bytes=30000-", '"one"')]


def test_another_address_goes_on_with_what_the_first_gave(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree
) -> None:
    with pytest.raises(InputError):
        fetch(Answer(archive, cut=30_000), Answer(archive, cut=0))
    server.requests.clear()
    server.url = server.url.replace("/LJ", "/mirror/LJ")
    assert contents(fetch(Answer(archive, etag='"its own"'))) == tree
    assert [(request.range, request.if_range) for request in server.requests] == [("bytes=30000-", None)]


@pytest.mark.parametrize("deaf", [False, True], ids=["If-Range heeded", "If-Range ignored"])
def test_a_file_that_changed_on_the_server_is_not_glued_to_an_old_half(
    fetch: Fetch, archive: bytes, tree: Tree, deaf: bool
) -> None:
    old = bytes(reversed(archive))
    old = b"BZh" + old[3:]
    new = Answer(archive, etag='"two"', deaf_to_if_range=deaf)
    assert contents(fetch(Answer(old, cut=30_000), new)) == tree


def test_without_validators_a_file_of_another_size_is_not_glued_either(
    fetch: Fetch, archive: bytes, tree: Tree
) -> None:
    old = Answer(b"BZh" + bytes(len(archive)), etag=None, cut=30_000)
    assert contents(fetch(old, Answer(archive, etag=None))) == tree


def test_a_file_that_became_shorter_than_the_old_half_is_fetched_anew(fetch: Fetch, archive: bytes, tree: Tree) -> None:
    old = Answer(archive + bytes(1000), claimed_length=len(archive) + 2000, etag=None)
    assert contents(fetch(old, Answer(archive, etag=None))) == tree


@pytest.mark.parametrize("shift", [-1, 1, -70_000])
def test_a_continuation_from_the_wrong_place_is_not_used(fetch: Fetch, archive: bytes, tree: Tree, shift: int) -> None:
    assert contents(fetch(Answer(archive, cut=30_000), Answer(archive, shift=shift))) == tree


def test_a_length_that_is_too_long_does_not_hide_that_all_has_come(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree
) -> None:
    assert contents(fetch(Answer(archive, claimed_length=len(archive) + 1000))) == tree
    assert len(server.requests) == 1


def test_without_a_length_the_file_is_complete_when_its_sum_is_right(fetch: Fetch, archive: bytes, tree: Tree) -> None:
    assert contents(fetch(Answer(archive, claimed_length=-1))) == tree


def test_a_length_that_is_too_short_ends_in_one_sentence_and_a_fresh_start(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"SHA-256 .* was removed: run the same command again"):
        fetch(Answer(archive, claimed_length=len(archive) - 1000))
    assert names(tmp_path) == set()
    assert contents(fetch(Answer(archive))) == tree
    assert server.requests[-1].range is None


def test_another_file_at_the_address_is_refused_and_removed(fetch: Fetch, archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{sha256(archive[:-1])}, not {sha256(archive)}"):
        fetch(Answer(archive[:-1]))
    assert names(tmp_path) == set()


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/x-bzip2"])
@pytest.mark.parametrize("status", [200, 206])
def test_a_sign_in_page_is_named_and_costs_nothing_that_has_come(
    fetch: Fetch, archive: bytes, tree: Tree, tmp_path: Path, content_type: str, status: int
) -> None:
    with pytest.raises(InputError):
        fetch(Answer(archive, cut=30_000), Answer(archive, cut=0))
    page = b"<html>Welcome to the Grand Hotel</html>"
    with pytest.raises(InputError, match=r"sign-in page|3 times in a row"):
        fetch(Answer(page, content_type=content_type, status=status, etag=None))
    assert (tmp_path / f"{NAME}.tar.bz2.part").read_bytes() == archive[:30_000]
    assert contents(fetch(Answer(archive))) == tree


def test_a_fault_of_the_server_that_passes_is_waited_out(fetch: Fetch, archive: bytes, tree: Tree) -> None:
    busy = [Answer(b"busy", status=status) for status in (500, 503)]
    more = [Answer(b"busy", status=status) for status in (429, 502)]
    assert contents(fetch(*busy, Answer(archive, cut=30_000), *more, Answer(archive))) == tree


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, 3)])
def test_a_fault_of_the_server_that_stays_is_one_sentence(
    fetch: Fetch, server: Server, tmp_path: Path, status: int, requests: int
) -> None:
    with pytest.raises(InputError, match=rf"answered HTTP {status}.*--url"):
        fetch(Answer(b"<html>no</html>", status=status, content_type="text/html"))
    assert len(server.requests) == requests


def test_a_server_that_falls_silent_is_asked_again(fetch: Fetch, server: Server, archive: bytes, tree: Tree) -> None:
    silent = [Answer(archive, cut=0, hang=True), Answer(archive, cut=66_000, hang=True)]
    assert contents(fetch(*silent, Answer(archive), patience=replace(HASTE, timeout_seconds=0.2))) == tree
    assert server.requests[2].range == "bytes=66000-"


def test_redirects_are_followed(fetch: Fetch, server: Server, archive: bytes, tree: Tree) -> None:
    away = [Answer(b"", status=302, location="/there"), Answer(b"", status=307, location="/and/there")]
    assert contents(fetch(*away, Answer(archive, cut=30_000), away[0], Answer(archive))) == tree
    assert [request.path for request in server.requests[1:3]] == ["/there", "/and/there"]
    assert server.requests[-1].range == "bytes=30000-"


def test_redirects_in_a_circle_are_one_sentence(fetch: Fetch) -> None:
    with pytest.raises(InputError, match="cannot be fetched"):
        fetch(Answer(b"", status=302, location="/there"))


@pytest.mark.parametrize(
    "url", ["LJSpeech.tar.bz2", "file:///etc/passwd", "http://", "http://[::1", "http://a..b/", ""]
)
def test_an_address_that_is_none_is_one_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match=r"is not an address|cannot be fetched"):
        fetch_ljspeech(tmp_path, url=url, patience=HASTE)


def test_an_address_nobody_listens_at_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"connection failed .* 3 times in a row"):
        fetch_ljspeech(tmp_path, url="http://127.0.0.1:9/", patience=HASTE)


@pytest.mark.parametrize("note", [None, b"", b"{", b"[1]", b'{"url": 1}', b"\xff"])
def test_a_half_whose_note_is_lost_is_fetched_anew(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree, tmp_path: Path, note: bytes | None
) -> None:
    (tmp_path / f"{NAME}.tar.bz2.part").write_bytes(archive[:1000])
    if note is not None:
        (tmp_path / f"{NAME}.tar.bz2.part.json").write_bytes(note)
    assert contents(fetch(Answer(archive))) == tree
    assert [request.range for request in server.requests] == [None]
    assert names(tmp_path) == DONE


def test_a_half_that_the_disk_has_spoiled_is_found_out(
    fetch: Fetch, archive: bytes, tree: Tree, tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        fetch(Answer(archive, cut=30_000), Answer(archive, cut=0))
    part = tmp_path / f"{NAME}.tar.bz2.part"
    part.write_bytes(bytes(10) + part.read_bytes()[10:])
    with pytest.raises(InputError, match="SHA-256"):
        fetch(Answer(archive))
    assert contents(fetch(Answer(archive))) == tree


def test_a_half_longer_than_the_file_is_fetched_anew(fetch: Fetch, archive: bytes, tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        fetch(Answer(archive, cut=30_000), Answer(archive, cut=0))
    with (tmp_path / f"{NAME}.tar.bz2.part").open("ab") as part:
        part.write(bytes(len(archive)))
    assert contents(fetch(Answer(archive))) == tree
