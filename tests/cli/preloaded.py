"""Runs `sallyport` commands in processes forked from one that has everything loaded already.

Loading takes two seconds, and the walk types some twenty commands. Each still is a process of its
own, with its own words, folder, environment and streams; only the loading is shared.

`python preloaded.py SOCKET` serves. `CLIENT` is the program that is typed in its place.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

MOST = 2**20
CLIENT = """#!{python} -S
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({socket!r})
said = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(said).to_bytes(4, "big")], [0, 1, 2])
server.sendall(said)
sys.exit(int(server.makefile().read() or 1))
"""


def serve(path: str) -> None:
    """Fork a process for each command, until this one is ended."""
    from gateway.cli.main import main  # noqa: PLC0415 - what is loaded once

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            caller, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _answer(caller, main)
            caller.close()


def _answer(caller: socket.socket, main: object) -> None:
    """Take the place of the command that was typed, and say what it ended with."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, fds, _, _ = socket.recv_fds(caller, 4, 3)
    said = b""
    while len(said) < int.from_bytes(size, "big"):
        said += caller.recv(MOST)
    sys.argv, folder, environment = json.loads(said)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for theirs, ours in enumerate(fds):
        os.dup2(ours, theirs)
    code = 0
    try:
        main()  # type: ignore[operator]  # the command's
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    caller.sendall(str(code).encode())
    os._exit(code)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    serve(sys.argv[1])
