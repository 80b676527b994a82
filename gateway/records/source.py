"""What sources of records are to the gateway: live ones, and how a mirrored one is kept up to date.

A live source is searched where its records are kept. A mirrored one is imported, now and then: its
mapping may say how often (`Poll`), and a person may have corrected rows of it (`Correction`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from gateway.model import Record, SubjectQuery

NOT_SOUGHT: Final = frozenset(
    {
        *("j:Victim", "j:Witness", "j:IncidentVictim", "j:IncidentWitness"),
        *("j:ProtectionOrderRestrictedPerson", "j:ProtectionOrderProtectedPersonAssociation"),
        *("j:ProtectionOrderPetitionerPersonAssociation", "j:CourtOrderRequestEntity"),
        *("j:CaseWitness", "j:CaseJuror", "j:CaseInitiatingParty"),
    }
)
"""Roles in which nobody is found: a match by such a name would tell who was hurt, who talked, or
whom an order protects."""


class RecordSource(Protocol):
    """Records that are searched where they are kept. Its calls block, on a worker thread.

    `terms` maps a kind of subject to the terms that the source holds.
    """

    @property
    def name(self) -> str:
        """The source's name in status and logs."""
        ...

    @property
    def record_types(self) -> frozenset[str]:
        """The record types it holds."""
        ...

    @property
    def terms(self) -> Mapping[str, frozenset[str]]:
        """The terms it can be searched by, by kind of subject."""
        ...

    @property
    def passed_over(self) -> int:
        """How often searches met a row that they could not give, since the start."""
        ...

    def as_of(self) -> datetime | None:
        """Give the moment that its records are of."""
        ...

    def candidates(
        self, query: SubjectQuery, record_types: frozenset[str], limit: int
    ) -> Sequence[Record]:
        """Give records that may match, more rather than fewer, up to `limit`."""
        ...

    def get(self, record_id: str) -> Record | None:
        """Give one record by its id."""
        ...


@dataclass(frozen=True, slots=True)
class Poll:
    """When a source is imported by itself: every so many seconds, or daily at times of a zone.

    A file younger than `settle_s` may still be being written, and is left for the next look.
    """

    every_s: int | None = None
    daily: tuple[time, ...] = ()
    zone: str = "UTC"
    settle_s: int = 30


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a mapping says of its source's upkeep.

    `files` are all that an import reads, the mapping among them; None for what is no file, such as
    a database server. `beside` are those of them that are no database. `max_shrink` is the share of
    records in percent that may go at once, `max_opened` of those handled alike that may be opened.
    `steady`: the files must be the same before and after they are read, as a database's need not.
    `dated`: a file says itself of what moment it is. `wrong` says why the mapping can't be used: it
    is not polled then.
    """

    name: str
    live: bool
    record_types: frozenset[str]
    files: tuple[Path, ...] | None
    poll: Poll | None = None
    max_shrink: float | None = None
    max_opened: float | None = None
    steady: bool = True
    beside: tuple[Path, ...] = ()
    dated: bool = False
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The legacy row that a record was made of. `span` counts the physical rows it holds.

    `fields` gives it as `SetAside.fields` has it. One row has one `Origin`, however many records
    are made of it.
    """

    line: int
    raw: str
    span: int
    fields: Callable[[], Mapping[str, Any] | None]
    corrected: bool = False
    key: str | None = None
    """As `SetAside.key`."""


BLANK: Final = "#blank"
"""Said of a column in a correction: nothing stands there. A cell left blank says nothing."""
Said: TypeAlias = Mapping[str, str | Sequence[Mapping[str, str]]]
"""What a source says of columns, and of repeated parts whole."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says of one row in place of its source: column to text, or `BLANK`.

    `groups` replaces repeated parts whole. `row_key` of the row's text is what it is known by, but
    that text is not all: columns may come from elsewhere, through a join or a reference. So it
    holds for a row only as long as the source says `said` of it. None: nobody noted what it said.
    """

    values: Mapping[str, str]
    groups: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    said: Said | None = None


NO_SUCH_COLUMN: Final = "correction.column"
"""Set aside: the row's correction says a column that the row does not have."""


def row_key(raw: str) -> str:
    """Give what a row is known by, as long as its source leaves it as it is: 32 hex digits."""
    return sha256(raw.encode(errors="surrogatepass")).hexdigest()[:32]
