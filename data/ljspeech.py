"""`python -m data.ljspeech --download DIR`: LJSpeech 1.1 (Ito & Johnson, 2017; public domain), downloaded into DIR.

The archive has 2.7 GB, and DIR/LJSpeech-1.1 another 3.8 GB. Interrupted at any moment, the same command continues from
there; the folder appears complete or not at all.
"""

from configs.command_line import check_arguments
from data.command_line import LJSPEECH_SHA256, LJSPEECH_URL, read_ljspeech_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_ljspeech_arguments)

import os
import shutil
import sys
import tempfile
from pathlib import Path

from configs import InputError, command
from configs.folder_lock import alone_in
from data.archive import unpack
from data.download import Patience, download, hash_file

NAME = "LJSpeech-1.1"
RECORDINGS = 13_100
LOCK = ".LJSpeech.lock"

# The real one has 13 104 members and 3 801 111 440 bytes.
_MOST_MEMBERS = 20_000
_MOST_BYTES = 6_000_000_000
_WAV_HEADER_BYTES = 44


def fetch_ljspeech(
    folder: Path,
    *,
    url: str = LJSPEECH_URL,
    sha256: str = LJSPEECH_SHA256,
    recordings: int | None = RECORDINGS,
    patience: Patience | None = None,
) -> Path:
    """Download, verify and unpack LJSpeech, as far as an earlier call has not done so.

    Args:
        folder: of LJSpeech-1.1.tar.bz2 and LJSpeech-1.1/; created if missing.
        url: of the archive.
        sha256: of the archive, 64 lower-case hexadecimal digits.
        recordings: expected number; None accepts any.
        patience: timeouts and retries.

    Returns:
        The folder of the corpus, `folder`/LJSpeech-1.1.

    Raises:
        InputError: as `download` and `unpack`; or `folder` has unexpected content, or is in use by another process.
    """
    corpus, archive = folder / NAME, folder / f"{NAME}.tar.bz2"
    if _is_complete(corpus, recordings):  # before anything is written: the folder may be read-only
        print(f"{corpus} is complete: nothing to do")
        return corpus
    busy = "fetching LJSpeech here: wait until it has finished"
    with alone_in(folder, lock=LOCK, busy=busy, advice="give another folder"):
        if _is_complete(corpus, recordings):  # thanks to a process that has just finished
            return corpus
        for leftover in folder.glob(f".{NAME}.*"):  # of a process that was killed
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()
        if not archive.exists():
            print(f"fetching {url}", flush=True)
            download(url, archive, sha256=sha256, magic=b"BZh", patience=patience)
        elif (found := hash_file(archive)[0].hexdigest()) != sha256:
            raise InputError(f"{archive}: has the SHA-256 {found}, not {sha256}: remove it, run the same command again")
        print(f"unpacking {archive}", flush=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{NAME}.", ignore_cleanup_errors=True) as temporary:
            unpacked = Path(temporary)
            unpack(archive, unpacked, top=NAME, most_members=_MOST_MEMBERS, most_bytes=_MOST_BYTES)
            if missing := _missing(unpacked, recordings):
                raise InputError(f"{archive}: {missing}: remove it, and fetch it anew from another address")
            unpacked.chmod(0o755)  # a temporary folder is its owner's alone
            if hasattr(os, "sync"):  # or a power cut could leave a folder that only looks complete
                os.sync()
            unpacked.rename(corpus)
    print(f"{corpus} is complete; {archive} is no longer needed")
    return corpus


def _is_complete(corpus: Path, recordings: int | None) -> bool:
    if not os.path.lexists(corpus):
        return False
    if missing := _missing(corpus, recordings):
        raise InputError(f"{corpus}: {missing}: move or remove the folder, then run the same command again")
    return True


def _missing(corpus: Path, recordings: int | None) -> str:
    """What the corpus lacks, in words; empty if it is complete."""
    try:
        rows = (corpus / "metadata.csv").read_text(encoding="utf-8").split("\n")
        with os.scandir(corpus / "wavs") as entries:
            wavs = {entry.name for entry in entries if entry.is_file() and entry.stat().st_size > _WAV_HEADER_BYTES}
    except (OSError, UnicodeDecodeError) as error:
        return f"is not LJSpeech ({error})"
    ids = [row.partition("|")[0] for row in rows if row]
    lacking = [f"wavs/{identity}.wav" for identity in ids if f"{identity}.wav" not in wavs]
    if lacking:
        return f"{len(lacking)} of {len(ids)} recordings are missing or empty, the first of them {lacking[0]}"
    if not ids or recordings not in (None, len(ids)):
        return f"metadata.csv names {len(ids)} recordings" + (f", not {recordings}" if recordings else "")
    return ""


@command
def main() -> int:
    """Download LJSpeech."""
    given = read_ljspeech_arguments()
    sha256 = given.sha256.lower()
    recordings = RECORDINGS if sha256 == LJSPEECH_SHA256 else None
    fetch_ljspeech(given.download, url=given.url, sha256=sha256, recordings=recordings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
