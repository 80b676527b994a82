"""Have a candidate set vetted in a child process, and kill that if it takes too long."""

import asyncio
import sys
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


async def vet_apart(
    candidate: PolicySet, self_ori: str, limits: Limits, *, folder: Path | None = None
) -> Vetted:
    """Vet a set. Raises `PolicyRejected` with file, line and reason.

    What is vetted is the set as it was read, not the folder, which may change meanwhile. `folder`
    tells in which of its files, and in which line, a fault of the data stands.
    """
    try:
        verdict = await _apart(candidate, self_ori, limits, tests_only=False)
    except PolicyRejected as error:
        raise (located(error, folder) if folder else error) from None
    return Vetted(verdict["tests"], verdict["slowest"], verdict["slowest_ms"])


async def run_suite_apart(candidate: PolicySet, limits: Limits) -> dict[str, Any]:
    """Run every test of a set, as `suite.run_suite` gives it. Raises `PolicyRejected`."""
    return await _apart(candidate, "", limits, tests_only=True)


async def _apart(
    candidate: PolicySet, self_ori: str, limits: Limits, *, tests_only: bool
) -> dict[str, Any]:
    request = orjson.dumps(
        {
            "set": candidate.canonical.decode(),
            "self": self_ori,
            "case_ms": limits.case_ms,
            "vetting_s": limits.vetting_s,
            "tests_only": tests_only,
        }
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.policy.vet",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A panic of the engine prints what it was about.
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(limits.vetting_s):
            out, _ = await child.communicate(request)
    except TimeoutError:
        raise PolicyRejected(f"vetting took longer than {limits.vetting_s:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _verdict(out, child.returncode)


def _verdict(out: bytes, status: int | None) -> dict[str, Any]:
    try:
        verdict: dict[str, Any] = orjson.loads(out)
    except ValueError:
        raise PolicyRejected(f"the engine broke down while vetting (status {status})") from None
    if "rejected" in verdict:
        raise PolicyRejected(verdict["rejected"], where=verdict["where"])
    return verdict
