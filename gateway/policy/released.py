"""What a person at this agency has released to another agency: the paper, records, classes, end.

A judicial warrant, a court's order, somebody's consent: no question can claim it. A person here
looks at the paper and records it (`sallyport release`); the rules then see it beside the question,
and the records that it names carry its id. What it opens, if anything, is for the rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.model import JudicialWarrant, stamp
from gateway.names import mark

FACT = "released_under"
"""The fact of a record that names its releases. Only the gateway sets it."""


def warrant_input(warrant: JudicialWarrant) -> dict[str, str | None]:
    """Give a warrant as the rules see it: court, number, whom it names, the document's digest.

    `person` is a mark of the name and not the name; None where it has no letters.
    """
    return {
        "court": warrant.court,
        "number": warrant.number,
        "person": mark(warrant.person),
        "document": warrant.document.digest,
    }


@dataclass(frozen=True, slots=True)
class PersonRelease:
    """One release. `warrant` is its paper, as `warrant_input` gives it. Ends at `until`."""

    id: str
    basis: str
    asker: str
    records: frozenset[str]
    classes: tuple[str, ...]
    until: datetime
    warrant: Mapping[str, str | None] | None = None

    def as_input(self) -> dict[str, Any]:
        """Give it as the rules see it: which records it names stands with the records."""
        return {
            "id": self.id,
            "basis": self.basis,
            "asker": self.asker,
            "classes": list(self.classes),
            "until": stamp(self.until),
            "warrant": None if self.warrant is None else dict(self.warrant),
        }
