"""Closes sockets, but for loopback, in the tests' own process and in all Python that they start.

An audit hook: the interpreter asks it before each connection, each datagram, each look-up of a
name, however it was asked for, and nothing takes it away again. The uvloop that servers run on
asks nobody, so its doors are closed one by one when it is imported. Other programs that tests
start (OPA, PostgreSQL, HAProxy) are given loopback addresses alone, but nothing here holds them.

With `GUARD_HOMES` set, a folder of gateways' homes, a gateway's process may open nothing in another
one's: neither a file, nor a database, nor a listing. What it tries is refused, and noted in
`GUARD_HOMES.elsewhere` beside that folder, so that a test sees what was read and closed again.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import ipaddress
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def _refuse_address(address: Any) -> None:
    """Let a connection or datagram pass to loopback and to Unix sockets alone."""
    if isinstance(address, tuple) and not _is_loopback(address[0]):
        raise PermissionError(f"a test may speak to loopback only, not to {address[0]}")


def _refuse_name(host: Any) -> None:
    """Let no name be looked up but loopback's; addresses need no look-up."""
    if host and not _is_address(host) and not _is_loopback(host):
        text = f"a test may look up no names, and this is one: {_text(host)}"
        raise socket.gaierror(socket.EAI_NONAME, text)


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: Any) -> bool:
    text = _text(host).partition("%")[0]
    if _is_address(text):
        return ipaddress.ip_address(text).is_loopback
    return text.casefold() == "localhost"


def _refuse_bare(_program: Any, _arguments: Any, _cwd: Any, env: Any = None) -> None:
    """Let no program be started with an environment that has lost this guard."""
    if env is not None and _HERE not in str(env.get("PYTHONPATH", "")).split(os.pathsep):
        raise PermissionError("a test starts programs with tests/guard on their PYTHONPATH")


def _refuse_elsewhere(path: Any, *_: Any) -> None:
    """Let a gateway's process open nothing in another gateway's home."""
    if isinstance(path, int):
        return
    # A database's address is a URI, with its mode behind.
    text = os.fsdecode(path or ".").removeprefix("file:").partition("?")[0]
    real, homes = Path(os.path.realpath(text)), Path(os.environ["GUARD_HOMES"])
    own = os.environ.get("SALLYPORT_HOME", "")
    if homes not in real.parents:
        return
    home = homes / real.relative_to(homes).parts[0]
    if str(home) == own or not home.is_dir():
        return
    with Path(f"{homes}.elsewhere").open("a", encoding="utf-8") as note:
        note.write(f"{own}\t{real}\n")
    raise PermissionError(f"a gateway opens nothing of another one's, and this is: {real}")


_HERE = str(Path(__file__).resolve().parent)
_CHECKS: dict[str, Callable[..., None]] = {
    "socket.connect": lambda _socket, address: _refuse_address(address),
    "socket.sendto": lambda _socket, address: _refuse_address(address),
    "socket.sendmsg": lambda _socket, address: _refuse_address(address),
    "socket.getaddrinfo": lambda host, *_: _refuse_name(host),
    "socket.gethostbyname": _refuse_name,
    "socket.gethostbyaddr": _refuse_name,
    "subprocess.Popen": _refuse_bare,
}
if os.environ.get("GUARD_HOMES"):
    _CHECKS |= dict.fromkeys(
        ("open", "sqlite3.connect", "os.listdir", "os.scandir"), _refuse_elsewhere
    )


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None:
        check(*arguments)


def _close_uvloop(module: Any) -> None:
    """Put the same checks before what uvloop's loop does in C."""
    loop = module.Loop
    connect, look_up = loop.create_connection, loop.getaddrinfo

    async def create_connection(
        self: Any, factory: Any, host: Any = None, port: Any = None, **more: Any
    ) -> Any:
        if host is not None:
            _refuse_name(host)
            _refuse_address((host, port))
        return await connect(self, factory, host, port, **more)

    async def getaddrinfo(self: Any, host: Any, port: Any, **more: Any) -> Any:
        _refuse_name(host)
        return await look_up(self, host, port, **more)

    async def create_datagram_endpoint(*_arguments: Any, **_more: Any) -> Any:
        raise PermissionError("a test sends no datagrams through uvloop, where none can be held")

    loop.create_connection = create_connection
    loop.getaddrinfo = getaddrinfo
    loop.create_datagram_endpoint = create_datagram_endpoint


class _WhenUvloopComes(importlib.abc.MetaPathFinder):
    """Stands aside for every import but the first of uvloop, whose loop it closes."""

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != "uvloop":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_close(module: ModuleType) -> None:
                run(module)
                _close_uvloop(module)

            setattr(spec.loader, "exec_module", run_and_close)  # noqa: B010 - the point of this
        return spec


sys.addaudithook(_hook)
if "uvloop" in sys.modules:
    _close_uvloop(sys.modules["uvloop"])
else:
    sys.meta_path.insert(0, _WhenUvloopComes())
