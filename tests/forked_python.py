"""A `python` that starts at once: it runs each command in a fork of a process that has imported what takes long.

The tests run dozens of commands, and each would import torch for seconds. Arguments, environment, folder, standard
streams and exit code are those of a process of its own, and so are signals: what ends it ends the fork.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from tests.shared_folder import shared_folder

HOUSE = Path(__file__).resolve().parents[1]
PREPARED = "PARLANCE_TESTS_PREPARE"  # the environment variable with statements that are executed before a command
_CLIENT = """#!{python} -SE
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
answer = server.makefile()
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)])
socket.send_fds(server, [b"!"], [0, 1, 2])
server.sendall(asked.encode() + b"\\n")
process = int(answer.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(process, number))
code = int(answer.readline() or 1)
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


# What our commands import, part of it only when they need it.
LIBRARIES = (
    *("torch", "torchaudio", "torch._dynamo", "torch.utils.tensorboard", "scipy.signal", "scipy.stats", "librosa"),
    *("librosa.sequence", "matplotlib.figure", "matplotlib.backends.backend_agg", "soxr", "pydantic", "piper", "onnx"),
    *("onnxruntime", "numba"),
)
OURS = ("train", "infer")

_NAME, _PROCESS = "python", "process"  # of a test session: its folder, and the file with its number
_SERVERS: list["subprocess.Popen[bytes]"] = []  # that this process has started for the session


@contextlib.contextmanager
def forked_python(folder: Path) -> Iterator[dict[str, str]]:
    """An environment whose PATH begins with such a `python`, as long as the context is open.

    All processes of a test session have one; `end_shared_python` ends it.

    Args:
        folder: a new one, for the `python` outside of test sessions.
    """
    shared = shared_folder()
    if shared is None:
        server = _start(folder)
        try:
            yield _environment(folder)
        finally:
            server.terminate()
            server.wait()
        return
    folder = shared / _NAME
    with FileLock(f"{folder}.lock"):
        if not (folder / _PROCESS).exists():
            _SERVERS.append(_start(folder))
            (folder / _PROCESS).write_text(str(_SERVERS[-1].pid))
    yield _environment(folder)


def end_shared_python(shared: Path) -> None:
    """End the `python` of a test session, if it has begun."""
    process = shared / _NAME / _PROCESS
    if process.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process.read_text()), signal.SIGTERM)


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    """Make a folder with the programs, and start what they ask for forks."""
    folder.mkdir()
    address = str(folder / "socket")
    client = folder / "python"
    client.write_text(_CLIENT.format(python=sys.executable, address=address))
    (folder / "torchrun").write_text(f'#!/bin/sh\nexec "{client}" -m torch.distributed.run "$@"\n')
    for program in (client, folder / "torchrun"):
        program.chmod(0o755)
    command = [sys.executable, "-m", "tests.forked_python", address, *LIBRARIES, *OURS]
    server = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, env=_environment(folder))
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return server


def _environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))
    programs = {"PATH": path, "PYTHON_EXEC": str(folder / "python")}  # that of torchrun
    return {**os.environ, "OMP_NUM_THREADS": "1", **programs}


def _serve(address: str, *imported: str) -> None:
    for name in imported:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
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
    arguments, folder, environment = json.loads(connection.makefile().readline())
    child = os.fork()
    if child:
        for stream in streams:
            os.close(stream)
        connection.sendall(f"{child}\n".encode())
        threading.Thread(target=_end_with_client, args=(connection, child), daemon=True).start()
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(OSError):  # a client that was killed hears nothing
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[0] = folder
    exec(environment.get(PREPARED, ""))
    code = _run(arguments)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take down all that was imported takes long


def _end_with_client(connection: socket.socket, child: int) -> None:
    """Kill the fork when its client, which sends nothing more, is gone."""
    connection.recv(1)
    os.kill(child, signal.SIGKILL)


def _run(arguments: list[str]) -> int:
    """Run a script, a module after -m or statements after -c; return the exit code."""
    if arguments[0] == "-u":
        sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
        arguments = arguments[1:]
    how, *rest = arguments
    sys.argv = rest if how == "-m" else arguments
    try:
        if how == "-m":
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        elif how == "-c":
            sys.argv = [how, *rest[1:]]
            exec(rest[0], {"__name__": "__main__"})
        else:
            runpy.run_path(how, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # ends the process by its signal, as Python's own start does
        traceback.print_exc()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(*sys.argv[1:])
