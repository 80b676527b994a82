"""Whole mappings of XML vocabularies and of Excel: records of the standard come out."""

import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import adapters
from adapters.check import check
from adapters.source import MappedSource
from gateway import niem
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import BORN, NAME, SEX, mapping

FILES = Path(__file__).parent / "xml"


def written(name: str) -> str:
    return (FILES / f"{name}.yaml").read_text(encoding="utf-8")


def load(folder: Path, name: str, text: str) -> MappedSource:
    shutil.copy(FILES / f"{name}.xml", folder)
    (folder / "m.yaml").write_text(text, encoding="utf-8")
    return adapters.load(folder / "m.yaml")


def read(source: MappedSource) -> list[Record | SetAside]:
    rows = list(source.rows())
    for row in rows:
        if isinstance(row, Record):
            assert not niem.findings(row.message)
    tally = source.tally
    assert tally.read == tally.translated + tally.aside == len(rows)
    return rows


def test_niem_3_warrants_whose_people_stand_beside_them(tmp_path: Path) -> None:
    one, two = read(load(tmp_path, "niem3", written("niem3")))
    assert isinstance(one, Record)
    person: Any = one.message["nc:Person"]
    assert person["nc:PersonBirthDate"] == {"nc:Date": "1991-03-04"}
    assert [n["nc:PersonGivenName"] for n in person["nc:PersonName"]] == ["Tibald", "Tib"]
    warrant: Any = one.message["j:Warrant"]
    assert warrant["j:CourtOrderDesignatedSubject"] == {"nc:EntityPerson": {"@id": "#person"}}
    assert warrant["j:WarrantCategoryCode"] == "FELONY_ARREST"
    assert isinstance(two, SetAside)
    assert (two.code, two.column, two.value, two.line) == ("xml.reference", "GIVEN", "P9", 28)
    assert "<nc:IdentificationID>NW-18<" in two.raw
    assert two.fields is not None
    assert two.fields["NO"] == "NW-18"


def test_lexs_incidents_with_those_whom_its_associations_link(tmp_path: Path) -> None:
    one, two = read(load(tmp_path, "lexs", written("lexs")))
    assert isinstance(one, Record)
    assert one.handling.as_dict()["dissemination"] == "GREEN"
    person: Any = one.message["nc:Person"]
    assert person["nc:PersonName"]["nc:PersonSurName"] == "Quillfeather"
    vehicle: Any = one.message["nc:Vehicle"]
    assert vehicle["nc:VehicleIdentification"] == {"nc:IdentificationID": "1ZZFICT10N0000001"}
    incident: Any = one.message["nc:Incident"]
    assert incident["nc:ActivityDate"] == {"nc:DateTime": "2026-02-11T21:40:00"}
    assert isinstance(two, SetAside)
    assert (two.code, two.column, two.value) == ("xml.reference", "subject.GIVEN", "P1")


def test_gjxdm_arrests_of_an_older_encoding(tmp_path: Path) -> None:
    (one,) = read(load(tmp_path, "gjxdm", written("gjxdm")))
    assert isinstance(one, Record)
    person: Any = one.message["nc:Person"]
    assert person["nc:PersonName"]["nc:PersonSurName"] == "Peñuelas-Dray"
    charges: Any = one.message["j:Charge"]
    assert [c["j:ChargeDescriptionText"] for c in charges] == [
        "Larceny of a wheelbarrow",
        "Trespass",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("ext:Level", "ex:Level", 3, "column LEVEL: ex: the mapping declares no such prefix"),
        ("/ext:WarrantBatch/j:Warrant", "j:Order", 3, None),
        ("xml\n  path", "xlm\n  path", 3, "did you mean xml"),
        ("jxdm/5.0/", "jxdm/6.0/", 3, "jxdm/5.0/.*is the namespace right"),
        ("niem3.xml", "none.xml", 3, "there is no such file"),
        ("record: /ext", "rekord: /ext", 3, "rekord|record"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str | None
) -> None:
    text = written("niem3").replace(old, new, 1)
    if words is None:  # no such element at all: an empty batch is none the worse
        assert read(load(tmp_path, "niem3", text)) == []
        return
    with pytest.raises(Misconfigured, match=rf"^m\.yaml:{line}|^m\.yaml:\d+: .*{words}") as caught:
        load(tmp_path, "niem3", text)
    assert caught.match(words)


ROSTER = "{type: excel, path: roster.xlsx, sheet: Roster, header: 2}"


def test_an_excel_sheet_becomes_records_and_only_used_columns_count(
    small: Make, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Roster"
    for row in (
        ["County roster, printed 2026"],
        ["ID", "NAME", "BORN", "SEX", "NOTE"],
        [501, "CRUZ, ANA", "03/12/1987", "F", "=1/0"],
        [502, "OTT, JON", "13/45/1990", "M", None],
    ):
        page.append(row)
    for cell in ("A3", "A4"):
        page[cell].number_format = "00000"
    book.create_sheet("Lists")
    book.save(tmp_path / "roster.xlsx")
    source = small(mapping(NAME, BORN, SEX, form=ROSTER))
    one, two = read(source)
    assert isinstance(one, Record)
    assert one.record_id == "00501"
    person: Any = one.message["nc:Person"]
    assert person["nc:PersonBirthDate"] == {"nc:Date": "1987-03-12"}
    assert isinstance(two, SetAside)
    assert (two.line, two.code, two.column) == (4, "date.none", "BORN")
    assert source.stated() == ("roster.xlsx: sheet Roster, header in row 2",)


def test_what_is_found_out_is_said_by_a_check_for_joined_files_too(
    small: Make, tmp_path: Path
) -> None:
    join = (
        "    join:\n      other:\n        format: {type: csv, path: other}\n"
        "        key: NO\n        from: ID"
    )
    phone = 'to: "person/j:DriverLicense/nc:IdentificationID", column: other.OLN'
    text = mapping(NAME, phone, form="{type: csv, path: data}", record=join)
    data = "ID;NAME\n7;MUÑOZ\n".encode("cp1252")
    small(text, data, other=b"NO|OLN\n7|A1\n")
    assert check(tmp_path / "m.yaml").stated == (
        'data: encoding windows-1252 (likely), delimiter ; (certain), quote "',
        'other: encoding utf-8 (certain), delimiter | (certain), quote "',
    )
