"""Drafts of live databases: in which columns searches look for numbers, and how these stand there.

What a draft says of a person's numbers, plates, vehicles' and serial numbers is where it maps them.
Searches by name and birth date are left to a person: they need columns that have an index.
"""

import re
from collections.abc import Iterator
from typing import Final

from adapters.draft_text import Draft, Field, columns_of, key_of
from adapters.written import LOWER, not_asked

MOST_WAYS: Final = 8
"""Ways of writing that a column may have in a mapping."""
_WAY: Final = re.compile(r"[^#]{0,16}(#[^#]{0,8}){1,32}")
"""What the mapping language takes for one."""
_PERSON: Final = {
    "nc:PersonSSNIdentification/nc:IdentificationID": "ssn",
    "nc:PersonStateIdentification/nc:IdentificationID": "state",
    "j:PersonStateFingerprintIdentification/nc:IdentificationID": "state",
    "nc:PersonPassportIdentification/nc:IdentificationID": "passport",
    "j:PersonFBIIdentification/nc:IdentificationID": "fbi",
    "j:PersonNCICIdentification/nc:IdentificationID": "ncic",
    "j:DriverLicense/nc:IdentificationID": "driver_license",
}
_OTHERS: Final = (
    ("nc:VehicleIdentification/nc:IdentificationID", "vehicle", "vin"),
    ("j:ConveyanceRegistrationPlateIdentification/nc:IdentificationID", "vehicle", "plate"),
    ("nc:ItemSerialIdentification/nc:IdentificationID", "item", "serial"),
)
_NOTE: Final = (
    "CHECK: it is searched live. `found_by` and `search` say where; add the surname and the birth "
    "date, by columns that have an index (docs/mapping.md, Live databases)"
)


def add_search(made: Draft) -> None:
    """Say where searches look for numbers, and how these are written there."""
    key = key_of(made)
    if made.table is None or key is None:
        return
    numbers: dict[str, str] = {}
    for field in made.fields:
        column = _of_own(made, field)
        for end, kind, term in _OTHERS if column else ():
            if field.to.endswith(f"/{end}"):
                made.found_by.setdefault(kind, {}).setdefault(term, column)
                numbers[f"{made.table}.{column}"] = column
    people = dict(_people(made, key[0]))
    if people:
        # Where most of their numbers stand.
        table, link, source = max(people, key=lambda place: len(people[place]))
        found = people[table, link, source]
        made.found_by["person"] = {"column": source}
        identifiers = {kind: name for kind, (name, _) in found.items()}
        made.search = {"person": {"table": table, "key": link, "identifiers": identifiers}}
        numbers |= {f"{table}.{name}": looked for name, looked in found.values()}
    every = {**made.looked, **{c: p for j in made.joins for c, p in j.looked.items()}}
    ways = {
        name: [
            way
            for way, _ in not_asked(every[column].values.elements()).most_common()
            if way == LOWER or _WAY.fullmatch(way)
        ][:MOST_WAYS]
        for name, column in numbers.items()
    }
    if shown := {name: found for name, found in ways.items() if found}:
        made.spec = {**made.spec, "written": shown}
        made.doubts = {
            **made.doubts,
            "written": "so numbers stand there; is each way of writing meant?",
        }
    made.notes = [*made.notes, _NOTE]


_Place = tuple[str, str, str]
"""A table of people, its key, and the column of the records' table that leads to it."""


def _people(made: Draft, key: str) -> Iterator[tuple[_Place, dict[str, tuple[str, str]]]]:
    """Give the tables of people: by kind of number its column, as it is there and as here."""
    found: dict[_Place, dict[str, tuple[str, str]]] = {}
    joins = {j.name: j for j in made.joins if not j.many}
    for field in made.fields:
        kind = _PERSON.get(field.to.removeprefix("person/"))
        columns = columns_of(field)
        if kind is None or len(columns) != 1 or "for" in field.keys:
            continue
        part, dot, name = columns[0].partition(".")
        if not dot:
            place = (str(made.table), key, key)
        elif part in joins:
            place = (str(joins[part].spec["table"]), joins[part].key, joins[part].source)
        else:
            continue
        found.setdefault(place, {}).setdefault(kind, (name if dot else part, columns[0]))
    yield from found.items()


def _of_own(made: Draft, field: Field) -> str:
    """Give the one column of the records' own table that fills a path; "" if there is none."""
    columns = columns_of(field)
    own = len(columns) == 1 and columns[0] in made.looked
    return columns[0] if own else ""
