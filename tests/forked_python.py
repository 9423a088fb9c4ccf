"""A `python` that starts at once: it runs each command in a fork of a process that has imported what takes long.

The tests run dozens of commands, and each would import torch for seconds. Arguments, environment, folder, standard
streams and exit code are those of a process of its own.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
_CLIENT = """#!{python} -SE
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [b"!"], [0, 1, 2])
server.sendall(asked)
server.shutdown(socket.SHUT_WR)
sys.exit(int(server.recv(8) or b"1"))
"""


# What our commands import, part of it only when they need it.
LIBRARIES = (
    *("torch", "torchaudio", "torch._dynamo", "torch.utils.tensorboard", "scipy.signal", "scipy.stats", "librosa"),
    *("librosa.sequence", "matplotlib.figure", "matplotlib.backends.backend_agg", "soxr", "pydantic", "piper", "onnx"),
    *("onnxruntime", "numba"),
)
OURS = ("train", "infer")


@contextlib.contextmanager
def forked_python(
    folder: Path, *, imported: Sequence[str] = (*LIBRARIES, *OURS), prepare: str = ""
) -> Iterator[dict[str, str]]:
    """An environment whose PATH begins with such a `python`, as long as the context is open.

    Args:
        folder: a new one, for the `python`.
        imported: the modules that are imported before the first fork, as far as they are installed.
        prepare: statements that are executed before the first fork.
    """
    folder.mkdir()
    address = str(folder / "socket")
    client = folder / "python"
    client.write_text(_CLIENT.format(python=sys.executable, address=address))
    client.chmod(0o755)
    environment = {**os.environ, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_python", address, prepare, *imported],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield environment | {"PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
    finally:
        server.terminate()
        server.wait()


def _serve(address: str, prepare: str, *imported: str) -> None:
    for name in imported:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    exec(prepare)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    gc.freeze()  # so that a collection in a fork copies no memory
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(connection)
        connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(connection: socket.socket) -> None:
    """Run what is asked for in a process of its own, and tell its exit code; never returns."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    arguments, folder, environment = json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))
    child = os.fork()
    if child:
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        connection.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[0] = folder
    code = _run(arguments)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take down all that was imported takes long


def _run(arguments: list[str]) -> int:
    """Run a script, or a module after -m; return the exit code."""
    as_module = arguments[0] == "-m"
    sys.argv = arguments[1:] if as_module else arguments
    try:
        if as_module:
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(*sys.argv[1:])
