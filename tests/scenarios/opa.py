"""A real OPA server beside a gateway, run as `sallyport policy opa-config` says."""

import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from demo.world import Gateway


class Opa:
    """The server of one gateway."""

    def __init__(self, gateway: Gateway, program: Path, port: int) -> None:
        printed = gateway.command("policy", "opa-config", "--addr", f"127.0.0.1:{port}")
        self._words = [str(program), *shlex.split(printed.stdout)[1:]]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{port}"
        self.log = gateway.home.parent / f"opa-{port}.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                if httpx.get(self.url + "/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def deciding(gateway: Gateway, program: Path, port: int, **settings: str) -> Iterator[Opa]:
    """Have a running gateway decide by an OPA server, and by itself again at the end.

    `settings`: others of the gateway meanwhile, by their name in the environment.
    """
    made = Opa(gateway, program, port)
    made.start()
    before = dict(gateway.env)
    gateway.stop()
    gateway.env.update({"SALLYPORT_OPA_URL": made.url, **settings})
    gateway.start()
    gateway.ready()
    try:
        yield made
    finally:
        gateway.stop()
        gateway.env.clear()
        gateway.env.update(before)
        gateway.start()
        gateway.ready()
        made.stop()
