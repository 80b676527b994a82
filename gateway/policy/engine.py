"""What decides: the engine's protocol, with two implementations, and the limits of a decision."""

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.policy.sets import PolicySet

ENTRYPOINTS = ("ask", "answer", "release", "admit", "agencies")
"""Each is `data.sallyport.<name>.decision`: one value, from its own exact input."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a decision and the vetting of a set. Bytes, seconds, milliseconds of CPU.

    `case_ms`: one test, or one decision, of vetting. `largest_ms`: one on an input as large as any:
    well below `decision_ms`, since a decision in process can't be stopped.
    """

    input_bytes: int = 256 * 1024
    vetting_s: float = 60.0
    case_ms: float = 50.0
    largest_ms: float = 600.0
    decision_ms: float = 1_000.0
    files: int = 500
    set_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Decided:
    """One outcome as the engine gave it, unchecked, and the revision of the set that made it."""

    outcome: Any
    revision: str


class Engine(Protocol):
    """Evaluates one entrypoint of the active set. Whatever goes wrong is `PolicyUnavailable`."""

    @property
    def name(self) -> str:
        """A word for the status page."""

    async def activate(self, candidate: PolicySet) -> None:
        """Decide by this set from now on, or raise `PolicyRejected` and go on with the old one."""

    async def decide(self, entrypoint: str, input_json: bytes) -> Decided:
        """Evaluate one of `ENTRYPOINTS` on canonical JSON. Raises `PolicyUnavailable`."""

    def trouble(self) -> str | None:
        """Say why the last decision could not be had, or None when it could."""

    async def close(self) -> None:
        """Let go of what it holds."""
