"""The city police department: a SQLite database as such systems have it. See LAYOUTS.md."""

import hashlib
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path

from demo import words
from demo.chance import Chance
from demo.files import Truth, Written, number_date
from demo.mess import Sighting, plain, sight
from demo.person import TODAY, Person
from demo.texas import age_on, event_day

ORI = "CA9990000"
FILE = f"{ORI}/sources/legacy.db"
_HANDLING = "DISSEM_LVL INTEGER, SEAL_CD INTEGER, JUV_IND INTEGER"
SCHEMA = f"""
CREATE TABLE NAME_MST (NAME_ID CHAR(10) PRIMARY KEY, NM_FULL VARCHAR(60), NM_LAST VARCHAR(40),
  NM_FIRST VARCHAR(30), NM_MID VARCHAR(30), NM_SFX VARCHAR(4), NM_SRCH VARCHAR(40), NM_SDX CHAR(4),
  DOB_DT INTEGER, SEX_CD CHAR(1), RACE_CD CHAR(2), HGT_IN INTEGER, WGT_LB INTEGER, EYE_CD CHAR(2),
  HAIR_CD CHAR(2), OLN VARCHAR(16), OLN_ST CHAR(2), SSN CHAR(9), CII_NO CHAR(10),
  ADDR_TX VARCHAR(60), PHONE_TX VARCHAR(16), SRC_SYS_CD CHAR(1), {_HANDLING}, UPD_DT INTEGER);
CREATE TABLE NAME_ALIAS (NAME_ID CHAR(10), ALIAS_SEQ INTEGER, NM_FULL VARCHAR(60),
  NM_SRCH VARCHAR(40), NM_SDX CHAR(4), PRIMARY KEY (NAME_ID, ALIAS_SEQ));
CREATE TABLE ARR_HDR (ARR_ID CHAR(10) PRIMARY KEY, NAME_ID CHAR(10), ARR_DT INTEGER,
  ARR_TM INTEGER, ARR_TYP_CD CHAR(1),
  CHG_STAT VARCHAR(16), CHG_TX VARCHAR(60), FEL_IND INTEGER, UCR_CD CHAR(4),
  INC_ID CHAR(10), {_HANDLING});
CREATE TABLE WARR (WARR_ID CHAR(10) PRIMARY KEY, NAME_ID CHAR(10), WARR_TYP_CD CHAR(2),
  CRT_TX VARCHAR(40), CRT_CASE_NO VARCHAR(16), ISS_DT INTEGER, STAT_CD CHAR(1), EXTR_CD CHAR(1),
  BAIL_AMT INTEGER, CMC_CD CHAR(2), {_HANDLING});
CREATE TABLE INC_HDR (INC_ID CHAR(10) PRIMARY KEY, RPT_DT INTEGER, RPT_TM INTEGER, UCR_CD CHAR(4),
  STAT_CD CHAR(1), LOC_TX VARCHAR(60), {_HANDLING});
CREATE TABLE INC_INVL (INC_ID CHAR(10), INVL_SEQ INTEGER, NAME_ID CHAR(10), ROLE_CD CHAR(1),
  PRIMARY KEY (INC_ID, INVL_SEQ));
CREATE TABLE CD_TBL (CD_TYP CHAR(8), CD CHAR(4), CD_TX VARCHAR(40), PRIMARY KEY (CD_TYP, CD));
CREATE INDEX NAME_MST_SRCH ON NAME_MST (NM_SRCH);
CREATE INDEX NAME_MST_SDX ON NAME_MST (NM_SDX);
CREATE INDEX NAME_MST_DOB ON NAME_MST (DOB_DT);
CREATE INDEX NAME_MST_OLN ON NAME_MST (OLN);
CREATE INDEX NAME_MST_SSN ON NAME_MST (SSN);
CREATE INDEX NAME_MST_CII ON NAME_MST (CII_NO);
CREATE INDEX INC_HDR_DT ON INC_HDR (RPT_DT);
CREATE INDEX INC_HDR_UCR ON INC_HDR (UCR_CD);
CREATE INDEX NAME_ALIAS_SRCH ON NAME_ALIAS (NM_SRCH);
CREATE INDEX NAME_ALIAS_SDX ON NAME_ALIAS (NM_SDX);
CREATE INDEX ARR_HDR_NAME ON ARR_HDR (NAME_ID);
CREATE INDEX WARR_NAME ON WARR (NAME_ID);
CREATE INDEX INC_INVL_NAME ON INC_INVL (NAME_ID);
CREATE INDEX INC_INVL_INC ON INC_INVL (INC_ID);
"""
_CODES = {
    "SEX": "1:MALE 2:FEMALE 9:UNKNOWN",
    "RACE": "10:WHITE 20:BLACK 30:ASIAN 40:INDIAN 50:PACIFIC 60:HISPANIC 99:UNKNOWN",
    "EYE": "01:BLACK 02:BLUE 03:BROWN 04:GRAY 05:GREEN 06:HAZEL 99:UNKNOWN",
    "HAIR": "01:BALD 02:BLACK 03:BLOND 04:BROWN 05:GRAY 06:RED 07:WHITE 99:UNKNOWN",
    "ARRTYP": "V:ON_VIEW C:CITED W:WARRANT",
    "WARRTYP": "FA:FELONY MA:MISDEMEANOR BW:BENCH RW:RAMEY PV:PROBATION_VIOLATION",
    "WSTAT": "A:ACTIVE S:SERVED R:RECALLED",
    "ISTAT": "O:OPEN C:CLEARED_BY_ARREST I:INACTIVE U:UNFOUNDED",
    "CMC": "00:ARMED_AND_DANGEROUS 05:VIOLENT 20:DRUGS 25:ESCAPE_RISK 70:SUICIDAL",
    "ROLE": "S:SUSPECT V:VICTIM W:WITNESS",
    "SEAL": "0:OPEN 1:SEALED 2:EXPUNGED",
    "DISSEM": "1:ALL 2:POINTER 3:NONE",
    "SRC": "R:OWN_RECORDS D:DRIVER_FILE",
}
_SEX = {"M": "1", "F": "2", "U": "9"}
_RACE = {"W": "10", "B": "20", "A": "30", "I": "40", "P": "50", "H": "60", "U": "99"}
_EYE = {"BLK": "01", "BLU": "02", "BRO": "03", "GRY": "04", "GRN": "05", "HAZ": "06", "XXX": "99"}
_HAIR = {"BAL": "01", "BLK": "02", "BLN": "03", "BRO": "04", "GRY": "05", "RED": "06", "WHI": "07"}
_SOUNDEX = {c: d for d, cs in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for c in cs}

Cell = str | int | None


def _columns(table: str) -> list[str]:
    found = re.search(rf"CREATE TABLE {table} \((.*?)\);\n", SCHEMA, re.DOTALL)
    if not found:
        raise KeyError(table)
    cells = re.split(r",\s+PRIMARY KEY", found[1])[0].split(",")
    return [c.split()[0] for c in cells]


def search_key(surname: str) -> str:
    """Write a surname as `NM_SRCH` has it: no accents, blanks, hyphens, apostrophes."""
    return re.sub(r"[^A-Z]", "", plain(surname).upper())


def soundex(key: str) -> str:
    """Give the American Soundex of a search key: a letter and three digits."""
    if not key:
        return ""
    digits, last = "", _SOUNDEX.get(key[0])
    for ch in key[1:]:
        code = _SOUNDEX.get(ch)
        if code and code != last:
            digits += str(code)
        if ch not in "HW":
            last = code
    return (key[0] + digits + "000")[:4]


class California:
    """The tables, filled person by person."""

    def __init__(self, seed: int, truth: Truth) -> None:
        self._seed = seed
        self._truth = truth
        self.rows: dict[str, list[tuple[Cell, ...]]] = {
            t: [] for t in ("NAME_MST", "NAME_ALIAS", "ARR_HDR", "WARR", "INC_HDR", "INC_INVL")
        }
        self._next = dict.fromkeys(self.rows, 1000)

    def add(self, table: str, **values: Cell) -> None:
        """Add a row by column names; a column left out is NULL."""
        columns = _columns(table)
        if unknown := set(values) - set(columns):
            raise KeyError(f"no such columns: {sorted(unknown)}")
        self.rows[table].append(tuple(values.get(c) for c in columns))

    def _number(self, table: str) -> int:
        self._next[table] += 1
        return self._next[table]

    def person(self, p: Person) -> None:
        """Write one person down, with everything that happened to them here."""
        c = Chance(self._seed, ORI, p.number)
        seen = sight(self._seed, p, f"{ORI}/names")
        key = f"N{self._number('NAME_MST'):09d}"
        handling = self._handling(c, juvenile=age_on(p.birth, TODAY) < 18)
        self.name(c, p, key, seen, handling)
        self._note(p, "person", key, seen, handling)
        if c.happens(12):
            other = sight(self._seed, p, f"{ORI}/alias")
            if (other.given, other.surname) != (seen.given, seen.surname):
                self.alias(key, 1, other)
        if c.happens(35):
            for _ in range(c.weighted(((1, 6), (2, 3), (3, 1)))):
                self._arrest(c, p, key, seen)
        if c.happens(10):
            self._warrant(c, p, key, seen)
        if c.happens(25):
            self._incident(c, p, key, seen)

    def _handling(self, c: Chance, *, juvenile: bool) -> tuple[int, int, int]:
        level = c.weighted(((1, 91), (2, 6), (3, 3)))
        return level, c.weighted(((0, 97), (1, 2), (2, 1))), int(juvenile)

    def _note(
        self, p: Person, kind: str, key: str, seen: Sighting, handling: tuple[int, int, int]
    ) -> None:
        hidden = "E" if handling[1] == 2 else "R" if handling[0] == 3 else ""
        self._truth.note(p.key, ORI, kind, key, seen, hidden=hidden)

    def name(
        self, c: Chance, p: Person, key: str, seen: Sighting, handling: tuple[int, int, int]
    ) -> None:
        """Add a master name: before 2020 in one column, since then in four."""
        old = c.happens(55)
        rest = " ".join(x for x in (seen.given, seen.middle) if x)
        full = f"{seen.surname}/{rest}".ljust(60) if old else None
        split = (None,) * 4 if old else (seen.surname, seen.given, seen.middle, seen.suffix)
        updated = (
            c.day(date(2012, 1, 1), date(2019, 12, 31)) if old else c.day(date(2020, 1, 1), TODAY)
        )
        srch = search_key(seen.surname)
        known = c.happens(80)
        self.rows["NAME_MST"].append(
            (
                *(key, full, *split, srch, soundex(srch), number_date(seen.birth)),
                *(_SEX[p.sex], _RACE[p.race]),
                *((p.height, p.weight) if known else (0, 0)),
                *((_EYE[p.eyes], _HAIR[p.hair]) if known else ("99", "99")),
                *((p.licence, p.licence_state) if c.happens(50) else (None, None)),
                p.ssn if c.happens(30) else None,
                f"A9{p.number:08d}" if c.happens(30) else None,
                p.address.line[:60] if c.happens(80) else None,
                f"619-{p.phone[:3]}-{p.phone[3:]}" if c.happens(50) else None,
                *("D" if c.happens(12) else "R", *handling, number_date(updated)),
            )
        )

    def alias(self, key: str, sequence: int, other: Sighting) -> None:
        """Add another name of a person."""
        srch = search_key(other.surname)
        full = f"{other.surname}/{other.given}"
        self.rows["NAME_ALIAS"].append((key, sequence, full.ljust(60), srch, soundex(srch)))

    def _arrest(self, c: Chance, p: Person, name_id: str, seen: Sighting) -> None:
        day = event_day(c, p.birth)
        key = f"A{day:%y}{self._number('ARR_HDR'):05d}"
        statute, text, level, ucr = c.early(words.CHARGES)
        handling = self._handling(c, juvenile=age_on(p.birth, day) < 18)
        self.rows["ARR_HDR"].append(
            (
                *(
                    key.ljust(10),
                    name_id,
                    number_date(day),
                    c.between(0, 23) * 100 + c.between(0, 59),
                ),
                c.weighted((("V", 6), ("W", 3), ("C", 1))),
                *(statute.replace("PC ", "CPC "), text, int(level == "F"), ucr.ljust(4), None),
                *handling,
            )
        )
        self._note(p, "arrest", key, seen, handling)

    def _warrant(self, c: Chance, p: Person, name_id: str, seen: Sighting) -> None:
        day = event_day(c, p.birth, date(2023, 1, 1))
        key = f"W{day:%y}{self._number('WARR'):05d}"
        handling = self._handling(c, juvenile=age_on(p.birth, day) < 18)
        self.rows["WARR"].append(
            (
                *(key.ljust(10), name_id),
                c.weighted((("FA", 4), ("MA", 4), ("BW", 2), ("RW", 1), ("PV", 1))),
                *("SUPERIOR COURT, SERENA COUNTY", f"SC{c.digits(6)}", number_date(day)),
                *(c.weighted((("A", 7), ("S", 2), ("R", 1))), c.one("1234")),
                *(
                    c.between(1, 80) * 500,
                    c.weighted(((None, 88), ("00", 5), ("05", 5), ("25", 2))),
                ),
                *handling,
            )
        )
        self._note(p, "warrant", key, seen, handling)

    def _incident(self, c: Chance, p: Person, name_id: str, seen: Sighting) -> None:
        day = event_day(c, p.birth, date(2022, 1, 1))
        key = f"I{day:%y}{self._number('INC_HDR'):05d}"
        handling = self._handling(c, juvenile=age_on(p.birth, day) < 18)
        place = f"{c.between(1, 98)}00 BLK {c.one(words.STREETS)} {c.one(words.STREET_KINDS)}"
        self.rows["INC_HDR"].append(
            (
                *(key.ljust(10), number_date(day), c.between(0, 23) * 100 + c.between(0, 59)),
                c.early(words.CHARGES)[3].ljust(4),
                c.weighted((("O", 4), ("C", 4), ("I", 2), ("U", 1))),
                *(place, *handling),
            )
        )
        role = c.weighted((("S", 6), ("V", 2), ("W", 2)))
        self.rows["INC_INVL"].append((key, 1, name_id, role))
        if role == "S":
            self._note(p, "incident", key, seen, handling)

    def spoil(self) -> int:
        """Add rows that nobody can translate. Gives their number."""
        names = self.rows["NAME_MST"]
        names.append(("N999999901", *_with(names[-1], 7, 19_810_230)))
        names.append(("N999999902", *_with(names[-2], 22, 7)))
        arrests, warrants = self.rows["ARR_HDR"], self.rows["WARR"]
        arrests.append(("A9999901  ", *_with(arrests[-1], 1, 20_260_231)))
        warrants.append(("W9999901  ", *_with(warrants[-1], 9, 9)))
        return 4


def _with(row: tuple[Cell, ...], place: int, value: Cell) -> tuple[Cell, ...]:
    """Copy a row without its key, one of the other columns changed (0 is the one after the key)."""
    rest = list(row[1:])
    rest[place] = value
    return tuple(rest)


def fill(california: California, people: Iterable[Person]) -> None:
    """Write down everybody who is known here."""
    for p in people:
        if ORI in p.agencies:
            california.person(p)


def write(california: California, out: Path) -> list[Written]:
    """Write the database anew. Its digest is that of the SQL dump."""
    dirty = california.spoil()
    path = out / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA)
        for kind, codes in _CODES.items():
            pairs = (c.split(":") for c in codes.split())
            rows = [(kind.ljust(8), code.ljust(4), text.replace("_", " ")) for code, text in pairs]
            db.executemany("INSERT INTO CD_TBL VALUES (?, ?, ?)", rows)
        for table, table_rows in california.rows.items():
            marks = ", ".join("?" * len(_columns(table)))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", table_rows)  # noqa: S608 - own names
        db.commit()
        whole = hashlib.sha256()
        for line in db.iterdump():
            whole.update(f"{line}\n".encode())
    records = sum(len(california.rows[t]) for t in ("NAME_MST", "ARR_HDR", "WARR", "INC_HDR"))
    return [Written(FILE, records - dirty, dirty, whole.hexdigest())]
