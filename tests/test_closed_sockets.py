"""Sockets are closed but for loopback: here, in each test, and in every process that a test starts.

192.0.2.1 is an address that no machine has (RFC 5737), `.invalid` a name that none has (RFC 6761).
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OUT = ("192.0.2.1", 9)
ROOT = Path(__file__).resolve().parents[1]


def connect() -> None:
    with socket.socket() as s:
        s.settimeout(1)
        s.connect(OUT)


def connect_ex() -> None:
    with socket.socket() as s:
        s.settimeout(1)
        s.connect_ex(OUT)


def sendto() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", OUT)


def sendmsg() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendmsg([b"x"], [], 0, OUT)


def look_up() -> None:
    socket.getaddrinfo("records.example.invalid", 443)


def look_up_old() -> None:
    socket.gethostbyname("records.example.invalid")


WAYS = [connect, connect_ex, sendto, sendmsg, look_up, look_up_old]


def test_loopback_is_open() -> None:
    """Also sees to it that none of the tests below is the first of the run."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port), timeout=5).close()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_leaves_this_process(way: Callable[[], None]) -> None:
    # pytest-socket's refusal comes as a warning, and warnings are errors here.
    with pytest.raises((OSError, UserWarning), match=r"a test may|A test tried to use socket"):
        way()


IN_A_CHILD = """
import asyncio, socket, sys
OUT = ("192.0.2.1", 9)
loop = __import__(sys.argv[1]).new_event_loop()
class P(asyncio.Protocol): pass
async def plain(): await loop.create_connection(P, *OUT)
async def named(): await loop.create_connection(P, "records.example.invalid", 443)
async def look_up(): await loop.getaddrinfo("records.example.invalid", 443)
async def datagram():
    t, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=OUT)
    t.sendto(b"x")
async def sock():
    s = socket.socket(); s.setblocking(False)
    await loop.sock_connect(s, OUT)
async def loopback():
    server = await loop.create_server(P, "127.0.0.1", 0)
    await loop.create_connection(P, "localhost", server.sockets[0].getsockname()[1])
for go in (plain, named, look_up, datagram, sock, loopback):
    try: loop.run_until_complete(asyncio.wait_for(go(), 2))
    except OSError as why: print(go.__name__, "refused" if "a test" in str(why) else repr(why))
    except BaseException as why: print(go.__name__, repr(why))
    else: print(go.__name__, "done")
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_nothing_leaves_a_process_that_a_test_starts(loop: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CHILD, loop], capture_output=True, text=True, check=True
    )
    ways = ("plain", "named", "look_up", "datagram", "sock")
    assert done.stdout.splitlines() == [*(f"{w} refused" for w in ways), "loopback done"]


def test_no_process_is_started_without_the_guard() -> None:
    guard = str(ROOT / "tests" / "guard")
    assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == guard
    for lost in ({}, {**os.environ, "PYTHONPATH": ""}, {**os.environ, "PYTHONPATH": str(ROOT)}):
        with pytest.raises(PermissionError, match="tests/guard"):
            subprocess.run([sys.executable, "-c", ""], env=lost, check=True)
    behind = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{guard}"}
    subprocess.run([sys.executable, "-c", ""], env=behind, check=True)
