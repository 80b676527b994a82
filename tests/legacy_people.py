"""A legacy database of many made-up people, in SQLite or PostgreSQL, for tests and benches.

It has what makes searching hard: keys filled up with blanks, names in two formats (`nm_full` before
2020, `nm_last` and `nm_first` since), codes, a table of other names, and incidents reached through
a table between.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import islice
from pathlib import Path

import psycopg

from adapters.namekeys import soundex

_STARTS = [
    "BRA",
    "CHI",
    "DRO",
    "FLE",
    "GRU",
    "HAL",
    "JIN",
    "KOS",
    "LUM",
    "MER",
    "NOB",
    "PRI",
    "QUI",
    "ROS",
    "STA",
    "TWE",
    "ULM",
    "VOR",
    "WEX",
    "YAR",
]
_ENDS = [
    "BLEWICK",
    "CROFTLE",
    "DENSHAW",
    "FETHER",
    "GOSLING",
    "HOLLIN",
    "KESTREL",
    "LARKSON",
    "MIRTHE",
    "NIMBLE",
    "PENDER",
]
_MIDDLES = [
    "A",
    "BER",
    "CO",
    "DIN",
    "ELL",
    "FO",
    "GAR",
    "HO",
    "IL",
    "JUN",
    "KE",
    "LO",
    "MAR",
    "NE",
    "OR",
    "PA",
    "RIL",
    "SO",
    "TER",
    "UM",
    "VA",
    "WIN",
]
_GIVEN = [
    "TAMSIN",
    "BRAM",
    "ODILE",
    "QUILL",
    "HESTER",
    "JORY",
    "MERLA",
    "PERRIN",
    "SABLE",
    "TOBIN",
    "UNA",
    "WILF",
]
OFFENSES = ("13A ", "220 ", "23C ", "35A ")
RARE = "09A "
"""An offense of one incident in 500, which an index finds; of the others it is one in four."""

TABLES = """
CREATE TABLE name_mst (name_id CHAR(10) PRIMARY KEY, nm_full VARCHAR(60), nm_last VARCHAR(40),
  nm_first VARCHAR(30), nm_srch VARCHAR(40), nm_sdx CHAR(4), dob_dt INTEGER, oln VARCHAR(16),
  seal_cd INTEGER);
CREATE TABLE name_alias (name_id CHAR(10), alias_seq INTEGER, nm_full VARCHAR(60),
  nm_srch VARCHAR(40), nm_sdx CHAR(4), PRIMARY KEY (name_id, alias_seq));
CREATE TABLE inc_hdr (inc_id CHAR(10) PRIMARY KEY, rpt_dt INTEGER, ucr_cd CHAR(4), seal_cd INTEGER);
CREATE TABLE inc_invl (inc_id CHAR(10), invl_seq INTEGER, name_id CHAR(10),
  PRIMARY KEY (inc_id, invl_seq));
"""
INDEXES = {
    "srch": ("name_mst", "nm_srch"),
    "sdx": ("name_mst", "nm_sdx"),
    "full": ("name_mst", "nm_full"),
    "dob": ("name_mst", "dob_dt"),
    "oln": ("name_mst", "oln"),
    "asrch": ("name_alias", "nm_srch"),
    "asdx": ("name_alias", "nm_sdx"),
    "invl": ("inc_invl", "name_id"),
    "date": ("inc_hdr", "rpt_dt"),
    "ucr": ("inc_hdr", "ucr_cd"),
}
_BEGINNINGS = {"srch", "full", "asrch"}

PERSON = """\
    handling: {{dissemination: GREEN, disclosure: {{column: seal_cd, codes: {{0: open}}}},
      juvenile: false, source_kind: own, intelligence: false, criminal_history: false}}
    contact: {{unit: Records, phone: (303) 555-0100}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", column: nm_full, name: "SURNAME/GIVEN MIDDLE"}}
      - {{to: "person/nc:PersonName", name: {{surname: nm_last, given: nm_first}},
         when: {{column: nm_full, blank: true}}}}
      - {{to: "person/nc:PersonBirthDate", column: dob_dt, blank: [0], date: YYYYMMDD}}
      - {{to: "person/j:DriverLicense/nc:IdentificationID", column: oln}}
"""
"""What a person's row becomes, whatever it is a row of; to be formatted, as `MAPPING` is."""
MAPPING = """
mapping: 1
source: people
format:
  type: sql
  mode: {mode}
  {where}
  padded: {{name_mst.name_id: 10, name_alias.name_id: 10, inc_hdr.inc_id: 10, inc_hdr.ucr_cd: 4,
    inc_invl.name_id: 10, inc_invl.inc_id: 10}}
search:
  person:
    table: name_mst
    key: name_id
    surname: {{letters: nm_srch, soundex: nm_sdx, starts: nm_full}}
    aliases: {{table: name_alias, key: name_id, surname: {{letters: nm_srch, soundex: nm_sdx}}}}
    birth_date: {{column: dob_dt, format: YYYYMMDD, number: true}}
    identifiers: {{driver_license: oln}}
records:
  - type: person
    table: name_mst
    id: "{{name_id}}"
    found_by: {{person: {{column: name_id}}}}
    join:
      alias: {{table: name_alias, key: name_id, from: name_id, many: true}}
"""
MAPPING += PERSON
MAPPING += """      - {{to: "person/nc:PersonName[alias]", for: alias, column: alias.nm_full,
         name: "SURNAME/GIVEN"}}
  - type: incident
    table: inc_hdr
    id: "{{inc_id}}"
    found_by:
      person: {{table: inc_invl, column: name_id, to: inc_id, key: inc_id}}
      incident: {{number: inc_id, offense: ucr_cd, offense_codes: nibrs_offense,
        date: {{column: rpt_dt, format: YYYYMMDD, number: true}}}}
    handling: {{dissemination: GREEN, disclosure: {{column: seal_cd, codes: {{0: open}}}},
      juvenile: false, source_kind: own, intelligence: false, criminal_history: false}}
    contact: {{unit: Records, phone: (303) 555-0100}}
    objects: {{incident: "nc:Incident", offense: "j:Offense"}}
    fields:
      - {{to: "incident/nc:ActivityIdentification/nc:IdentificationID", column: inc_id}}
      - {{to: "incident/nc:ActivityDate", column: rpt_dt, date: YYYYMMDD}}
      - {{to: "offense/j:OffenseUCRCode", column: ucr_cd, codes: nibrs_offense}}
"""


@cache
def surnames() -> list[str]:
    """Give every surname that there is, the n-th for the n-th of each round of people."""
    return [f"{a}{b}{c}" for c in _ENDS for b in _MIDDLES for a in _STARTS]


def name_of(n: int) -> tuple[str, str]:
    """Give the given name and the surname of the n-th person."""
    every = surnames()
    return _GIVEN[n // len(every) % len(_GIVEN)], every[n % len(every)]


def key_of(n: int) -> str:
    """Give the n-th person's key, without its blanks."""
    return f"N{n:07}"


def index_of(name: str, *, postgresql: bool, plain: bool = False) -> str:
    """Write the statement that makes one of `INDEXES`; `plain`: as one first thinks of it."""
    table, column = INDEXES[name]
    way = " varchar_pattern_ops" if postgresql and name in _BEGINNINGS and not plain else ""
    return f"CREATE INDEX ix_{name} ON {table} ({column}{way})"


def rows(people: int) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Give every row, with its table."""
    words = [(word, soundex(word)) for word in surnames()]
    for n in range(people):
        given, surname = name_of(n)
        sdx = words[n % len(words)][1]
        key, old = f"{key_of(n):10}", n % 2 == 0
        names = (f"{surname}/{given}", "", "") if old else ("", surname, given)
        yield "name_mst", (key, *names, surname, sdx, born(n), f"L{n}", 0)
        if n % 10 == 0:
            other, sound = words[(n + 7) % len(words)]
            yield "name_alias", (key, 1, f"{other}/{given}", other, sound)
        if n % 4 == 0:
            case = f"I{n:07}  "
            day = 20200101 + n % 5 * 10_000 + n % 12 * 100 + n % 28
            usual = OFFENSES[n // 4 % len(OFFENSES)]
            yield "inc_hdr", (case, day, RARE if n // 4 % 500 == 7 else usual, 0)
            yield "inc_invl", (case, 1, key)


def born(n: int) -> int:
    """Give the n-th person's birth date, as the table has it."""
    return 19400101 + n % 70 * 10_000 + n // 70 % 12 * 100 + n // 840 % 28


def fill_sqlite(path: Path, people: int) -> None:
    """Make the database at `path`, with every index."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {TABLES}")
        for batch in _batches(people):
            for table, some in batch.items():
                marks = ", ".join("?" * len(some[0]))
                db.executemany(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608 - made here
        for name in INDEXES:
            db.execute(index_of(name, postgresql=False))
        db.commit()


def fill_postgres(c: psycopg.Connection, people: int) -> None:
    """Make the database behind a connection, with every index and its statistics."""
    c.execute(TABLES)
    for batch in _batches(people):
        for table, some in batch.items():
            with c.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type] # made here
                for row in some:
                    copy.write_row(row)
    for name in INDEXES:
        c.execute(index_of(name, postgresql=True))  # type: ignore[arg-type] # made here
    c.execute("ANALYZE")


def _batches(people: int) -> Iterator[dict[str, list[tuple[object, ...]]]]:
    waiting = rows(people)
    while some := list(islice(waiting, 50_000)):
        batch: dict[str, list[tuple[object, ...]]] = {}
        for table, row in some:
            batch.setdefault(table, []).append(row)
        yield batch
