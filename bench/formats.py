"""Rows a second of every format: read and mapped to NIEM, and stored and searchable.

    python -m bench.formats [--rows 20000] [--rounds 3] [--only csv,xml] [--profile]

The same people stand in every file (NIBRS: incidents, whose segments are the rows). The yardstick
reads the same file with the usual library and makes a pydantic model of each row: names in parts,
dates parsed, codes checked against their lists, measures as numbers. Ours makes NIEM records,
validated against the release. Both in turn in one run, processor time of the best of the rounds;
1 is as fast. "as many objects" is against models of all the objects that ours makes (NIBRS alone:
a flat model a segment is a fifth of them). "sum" says that every row became a record.
"""

import argparse
import cProfile
import csv
import pstats
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import openpyxl
from lxml import etree
from pydantic import BaseModel, BeforeValidator, Field
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text

import adapters
from bench import linked_nibrs, plain_nibrs
from bench.people import Population
from demo.new_mexico import NewMexico
from gateway.records.importer import Importer

ROOT: Final = Path(__file__).parents[1]
NIBRS: Final = ROOT / "demo/agencies/NM9990000/mappings/nibrs.yaml"
EBCDIC: Final = "cp037"
RACES: Final = {"W": "WHITE", "B": "BLACK", "A": "ASIAN", "U": "UNKNOWN"}
EYES: Final = {"BRO": "BROWN", "BLU": "BLUE", "GRN": "GREEN", "HAZ": "HAZEL"}
HAIR: Final = {"BLK": "BLACK", "BRO": "BROWN", "GRY": "GRAY-PARTIALLY_GRAY", "RED": "RED_AUBURN"}
WIDTHS: Final = {
    "ID": 10,
    "NAME": 40,
    "BORN": 10,
    "SEX": 1,
    "RACE": 1,
    "HGT": 3,
    "WGT": 3,
    "EYES": 3,
    "HAIR": 3,
    "OLN": 10,
    "STREET": 30,
    "CITY": 20,
    "STATE": 2,
    "ZIP": 5,
}
COLUMNS: Final = tuple(WIDTHS)


class Name(BaseModel):
    """A name in its parts."""

    surname: str
    given: str
    middle: str


def name_parts(written: str) -> dict[str, str]:
    """Split SURNAME, GIVEN MIDDLE."""
    surname, _, rest = written.partition(",")
    given, _, middle = rest.strip().partition(" ")
    return {"surname": surname.strip(), "given": given, "middle": middle}


class Person(BaseModel):
    """One row, as the yardstick reads it."""

    ID: str = Field(min_length=1)
    NAME: Annotated[Name, BeforeValidator(name_parts)]
    BORN: Annotated[
        date,
        BeforeValidator(lambda t: datetime.strptime(t, "%m/%d/%Y").replace(tzinfo=UTC).date()),
    ]
    SEX: Literal["M", "F"]
    RACE: Literal["W", "B", "A", "U"]
    HGT: Annotated[int, BeforeValidator(lambda t: int(t[:-2]) * 12 + int(t[-2:]))]
    WGT: int
    EYES: Literal["BRO", "BLU", "GRN", "HAZ"]
    HAIR: Literal["BLK", "BRO", "GRY", "RED"]
    OLN: str
    STREET: str
    CITY: str
    STATE: str = Field(min_length=2, max_length=2)
    ZIP: str


def mapping(form: str, table: str = "") -> str:
    """Write the mapping of the people."""
    codes = {"sex": {"M": "M", "F": "F"}, "race": RACES, "eyes": EYES, "hair": HAIR}
    written = (
        f"  {n}: {{{', '.join(f'{k}: {v}' for k, v in t.items())}}}" for n, t in codes.items()
    )
    home = "person/nc:PersonResidenceAddress"
    fields = (
        'to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN MIDDLE", required: true',
        'to: "person/nc:PersonBirthDate", column: BORN, date: MM/DD/YYYY',
        'to: "person/j:PersonSexCode", column: SEX, codes: sex',
        'to: "person/j:PersonRaceCode", column: RACE, codes: race',
        'to: "person/nc:PersonHeightMeasure", column: HGT, measure: {from: feet_inches, unit: INH}',
        'to: "person/nc:PersonWeightMeasure", column: WGT, measure: {from: pounds, unit: LBR}',
        'to: "person/j:PersonEyeColorCode", column: EYES, codes: eyes',
        'to: "person/j:PersonHairColorCode", column: HAIR, codes: hair',
        'to: "person/j:DriverLicense/nc:IdentificationID", column: OLN',
        f'to: "{home}/nc:AddressStreet/nc:StreetName", column: STREET',
        f'to: "{home}/nc:AddressCityName", column: CITY',
        f'to: "{home}/nc:AddressState/usps:StateCode", column: STATE',
        f'to: "{home}/nc:AddressPostalCode", column: ZIP',
    )
    return "\n".join(
        (
            "mapping: 1",
            "source: bench",
            f"format: {form}",
            "codes:",
            *written,
            "records:",
            "  - type: person",
            *([f"    table: {table}"] if table else []),
            '    id: "{ID}"',
            (
                "    handling: {dissemination: GREEN, disclosure: open, juvenile: false,"
                " source_kind: own, intelligence: false, criminal_history: false}"
            ),
            '    objects: {person: "nc:Person"}',
            "    fields:",
            *(f"      - {{{f}}}" for f in fields),
            "",
        )
    )


def people(count: int) -> list[dict[str, str]]:
    """Make rows, all text."""
    population = Population(7)
    rng = population.rng
    found = []
    for number in range(count):
        p = population.person()
        born = p.birth or date(1980, 1, 1)
        row = {
            "ID": f"P-{number:07d}",
            "NAME": f"{p.surname}, {p.given} {rng.choice('ABCDEFGHJKLM')}".upper()[:40],
            "BORN": f"{born:%m/%d/%Y}",
            "SEX": p.sex,
            "RACE": rng.choice(sorted(RACES)),
            "HGT": f"{rng.choice('56')}{rng.randrange(12):02d}",
            "WGT": str(rng.randrange(100, 280)),
            "EYES": rng.choice(sorted(EYES)),
            "HAIR": rng.choice(sorted(HAIR)),
            "OLN": f"99{number:08d}",
            "STREET": f"{rng.randrange(1, 9999)} {p.surname.split()[0].upper()} ST"[:30],
            "CITY": rng.choice(("EXAMPLEVILLE", "SAMPLE CITY", "TESTON")),
            "STATE": rng.choice(("TX", "NM", "CA")),
            "ZIP": f"{rng.randrange(79900, 79999)}",
        }
        found.append(row)
    return found


# -- the files, and how the yardstick reads them --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Format:
    """How a format's file is written, what its mapping says, how the yardsticks read it."""

    write: Callable[[Path, Sequence[dict[str, str]]], None]
    form: str
    plain: Callable[[Path], Iterator[BaseModel]]
    table: str = ""
    linked: Callable[[Path], Iterator[BaseModel]] | None = None
    """The yardstick that makes as many objects as ours, where it is another one."""


def write_csv(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def plain_csv(path: Path) -> Iterator[Person]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from map(Person.model_validate, csv.DictReader(file))


def write_excel(path: Path, rows: Iterable[dict[str, str]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("People")
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append(list(row.values()))
    book.save(path)


def plain_excel(path: Path) -> Iterator[Person]:
    book = openpyxl.load_workbook(path, read_only=True)
    rows = book["People"].iter_rows(values_only=True)
    names = [str(n) for n in next(rows)]
    for row in rows:
        yield Person.model_validate(dict(zip(names, row, strict=True)))
    book.close()


def places() -> dict[str, tuple[int, int]]:
    found, at = {}, 1
    for name, width in WIDTHS.items():
        found[name] = (at, at + width - 1)
        at += width
    return found


def write_fixed(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        for row in rows:
            file.write("".join(row[n].ljust(w) for n, w in WIDTHS.items()) + "\n")


def plain_fixed(path: Path) -> Iterator[Person]:
    cuts = {name: slice(first - 1, last) for name, (first, last) in places().items()}
    with path.open(encoding="ascii", newline="") as file:
        for line in file:
            yield Person.model_validate({n: line[cut].strip() for n, cut in cuts.items()})


def write_cobol(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write EBCDIC; the birth date, height and weight are packed."""
    book = ["       01 R."]
    for name, width in WIDTHS.items():
        picture = {"BORN": "9(8) COMP-3", "HGT": "9(3) COMP-3", "WGT": "9(3) COMP-3"}.get(name)
        book.append(f"          05 {name} PIC {picture or f'X({width})'}.")
    path.with_suffix(".cpy").write_text("\n".join(book) + "\n", encoding="ascii")
    with path.open("wb") as file:
        for row in rows:
            for name, width in WIDTHS.items():
                if name in {"BORN", "HGT", "WGT"}:
                    digits = row[name].replace("/", "") + "f"
                    file.write(bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0")))
                else:
                    file.write(row[name].ljust(width).encode(EBCDIC))


def plain_cobol(path: Path) -> Iterator[Person]:
    sizes = {n: {"BORN": 5, "HGT": 2, "WGT": 2}.get(n, w) for n, w in WIDTHS.items()}
    with path.open("rb") as file:
        while record := file.read(sum(sizes.values())):
            row, at = {}, 0
            for name, size in sizes.items():
                cell = record[at : at + size]
                at += size
                packed = name in {"BORN", "HGT", "WGT"}
                row[name] = cell.hex()[:-1] if packed else cell.decode(EBCDIC).strip()
            born = row["BORN"][1:]
            row["BORN"] = f"{born[:2]}/{born[2:4]}/{born[4:]}"
            yield Person.model_validate(row)


def write_xml(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with (
        path.open("wb") as file,
        etree.xmlfile(file, encoding="utf-8") as xml,
        xml.element("{urn:bench}people", nsmap={None: "urn:bench"}),
    ):
        for row in rows:
            person = etree.Element("{urn:bench}person")
            for name, value in row.items():
                etree.SubElement(person, f"{{urn:bench}}{name}").text = value
            xml.write(person)


def plain_xml(path: Path) -> Iterator[Person]:
    tags = {name: f"{{urn:bench}}{name}" for name in COLUMNS}
    for _, element in etree.iterparse(path, tag="{urn:bench}person"):
        yield Person.model_validate({n: element.findtext(tag) for n, tag in tags.items()})
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def write_sql(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    columns = ", ".join(f'"{n}" TEXT' for n in COLUMNS if n != "ID")
    database.execute(f'CREATE TABLE people ("ID" TEXT PRIMARY KEY, {columns})')
    marks = ", ".join("?" * len(COLUMNS))
    database.executemany(
        f"INSERT INTO people VALUES ({marks})",  # noqa: S608 - marks
        (list(r.values()) for r in rows),
    )
    database.commit()
    database.close()


def plain_sql(path: Path) -> Iterator[Person]:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = connection.execution_options(stream_results=True).execute(
            text("SELECT * FROM people")
        )
        for row in found.mappings():
            yield Person.model_validate(dict(row))
    engine.dispose()


def write_nibrs(path: Path, rows: Sequence[dict[str, str]]) -> None:
    bureau = NewMexico(seed=3)
    number = 0
    while len(bureau.lines) < len(rows):
        bureau.incident(number)
        number += 1
    path.write_text("\n".join(bureau.lines) + "\n", encoding="ascii")


XML_COLUMNS: Final = ", ".join(f'{n}: "b:{n}"' for n in COLUMNS)
FIXED: Final = ", ".join(f"{n}: [{first}, {last}]" for n, (first, last) in places().items())
FORMATS: Final = {
    "csv": Format(write_csv, "{type: csv, path: data.csv, encoding: utf-8}", plain_csv),
    "excel": Format(write_excel, "{type: excel, path: data.xlsx}", plain_excel),
    "fixed": Format(
        write_fixed,
        f"{{type: fixed, path: data.fixed, encoding: ascii, width: {sum(WIDTHS.values())},"
        f" columns: {{{FIXED}}}}}",
        plain_fixed,
    ),
    "nibrs": Format(write_nibrs, "", plain_nibrs.read, linked=linked_nibrs.read),
    "cobol": Format(
        write_cobol,
        f"{{type: cobol, path: data.cobol, copybook: data.cpy, encoding: {EBCDIC}, record: fixed}}",
        plain_cobol,
    ),
    "xml": Format(
        write_xml,
        '{type: xml, path: data.xml, namespaces: {b: "urn:bench"}, record: "b:person",'
        f" columns: {{{XML_COLUMNS}}}}}",
        plain_xml,
    ),
    "sql": Format(write_sql, "{type: sql, mode: mirror, path: data.sql}", plain_sql, "people"),
}


def data_of(name: str, folder: Path) -> Path:
    """Name a format's file."""
    return folder / ("data.xlsx" if name == "excel" else f"data.{name}")


def written(name: str, folder: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Write a format's file and mapping; give the mapping's path."""
    form = FORMATS[name]
    form.write(data_of(name, folder), rows)
    path = folder / f"{name}.yaml"
    if name == "nibrs":
        shipped = NIBRS.read_text(encoding="utf-8")
        path.write_text(shipped.replace("../sources/nibrs.txt", "data.nibrs"), encoding="utf-8")
        return path
    said = mapping(form.form, form.table)
    if name == "cobol":
        said = said.replace("MM/DD/YYYY", "MMDDYYYY")
    path.write_text(said, encoding="utf-8")
    return path


# -- measuring ------------------------------------------------------------------------------------


def spent(work: Callable[[], int]) -> tuple[float, int]:
    """Do it; give the processor seconds, and the rows."""
    began = time.process_time()
    rows = work()
    return time.process_time() - began, rows


def modelled(read: Callable[[Path], Iterator[BaseModel]], data: Path) -> int:
    """Read a file by a yardstick; give the rows."""
    return sum(getattr(model, "span", 1) for model in read(data))


def ours(path: Path) -> tuple[int, int, int]:
    """Read and map a source; give rows read, translated and set aside."""
    source = adapters.load(path)
    for _ in source.rows():
        pass
    return source.tally.read, source.tally.translated, source.tally.aside


def stored(path: Path, folder: Path) -> tuple[float, float]:
    """Import a source into an empty store; give its processor and clock seconds."""
    source = adapters.load(path)
    database = folder / "records.db"
    importer = Importer(database)
    began, clock = time.process_time(), time.perf_counter()
    importer.run(
        source.name,
        source.rows(),
        as_of=datetime.now(UTC),
        record_types=source.record_types,
        terms=source.terms,
        origin=source.origin,
    )
    took = time.process_time() - began, time.perf_counter() - clock
    importer.close()
    for left in folder.glob("records.db*"):
        left.unlink()
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(FORMATS))
    parser.add_argument("--profile", action="store_true", help="where ours spends its time")
    parser.add_argument("--no-import", action="store_true")
    said = parser.parse_args()
    console = Console(width=110)
    rows = people(said.rows)
    table = Table(title=f"{said.rows:,} rows, best of {said.rounds} rounds, processor time")
    for column in (
        "format",
        "plain rows/s",
        "ours rows/s",
        "ratio",
        "as many objects",
        "sum",
        "stored rows/s",
        "clock",
    ):
        table.add_column(column, justify="left" if column == "format" else "right")
    for name in said.only.split(","):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            path = written(name, folder, rows)
            if said.profile:
                profile = cProfile.Profile()
                profile.runcall(ours, path)
                pstats.Stats(profile).sort_stats("tottime").print_stats(35)
                continue
            table.add_row(
                name, *measured(name, path, folder, said.rounds, importing=not said.no_import)
            )
            console.print(f"{name} done", style="dim")
    if not said.profile:
        console.print(table)


def measured(
    name: str,
    path: Path,
    folder: Path,
    rounds: int,
    *,
    importing: bool,
) -> Iterator[str]:
    """Measure one format: the cells of its line."""
    data, form = data_of(name, folder), FORMATS[name]
    plain: list[float] = []
    linked: list[float] = []
    mapped: list[float] = []
    count, whole = 0, ""
    for _ in range(rounds):
        took, count = spent(partial(modelled, form.plain, data))
        plain.append(took)
        if form.linked is not None:
            linked.append(spent(partial(modelled, form.linked, data))[0])
        took, read = spent(lambda: ours(path)[0])
        mapped.append(took)
        whole = "yes" if read == count else f"{read:,} of {count:,}"
    yield f"{count / min(plain):,.0f}"
    yield f"{count / min(mapped):,.0f}"
    yield f"{min(plain) / min(mapped):.2f}"
    yield f"{min(linked) / min(mapped):.2f}" if linked else ""
    read, translated, aside = ours(path)
    yield whole if translated == read else f"{aside:,} set aside"
    if importing:
        processor, clock = stored(path, folder)
        yield f"{count / processor:,.0f}"
        yield f"{count / clock:,.0f}"


if __name__ == "__main__":
    main()
