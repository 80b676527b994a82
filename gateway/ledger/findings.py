"""What verification found, in words for an auditor."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN = 1_000
"""So many findings are named one by one; the rest is counted by kind."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `kind` is a stable word; `position` and `entry` say where."""

    kind: str
    text: str
    position: int | None = None
    entry: str | None = None


@dataclass(slots=True)
class Report:
    """What was checked, and what was found. `notes` say what could not be checked, and why."""

    origin: str
    entries: int = 0
    unnumbered: int = 0
    erased: int = 0
    opened: int = 0
    checkpoints: int = 0
    kept_checkpoints: int = 0
    receipts: int = 0
    root: str | None = None
    findings: list[Finding] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.kinds

    def add(
        self, kind: str, text: str, *, position: int | None = None, entry: str | None = None
    ) -> None:
        """Note a finding."""
        self.kinds[kind] += 1
        if len(self.findings) < SHOWN:
            self.findings.append(Finding(kind, text, position, entry))

    def as_json(self) -> dict[str, Any]:
        """Give it as one JSON object."""
        body = asdict(self)
        return {"intact": self.intact, **body, "kinds": dict(self.kinds)}
