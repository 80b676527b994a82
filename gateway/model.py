"""What the domain speaks of. Frozen values: no input, no output, no HTTP.

The constraints in the annotations are the limits of the wire. They are enforced where a value comes
from outside (`pydantic.TypeAdapter`), not when our own code builds one. Unknown keys are refused.

Purposes, record types, element classes, handling facts and agencies are *data*: plain words here,
given meaning by the policy set alone.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, NewType, Protocol, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

Json: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None
Message: TypeAlias = dict[str, Any]
"""One NIEM 6.0 message in JSON: "@context" and NIEM objects."""

Ori = NewType("Ori", str)
"""An agency's Originating Agency Identifier: nine characters, capitals and digits."""

MOST_EXACT = 2**53 - 1
"""The largest whole number that every reader of JSON takes for the same (RFC 7493)."""
ORI_PATTERN = r"^[A-Z0-9]{9}$"
OriText = Annotated[str, StringConstraints(pattern=ORI_PATTERN)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A word of the policy's vocabulary: a purpose, a record type, an element class, a role."""
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,95}$")]
_CHARACTER = r"[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]"
PRINTED = f"^{_CHARACTER}+$"
"""No control characters: they mean nothing in a name, and something to a terminal or a log.

Nor what turns the direction of what follows, or breaks a line: it would be read as another number
than it is. The marks of Arabic and Hebrew texts (U+061C, U+200E, U+200F) turn no letters, and pass.
"""
NUMBER = rf"^{_CHARACTER}*[\p{{L}}\p{{N}}]{_CHARACTER}*$"
"""Printed, and with a letter or digit: a dash is no case."""
Short = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, strip_whitespace=True, pattern=PRINTED),
]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, strip_whitespace=True, pattern=PRINTED),
]
Long = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, strip_whitespace=True, pattern=PRINTED),
]
CodeLetter = Annotated[str, StringConstraints(pattern=r"^[A-Z]$")]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^sha-256:[0-9a-f]{64}$")]
Blind = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
Ticket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
_STAMPED = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{2}Z$"

_STRICT = ConfigDict(extra="forbid")
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.(\d{2})Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 9900
_STAMP_LENGTH = len("2026-11-22T14:02:11.40")


def new_blind() -> str:
    """Draw 128 bits, in base64url."""
    return secrets.token_urlsafe(16)


def digest(data: bytes) -> str:
    """Give SHA-256 as the log and the wire write it: `sha-256:` and 64 hex digits."""
    return "sha-256:" + hashlib.sha256(data).hexdigest()


CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""By so much another machine's clock may be ahead of ours."""


def age_of(as_of: datetime | None, now: datetime) -> timedelta | None:
    """Give how old data are. None: nobody knows, as where they are ahead of the clock.

    So they are once a clock that was wrong was put back. For a while they would count as fresh,
    however old they came to be.
    """
    return None if as_of is None or as_of > now + CLOCKS_DIFFER else now - as_of


def stamp(moment: datetime) -> str:
    """Write an aware moment as the wire has it: UTC, hundredths, `2026-11-22T14:02:11.40Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:_STAMP_LENGTH] + "Z"


def utc(moment: datetime) -> datetime:
    """Give a moment in UTC; one without an offset is taken to be. Raises ValueError.

    At both ends of the calendar nothing can be added, and other zones have moments without a year.
    """
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"give a moment of the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(utc)]


def _written(day: object) -> object:
    """Let pass a day as people write it: a number would count as seconds since 1970."""
    if not isinstance(day, date) and not (isinstance(day, str) and _DAY.fullmatch(day)):
        raise ValueError("write the day as YYYY-MM-DD")
    return day


Day = Annotated[date, BeforeValidator(_written)]


def parse_stamp(text: str) -> datetime:
    """Read what `stamp` wrote. Raises ValueError for anything else."""
    found = _STAMP.fullmatch(text)
    if not found:
        raise ValueError("not a UTC time with hundredths of a second")
    base = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return base.replace(microsecond=int(found[2]) * 10_000)


def _is_stamp(text: str) -> str:
    utc(parse_stamp(text))
    return text


Timestamp = Annotated[str, StringConstraints(pattern=_STAMPED), AfterValidator(_is_stamp)]


class Granularity(StrEnum):
    """How much an answer tells, least first."""

    HIT = "hit"
    COUNT = "count"
    POINTER = "pointer"
    RECORD = "record"

    @property
    def rank(self) -> int:
        """0 for the least, 3 for whole records."""
        return _RANKS[self]


_RANKS = {granularity: rank for rank, granularity in enumerate(Granularity)}


class Status(StrEnum):
    """What became of the question at one agency."""

    ANSWERED = "answered"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not_understood"
    TOO_MANY = "too_many"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    BACKING_OFF = "backing_off"
    BAD_SIGNATURE = "bad_signature"
    BAD_ANSWER = "bad_answer"
    UNAVAILABLE = "unavailable"


class Band(StrEnum):
    """How sure a match is, surest first. Comparable between agencies."""

    EXACT = "exact"
    PROBABLE = "probable"
    POSSIBLE = "possible"


# -- who asks ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Officer:
    """The person on whose behalf a question is asked, as the agency's client asserted it.

    `subject` is the local identifier and never leaves the agency; `Asker.officer` is pairwise.
    """

    subject: str
    unit: str
    unit_function: str
    roles: frozenset[str]
    assurance: int
    auth_time: datetime
    attributes: frozenset[str] = frozenset()
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind one HTTP request: a client, with or without an officer."""

    client: str
    ori: Ori
    scopes: frozenset[str]
    officer: Officer | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """What the answering side is told about the one who asks; it stands in the signed body."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    ori: OriText
    unit: Text
    unit_function: Word
    officer: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    """Pairwise: another for each peer, so that peers can't join their logs on it."""
    roles: Annotated[tuple[Word, ...], Field(max_length=64)]
    assurance: Annotated[int, Field(ge=0, le=4, strict=True)]
    auth_time: Timestamp
    attributes: Annotated[tuple[Word, ...], Field(max_length=64)] = ()


# -- what is asked ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as asked. At least one part."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    given: Text | None = None
    middle: Text | None = None
    surname: Text | None = None
    suffix: Short | None = None
    full: Text | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that names a person: `type` such as driver_license, ssn, passport, fbi, state."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Word
    number: Short
    jurisdiction: PlaceCode | None = None


@dataclass(frozen=True, slots=True)
class AgeRange:
    """Years of age, both ends included."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    low: Annotated[int, Field(ge=0, le=120, strict=True)]
    high: Annotated[int, Field(ge=0, le=120, strict=True)]


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """A person: a name with a birth date or an age range, or an identifier."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "person"

    names: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    birth_date: Day | None = None
    age: AgeRange | None = None
    sex: Literal["F", "M", "U", "X"] | None = None
    identifiers: Annotated[tuple[Identifier, ...], Field(max_length=16)] = ()

    def terms(self) -> tuple[str, ...]:
        """Name the terms in use: name, birth_date, age, sex, and each identifier's type."""
        plain = {
            "name": bool(self.names),
            "birth_date": self.birth_date is not None,
            "age": self.age is not None,
            "sex": self.sex is not None,
        }
        return tuple(k for k, v in plain.items() if v) + _types(self.identifiers)


@dataclass(frozen=True, slots=True)
class VehicleQuery:
    """A vehicle: a plate, a VIN, or a category with the days of the event it stands in."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "vehicle"

    plate: Short | None = None
    plate_state: PlaceCode | None = None
    vin: Annotated[str, StringConstraints(min_length=5, max_length=32)] | None = None
    make: Short | None = None
    model: Short | None = None
    year: Annotated[int, Field(ge=1885, le=2100, strict=True)] | None = None
    color: Short | None = None
    category: Word | None = None
    """A kind of vehicle, such as automobile or truck."""
    date_from: Day | None = None
    date_to: Day | None = None

    def terms(self) -> tuple[str, ...]:
        """Name the fields in use."""
        return _set_fields(
            self,
            (
                *("plate", "plate_state", "vin", "make", "model", "year", "color", "category"),
                *("date_from", "date_to"),
            ),
        )


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """An incident: its number, or days with an offense."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "incident"

    number: Short | None = None
    date_from: Day | None = None
    date_to: Day | None = None
    offense: Short | None = None
    """A word of the standard's UCR code list, such as AGGRAVATED_ASSAULT."""

    def terms(self) -> tuple[str, ...]:
        """Name the fields in use."""
        return _set_fields(self, ("number", "date_from", "date_to", "offense"))


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """A thing with a serial number."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "item"

    serial: Short
    type: Word | None = None
    make: Short | None = None

    def terms(self) -> tuple[str, ...]:
        """Name the fields in use."""
        return _set_fields(self, ("serial", "type", "make"))


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """One record by its owner's id, that an earlier answer named.

    `ticket` came with that answer, and shows the owner that it did. The gateway keeps it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    kind: ClassVar[str] = "record"

    record_id: Text
    ticket: Ticket | None = None

    def terms(self) -> tuple[str, ...]:
        """Name the one term."""
        return ("record_id",)


SubjectQuery: TypeAlias = PersonQuery | VehicleQuery | IncidentQuery | ItemQuery | RecordQuery


def _set_fields(query: object, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(n for n in names if getattr(query, n) is not None)


def _types(identifiers: Sequence[Identifier]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i.type for i in identifiers))


@dataclass(frozen=True, slots=True)
class Subject:
    """What is searched for: exactly one of the five."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    person: PersonQuery | None = None
    vehicle: VehicleQuery | None = None
    incident: IncidentQuery | None = None
    item: ItemQuery | None = None
    record: RecordQuery | None = None

    @property
    def query(self) -> SubjectQuery:
        """The one that is set. Raises ValueError if there is none, or more than one."""
        found = self._given()
        if len(found) != 1:
            raise ValueError("a subject is one of person, vehicle, incident, item")
        return found[0]

    @property
    def is_one(self) -> bool:
        """Whether exactly one is set."""
        return len(self._given()) == 1

    def _given(self) -> list[SubjectQuery]:
        every = (self.person, self.vehicle, self.incident, self.item, self.record)
        return [q for q in every if q is not None]


@dataclass(frozen=True, slots=True)
class Reference:
    """The matter that the question belongs to. `pending` has no number yet."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["case", "cad_call", "citation", "warrant", "pending"]
    number: Annotated[Short, StringConstraints(pattern=NUMBER)] | None = None


@dataclass(frozen=True, slots=True)
class WarrantDocument:
    """The paper itself: its SHA-256, and where the issuing court keeps it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    digest: Sha256
    uri: Text | None = None


@dataclass(frozen=True, slots=True)
class JudicialWarrant:
    """A court's warrant that the asker holds: a claim, until a person at the owner releases on it.

    `person` is whom it names, as it names them.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    court: Text
    number: Short
    person: Text
    document: WarrantDocument


@dataclass(frozen=True, slots=True)
class ReasonGiven:
    """Why the officer asks: a code for statistics, a text for people."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    code: Word
    text: Text


@dataclass(frozen=True, slots=True)
class Search:
    """One search as the agency's own system asked it. `agencies` None: the routing data choose."""

    id: str
    caller: Caller
    purpose: str
    subject: Subject
    record_types: tuple[str, ...]
    granularity: Granularity
    reason: ReasonGiven
    reference: Reference | None = None
    iii_purpose_code: str | None = None
    warrant: JudicialWarrant | None = None
    attention: str | None = None
    callback: str | None = None
    agencies: tuple[str, ...] | None = None
    max_matches: int = 10
    deadline_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Question:
    """What one agency asks of another; also of its own records. The whole signed body.

    `owner` is the one agency that may answer it. `transaction` is the search's id. Times in ms.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    version: Literal[1]
    transaction: Annotated[str, StringConstraints(pattern=r"^srch_[0-9A-HJKMNP-TV-Z]{26}$")]
    owner: OriText
    asker: Asker
    purpose: Word
    subject: Subject
    record_types: Annotated[tuple[Word, ...], Field(min_length=1, max_length=64)]
    granularity: Granularity
    reason: ReasonGiven
    reference: Reference | None = None
    iii_purpose_code: CodeLetter | None = None
    warrant: JudicialWarrant | None = None
    attention: Text | None = None
    callback: Text | None = None
    max_matches: Annotated[int, Field(ge=1, le=100, strict=True)] = 10
    deadline_ms: Annotated[int, Field(ge=50, le=30_000, strict=True)] = 5_000
    blind: Blind = field(default_factory=new_blind)
    """Chance alone: the log's digest of the body confirms no guess once the body is erased."""
    agreement: Sha256 | None = None
    """The digest of the agreement's text that it rests on; None for the agency's own records."""


# -- records ----------------------------------------------------------------------------------

Fact: TypeAlias = str | bool | int


@dataclass(frozen=True, slots=True)
class Handling:
    """Facts of one record that policy decides by: sorted pairs, so that equal facts are equal.

    Their names and values are the policy's vocabulary.
    """

    facts: tuple[tuple[str, Fact], ...]

    @classmethod
    def of(cls, facts: Mapping[str, Fact]) -> "Handling":
        """Make one from a mapping."""
        return cls(tuple(sorted(facts.items())))

    def as_dict(self) -> dict[str, Fact]:
        """Give the facts as the policy's input has them."""
        return dict(self.facts)


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask at the owner."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    unit: Text
    phone: Text


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the agency, in the standard schema. `record_id` is stable over re-imports."""

    record_id: str
    record_type: str
    message: Message = field(hash=False)
    handling: Handling
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One record that a question found, with why. It is *not* released.

    `score` is 0..1, comparable between agencies. `compared` maps a term to how it agreed.
    """

    record_id: str
    record_type: str
    score: float
    band: Band
    compared: Mapping[str, str]
    handling: Handling
    contact: Contact | None
    message: Message = field(hash=False)


@dataclass(frozen=True, slots=True)
class FoundKind:
    """Records found that policy can't tell apart.

    `record_id` only where a person here released that record, for which policy knows it by name.
    """

    record_type: str
    handling: Handling
    record_id: str | None = None


AT_ONCE: Final = 16
"""So many records are read, or built, before other callers have their turn: some 1 ms."""


class Findings(Protocol):
    """All that a question found, by kind, so that policy decides before a record is read."""

    @property
    def kinds(self) -> Sequence[FoundKind]:
        """The kinds of the records found."""
        ...

    def best(self, shown: Collection[int]) -> Iterator[tuple[int, Found]]:
        """Read the records of the kinds that are shown, best first, each with its kind's place.

        Raises RecordsChanged if an import took one of them away meanwhile.
        """
        ...

    def exceed(self, shown: Collection[int], most: int) -> bool:
        """Tell whether more than `most` records are of the kinds that are shown. Reads none."""
        ...


class Listed:
    """Findings that are at hand whole, best first. `named` are the ids that policy knows."""

    def __init__(self, found: Sequence[Found] = (), named: Collection[str] = ()) -> None:
        self._found = tuple(found)
        kinds: dict[FoundKind, int] = {}
        places = []
        for f in self._found:
            known = f.record_id if f.record_id in named else None
            kind = FoundKind(f.record_type, f.handling, known)
            places.append(kinds.setdefault(kind, len(kinds)))
        self.places: tuple[int, ...] = tuple(places)
        """Of each record, the place of its kind."""
        self.kinds: tuple[FoundKind, ...] = tuple(kinds)

    def best(self, shown: Collection[int]) -> Iterator[tuple[int, Found]]:
        """Give the records of the kinds that are shown."""
        both = zip(self.places, self._found, strict=True)
        return ((place, found) for place, found in both if place in shown)

    def exceed(self, shown: Collection[int], most: int) -> bool:
        """Count the records of the kinds that are shown."""
        return sum(place in shown for place in self.places) > most


@dataclass(frozen=True, slots=True)
class SetAside:
    """A legacy row that could not be translated. `line` counts from 1. Holds personal data.

    `fields` is the row as far as it could be read: column to text, and the rows of a repeated part
    under its name. With it a person can correct single columns. `claims` are the ids of the records
    that it would have been, each with the facts on who may see it; None where it does not say.
    `key` is the table and the key of a database's row, which has no line that stays the same.
    """

    source: str
    line: int
    code: str
    text: str
    raw: str
    column: str | None = None
    value: str | None = None
    fields: Mapping[str, Any] | None = field(default=None, hash=False)
    claims: tuple[tuple[str, Handling | None], ...] = ()
    key: str | None = None

    @property
    def place(self) -> str:
        """Where the row is found: its key, or its line."""
        return f"{self.line}" if self.key is None else self.key


@dataclass(frozen=True, slots=True)
class FindResult:
    """What the records gave for one question.

    `understood` is False where the sources hold none of the terms that the question is made of; it
    depends on the sources alone, never on a record. `data_as_of` is the age of the oldest source
    that was searched.
    """

    understood: bool
    found: Findings = field(default_factory=Listed)
    data_as_of: datetime | None = None
    terms_not_used: tuple[str, ...] = ()


# -- answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused or lessened, safe for the one who asked."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    code: Code
    text: Long
    citation: Text | None = None


@dataclass(frozen=True, slots=True)
class GranularityGiven:
    """What was asked for and what was given."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    asked: Granularity
    given: Granularity


@dataclass(frozen=True, slots=True)
class Confirm:
    """Whether the owner must confirm before anyone acts, and where to call."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    required: bool
    phone: Text | None = None


@dataclass(frozen=True, slots=True)
class MatchHandling:
    """What the one who receives a match has to do with it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    keep_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    onward_sharing: Word | None = None
    caveat: Long | None = None


@dataclass(frozen=True, slots=True)
class Obligation:
    """What has to be done for one agency's answer, and by when.

    delete_after and fingerprints_within have `days` from now, onward_sharing its `rule`, caveat its
    `text`; confirm_before_acting and stale_data are words alone.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Word
    days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    rule: Word | None = None
    text: Long | None = None

    def plain(self) -> dict[str, str | int]:
        """Give it without what it does not say."""
        said = (("type", self.type), ("days", self.days), ("rule", self.rule), ("text", self.text))
        return {name: value for name, value in said if value is not None}


@dataclass(frozen=True, slots=True)
class ClassHeld:
    """Of a class that is not given itself: how many elements the record holds, or whom to ask.

    `ask` True: there is something, and the match's contact tells of it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    count: Annotated[int, Field(ge=1, le=MOST_EXACT)] | None = None
    ask: Literal[True] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """One match as it leaves: only what was released. A pointer has no id, score or record."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    record_type: Word
    band: Band
    record_id: Text | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    compared: Annotated[dict[Word, Word], Field(max_length=64)] | None = None
    cautions: Annotated[tuple[Text, ...], Field(max_length=256)] = ()
    confirm: Confirm | None = None
    handling: MatchHandling | None = None
    contact: Contact | None = None
    record: dict[str, Any] | None = None
    classes_held: Annotated[dict[Word, ClassHeld], Field(max_length=256)] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one agency says to one question: the whole signed body of the response.

    `count` stands at granularity count; `hit` at hit. `obligations` are decided before a record is
    read: they stand in every answer that could tell something, and count where it does. `tickets`:
    for each record that a match names, what the asker shows when it asks for it again. `leaf` is
    the answerer's log leaf of the question (`sha-256:` and 64 hex digits); `policy` the digest of
    its policy set.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    version: Literal[1]
    transaction: str
    owner: OriText
    asker: OriText
    status: Literal["answered", "refused", "not_understood", "too_many", "unavailable"]
    granularity: GranularityGiven | None = None
    data_as_of: Timestamp | None = None
    stale: bool = False
    hit: bool | None = None
    count: Annotated[int, Field(ge=0, le=MOST_EXACT)] | None = None
    more: bool = False
    terms_not_used: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    classes_never_shared: Annotated[tuple[Word, ...], Field(max_length=256)] = ()
    reasons: Annotated[tuple[Reason, ...], Field(max_length=64)] = ()
    obligations: Annotated[tuple[Obligation, ...], Field(max_length=64)] = ()
    matches: Annotated[tuple[Match, ...], Field(max_length=100)] = ()
    tickets: Annotated[dict[Text, Ticket], Field(max_length=100)] = field(default_factory=dict)
    leaf: Sha256 | None = None
    policy: Sha256 | None = None
    blind: Blind = field(default_factory=new_blind)
    """Chance alone, as in the question: the log's digest confirms no guess at an erased answer."""
