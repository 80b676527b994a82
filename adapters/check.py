"""What is wrong with a mapping, all of it at once; and what its author may have forgotten."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from adapters.codes import Use
from adapters.document import Document, PassedOver, WrongMapping
from adapters.loading import load
from adapters.mapping import MappingFile
from adapters.source import Compiler, MappedSource
from adapters.sql_prepared import not_asked
from adapters.written import LOWER
from gateway.errors import Misconfigured
from gateway.model import Fact, SetAside
from gateway.records.source import NOT_SOUGHT

_MOST_VALUES: Final = 50
_MOST_NAMED: Final = 12
_AHEAD: Final = 2060
"""What is issued now expires before."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about a mapping. A fault keeps it from being used; a warning does not."""

    kind: Literal["fault", "warning"]
    line: int
    text: str


@dataclass(slots=True)
class Reason:
    """Why rows were set aside: how many, where the first are, and the values met most often.

    `places` are lines, or of a database's rows their tables and keys.
    """

    code: str
    column: str | None
    text: str
    rows: int = 0
    places: list[int | str] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Described:
    """What one record of a mapping is: for who knows which types, facts and paths there are.

    `facts` gives the words that each fact may be, and its line; `paths` NIEM paths and their lines.
    """

    line: int
    record_type: str
    facts: Mapping[str, tuple[frozenset[Fact], int]]
    paths: Mapping[str, int]


@dataclass(slots=True)
class Checked:
    """What was found. `source` is there where the mapping can be used.

    `stated` is what was found out about its files. With rows: how many were read, translated and
    set aside, and why; `doubled` counts records with the id of another, and `kept` legacy values
    that stay beside, by path.
    """

    findings: list[Finding]
    source: MappedSource | None = None
    stated: tuple[str, ...] = ()
    records_of: list[Described] = field(default_factory=list)
    read: int = 0
    translated: int = 0
    aside: int = 0
    doubled: int = 0
    records: Counter[str] = field(default_factory=Counter)
    reasons: list[Reason] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> list[Finding]:
        """What keeps the mapping from being used."""
        return [f for f in self.findings if f.kind == "fault"]


def check(
    path: Path, *, rows: bool = False, progress: Callable[[int, int | None], None] | None = None
) -> Checked:
    """Check a mapping file, and with `rows` its source. Never raises for what is in the file.

    `progress` is told the rows read, and about how many there are.
    """
    faults: list[WrongMapping] = []
    compiled: list[Compiler] = []
    try:
        mapping = MappingFile(path, faults)
        compiler = Compiler(mapping, watch=True)
        compiled.append(compiler)
        source = load(mapping, compiler)
    except Misconfigured as error:
        faults.append(_as_wrong(error, path))
    except (LookupError, TypeError, ValueError, AttributeError):
        # What has another shape than the language may fail in any way. Its own fault says it.
        if not faults:
            raise
    if faults:
        known = [one for made in compiled for one in _described(made.mapping.doc, made)]
        return Checked(_said(faults), records_of=known)
    checked = Checked([], source, source.stated(), list(_described(mapping.doc, compiler)))
    if rows:
        try:
            _read(source, checked, progress)
            source.as_of()
        except Misconfigured as error:
            found = Finding("fault", mapping.doc.line("format"), error.detail)
            return Checked([found], None, checked.stated, checked.records_of)
    checked.findings = [
        *_unmapped(mapping, compiler.columns, compiler.used),
        *_unused_tables(mapping.doc, list(compiler.tables.uses()), rows=rows),
        *_standing_alone(mapping),
        *_of_the_last_century(mapping),
        *(_of_live(mapping) if mapping.format.get("mode") == "live" else ()),
    ]
    if checked.doubled:
        text = f"records with the id of another: {checked.doubled:,}. An import sets them aside"
        line = mapping.doc.line("records", 0, "id")
        checked.findings.append(Finding("warning", line, f"{text}; are they one? See `together`"))
    checked.findings.sort(key=lambda f: f.line)
    return checked


def _as_wrong(error: Misconfigured, path: Path) -> WrongMapping:
    if isinstance(error, WrongMapping):
        return error
    return WrongMapping(path.name, 1, error.detail.removeprefix(f"{path.name}: "))


def _said(faults: Sequence[WrongMapping]) -> list[Finding]:
    found = dict.fromkeys((f.line, f.text) for f in faults if not isinstance(f, PassedOver))
    return [Finding("fault", line, text) for line, text in sorted(found)]


def _described(doc: Document, compiler: Compiler) -> Iterator[Described]:
    for number, plan, targets in compiler.plans:
        place = ("records", number)
        yield Described(
            doc.line(*place, "type"),
            plan.record_type,
            {
                name: (words, doc.line(*place, "handling", name))
                for name, words in plan.handling.words.items()
            },
            {t.path: t.line for t in targets},
        )


def _unmapped(
    mapping: MappingFile, columns: dict[str, frozenset[str]], used: set[str]
) -> Iterator[Finding]:
    """Name the columns that nothing is made of, by the file or table that they stand in."""
    ignored = set(mapping.content.get("ignore", ()))
    every = {c for own in columns.values() for c in own}
    if part := mapping.content.get("together", {}).get("part"):
        used = used | {c.removeprefix(f"{part}.") for c in used}
    used = used | set(_dating(mapping))
    for name in sorted(ignored - every):
        yield Finding("warning", mapping.doc.line("ignore"), f"{name}: there is no such column")
    for name in sorted(ignored & used):
        text = f"{name} is to be ignored, but it is mapped"
        yield Finding("warning", mapping.doc.line("ignore"), text)
    for part, own in columns.items():
        left = sorted(own - used - ignored)
        if left:
            where = f" of {part}" if part else ""
            text = (
                f"{len(left)} of {len(own)} columns{where} are not mapped: {_listed(left)} "
                "(name under `ignore` what is left out on purpose)"
            )
            yield Finding("warning", mapping.doc.line("format"), text)


def _standing_alone(mapping: MappingFile) -> Iterator[Finding]:
    """Name links from a role in which nobody is sought to a person who stands for himself.

    Policy hides what stands in such a role, and the link; that person it gives like any other.
    """
    for number, record in enumerate(mapping.records):
        objects = {n: o if isinstance(o, str) else o["is"] for n, o in record["objects"].items()}
        for at, one in enumerate(record["fields"]):
            alias, *steps = one["to"].split("/")
            roles = {objects[alias], *(step.partition("[")[0] for step in steps)} & NOT_SOUGHT
            if roles and objects.get(one.get("link", "")) == "nc:Person":
                text = (
                    f"nobody is found as {min(roles)}, and {one['link']} is given like any other "
                    f"person: write whom this is within it ({one['to']}/nc:PersonName)"
                )
                if "j:ProtectionOrderRestrictedPerson" in roles:
                    text += (
                        ". It is whom the order protects; whom it binds is linked by an object "
                        "j:ProtectionOrderRespondentPersonAssociation"
                    )
                yield Finding("warning", mapping.doc.line("records", number, "fields", at), text)


def _of_the_last_century(mapping: MappingFile) -> Iterator[Finding]:
    """Name days on which something ends that two digits may put into the last century."""
    ends: int = mapping.content.get("years_from", _AHEAD) + 100
    for number, record in enumerate(mapping.records):
        for at, one in enumerate(record["fields"]):
            written = one.get("date", ())
            short = any(
                "YY" in w and "YYYY" not in w
                for w in ([written] if isinstance(written, str) else written)
            )
            if short and "Expiration" in one["to"] and "years_from" not in one and ends <= _AHEAD:
                text = (
                    f"years of two digits end here with {ends - 1}: what expires later is taken "
                    "for 100 years ago. Say `years_from: 2000` in this field"
                )
                yield Finding("warning", mapping.doc.line("records", number, "fields", at), text)


def _dating(mapping: MappingFile) -> Iterator[str]:
    """Name the columns that say of what moment their file is."""
    joins = [j for r in mapping.records for j in r.get("join", {}).items()]
    for name, spec in (("", mapping.content), *joins):
        if column := spec.get("format", {}).get("as_of", {}).get("column"):
            yield f"{name}.{column}" if name else column


def _of_live(mapping: MappingFile) -> Iterator[Finding]:
    """Tell of what no search finds in a live source."""
    yield from _not_reached(mapping)
    yield from _not_asked(mapping)


def _not_reached(mapping: MappingFile) -> Iterator[Finding]:
    """Tell of records that no question leads to."""
    for number, record in enumerate(mapping.records):
        ways, place = record.get("found_by", {}), ("records", number)
        if not ways:
            text = (
                f"no search finds records of type {record['type']}, but by their id: say in "
                "`found_by` how they are reached"
            )
            yield Finding("warning", mapping.doc.line(*place, "type"), text)
        elif "person" in ways and "person" not in mapping.content.get("search", {}):
            text = "no person leads to them: say in `search` where people are looked for"
            yield Finding("warning", mapping.doc.line(*place, "found_by", "person"), text)


def _not_asked(mapping: MappingFile) -> Iterator[Finding]:
    """Tell of numbers that stand in a live source as no search asks for them."""
    for column, ways in not_asked(mapping):
        said = ", ".join("in small letters" if way == LOWER else f"as {way}" for way in ways)
        text = (
            f"{column}: numbers stand there {said}; a search by one's letters and digits does not "
            f"find them. Say how they are `written`: {{{column}: {json.dumps(ways)}}}"
        )
        yield Finding("warning", mapping.doc.line("format"), text)


def _unused_tables(doc: Document, uses: Sequence[Use], *, rows: bool) -> Iterator[Finding]:
    for use in uses:
        line = doc.line(*use.place)
        if not use.used:
            yield Finding("warning", line, f"no field uses the code table {use.name}")
        elif rows and (never := sorted(use.codes - use.seen)):
            table = f"the code table {use.name}" if use.name else "these codes"
            text = f"{len(never)} of {len(use.codes)} codes never occur, of {table}: "
            yield Finding("warning", line, text + _listed(never))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _read(
    source: MappedSource, checked: Checked, progress: Callable[[int, int | None], None] | None
) -> None:
    """Read the whole source, and sum up what becomes of its rows."""
    reasons: dict[tuple[str, str | None, str], Reason] = {}
    total = source.total_hint()
    ids: set[int] = set()  # of a million, digests are held and not texts
    for number, row in enumerate(source.rows(), 1):
        if isinstance(row, SetAside):
            key = (row.code, row.column, row.text)
            reason = reasons.setdefault(key, Reason(*key))
            reason.rows += 1
            if len(reason.places) < _MOST_NAMED:
                reason.places.append(row.key or row.line)
            if row.value and (row.value in reason.values or len(reason.values) < _MOST_VALUES):
                reason.values[row.value] += 1
        else:
            checked.records[row.record_type] += 1
            checked.doubled += (digest := hash(row.record_id)) in ids
            ids.add(digest)
        if progress is not None and not number % 500:
            progress(source.tally.read, total)
    tally = source.tally
    checked.read, checked.translated, checked.aside = tally.read, tally.translated, tally.aside
    checked.reasons = sorted(reasons.values(), key=lambda r: -r.rows)
    checked.kept = Counter(source.kept_raw())
