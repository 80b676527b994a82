"""Have a candidate set vetted in a child process, and kill that if it takes too long."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from gateway.errors import PolicyRejected
from gateway.policy.engine import Limits
from gateway.policy.places import located
from gateway.policy.sets import PolicySet

_Asked: TypeAlias = tuple[str, str]
"""A set's revision, and the agency that it is vetted for."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """What vetting found: the number of tests, all passed, and the slowest case in ms of CPU.

    `run`: how many of the tests ran; the others passed before, and the edit can't touch them. The
    slowest is of what ran.
    """

    tests: int
    run: int
    slowest: str
    slowest_ms: float


class Vetter:
    """Vets sets, each in a child process. Three things let an edited set count sooner.

    A child may be kept ready: it has loaded what it needs and has looked through the set that
    passed last, half of the time of vetting an edited set. It leaves out the tests that passed
    there and that the edit can't touch. And a set may be vetted ahead, before anybody asks for it:
    whoever does then waits for the rest alone, and gets the same verdict.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ready: asyncio.subprocess.Process | None = None
        self._ahead: tuple[_Asked, asyncio.Task[dict[str, Any]]] | None = None
        self._passed: tuple[PolicySet, str] | None = None
        """The set that passed last, and the program that vetted it."""

    async def vet(
        self, candidate: PolicySet, self_ori: str, *, folder: Path | None = None
    ) -> Vetted:
        """Vet a set. Raises `PolicyRejected` with file, line and reason.

        What is vetted is the set as it was read, not the folder, which may change meanwhile.
        `folder` tells in which of its files, and in which line, a fault of the data stands.
        """
        try:
            verdict = await self._vetted_ahead((candidate.revision, self_ori))
            verdict = verdict or await self._verdict(candidate, self_ori, tests_only=False)
        except PolicyRejected as error:
            raise (located(error, folder) if folder else error) from None
        self._passed = candidate, verdict["program"]
        return Vetted(verdict["tests"], verdict["run"], verdict["slowest"], verdict["slowest_ms"])

    async def vet_ahead(self, candidate: PolicySet, self_ori: str) -> None:
        """Begin to vet a set that `vet` may be asked for soon. One is vetted ahead, the newest."""
        asked = candidate.revision, self_ori
        if self._ahead is None or self._ahead[0] != asked:
            await self._drop_ahead()
            vetting = self._verdict(candidate, self_ori, tests_only=False)
            self._ahead = asked, asyncio.create_task(vetting)

    async def _vetted_ahead(self, asked: _Asked) -> dict[str, Any] | None:
        """Give the verdict of the set that was vetted ahead, once; None if it was not, or failed.

        A failure may have been the machine's alone, and long ago: whoever asks has it vetted now.
        """
        if self._ahead is None or self._ahead[0] != asked:
            await self._drop_ahead()
            return None
        _, vetting = self._ahead
        try:
            return await vetting
        except (PolicyRejected, OSError):
            return None
        finally:
            await self._drop_ahead()

    async def _drop_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            _, vetting = ahead
            vetting.cancel()
            # Its verdict was told to who asked, or nobody asks any more.
            await asyncio.gather(vetting, return_exceptions=True)

    async def run_suite(self, candidate: PolicySet) -> dict[str, Any]:
        """Run every test of a set, as `suite.run_suite` gives it. Raises `PolicyRejected`."""
        return await self._verdict(candidate, "", tests_only=True)

    async def get_ready(self, known: PolicySet) -> None:
        """Start the next child now, and have it look through the set that passed last.

        Where none did yet, through `known`: then each test of the next set runs.
        """
        await self._end_ready()
        self._ready = child = await _start()
        before, program = self._passed or (known, None)
        if child.stdin is not None:
            message = {"known": before.canonical.decode(), "passed_by": program}
            child.stdin.write(_line(message))

    async def close(self) -> None:
        """End the children: the one that is ready, and the one that vets ahead."""
        await self._drop_ahead()
        await self._end_ready()

    async def _end_ready(self) -> None:
        child, self._ready = self._ready, None
        if child is not None:
            await _end(child)

    async def _verdict(
        self, candidate: PolicySet, self_ori: str, *, tests_only: bool
    ) -> dict[str, Any]:
        request = {
            "set": candidate.canonical.decode(),
            "self": self_ori,
            "limits": asdict(self._limits),
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
