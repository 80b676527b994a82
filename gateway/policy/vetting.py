"""Have a candidate set vetted in a child process, and kill that if it takes too long."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import PolicyRejected
from gateway.policy.engine import Limits
from gateway.policy.places import located
from gateway.policy.sets import PolicySet


@dataclass(frozen=True, slots=True)
class Vetted:
    """What vetting found: the number of tests, all passed, and the slowest case in ms of CPU."""

    tests: int
    slowest: str
    slowest_ms: float


class Vetter:
    """Vets sets, each in a child process. May keep one ready, so that a change counts sooner.

    A child that is ready has loaded what it needs and has looked through the tests of the set in
    force: half of the time of vetting an edited set.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ready: asyncio.subprocess.Process | None = None

    async def vet(
        self, candidate: PolicySet, self_ori: str, *, folder: Path | None = None
    ) -> Vetted:
        """Vet a set. Raises `PolicyRejected` with file, line and reason.

        What is vetted is the set as it was read, not the folder, which may change meanwhile.
        `folder` tells in which of its files, and in which line, a fault of the data stands.
        """
        try:
            verdict = await self._verdict(candidate, self_ori, tests_only=False)
        except PolicyRejected as error:
            raise (located(error, folder) if folder else error) from None
        return Vetted(verdict["tests"], verdict["slowest"], verdict["slowest_ms"])

    async def run_suite(self, candidate: PolicySet) -> dict[str, Any]:
        """Run every test of a set, as `suite.run_suite` gives it. Raises `PolicyRejected`."""
        return await self._verdict(candidate, "", tests_only=True)

    async def get_ready(self, known: PolicySet) -> None:
        """Start the next child now, and have it look through the tests of this set."""
        await self.close()
        self._ready = child = await _start()
        if child.stdin is not None:
            child.stdin.write(_line({"known": known.canonical.decode()}))

    async def close(self) -> None:
        """End the child that is ready, if there is one."""
        child, self._ready = self._ready, None
        if child is not None:
            await _end(child)

    async def _verdict(
        self, candidate: PolicySet, self_ori: str, *, tests_only: bool
    ) -> dict[str, Any]:
        request = {
            "set": candidate.canonical.decode(),
            "self": self_ori,
            "case_ms": self._limits.case_ms,
            "vetting_s": self._limits.vetting_s,
            "tests_only": tests_only,
        }
        child, self._ready = self._ready, None
        if child is None or child.returncode is not None:
            child = await _start()
        try:
            async with asyncio.timeout(self._limits.vetting_s):
                out, _ = await child.communicate(_line(request))
        except TimeoutError:
            raise PolicyRejected(
                f"vetting took longer than {self._limits.vetting_s:.0f} s"
            ) from None
        finally:
            await _end(child)
        return _read(out, child.returncode)


def _line(message: dict[str, Any]) -> bytes:
    return orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE)


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.policy.vet",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A panic of the engine prints what it was about.
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill a child that still runs, and those that it has forked."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


def _read(out: bytes, status: int | None) -> dict[str, Any]:
    try:
        verdict: dict[str, Any] = orjson.loads(out)
    except ValueError:
        raise PolicyRejected(f"the engine broke down while vetting (status {status})") from None
    if "rejected" in verdict:
        raise PolicyRejected(verdict["rejected"], where=verdict["where"])
    return verdict
