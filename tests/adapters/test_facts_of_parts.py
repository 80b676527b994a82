"""Facts on who may see a record, read off all rows of a repeated part: the strictest counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import adapters
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside

MAPPING = """\
mapping: 1
source: w
format: {type: csv, path: w.csv, encoding: utf-8, delimiter: ","}
records:
  - type: arrest
    id: "{NO}"
    repeat:
      charge: {times: 2, columns: {TEXT: "TEXT{n}", SEAL: "SEAL{n}"}}
    join:
      other:
        format: {type: csv, path: other.csv, encoding: utf-8, delimiter: ","}
        key: NO
        from: NO
        many: true
        missing: blank
    handling:
      dissemination: GREEN
      disclosure: DISCLOSURE
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: true
    objects: {arrest: "j:Arrest"}
    fields:
      - {to: arrest/nc:ActivityDescriptionText, column: TITLE}
"""
CODES = "codes: {S: sealed, O: open}"
OWN = f"{{each: charge, column: charge.SEAL, {CODES}, blank: open, strictest: [open, sealed]}}"
JOINED = f"{{each: other, column: other.SEAL, {CODES}, blank: open, strictest: [open, sealed]}}"
BOTH = f"{{of: [{OWN}, {JOINED}], strictest: [open, sealed]}}"
BY_CASES = """{each: charge, blank: open, strictest: [open, sealed], cases: [
        {when: {column: charge.TEXT, is: [Arson]}, is: sealed},
        {when: {column: TITLE, blank: false}, is: open}]}"""
ROWS = (
    "NO,TITLE,TEXT1,SEAL1,TEXT2,SEAL2\n"
    "A1,First,Theft,O,Arson,O\n"
    "A2,Second,Theft,O,Arson,S\n"
    "A3,Third,,,,\n"
    "A4,Fourth,Theft,?,Arson,S\n"
)
OTHER = "NO,SEAL\nA1,O\nA1,S\nA2,O\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "w.csv").write_text(ROWS)
    (tmp_path / "other.csv").write_text(OTHER)
    return tmp_path


def loaded(folder: Path, disclosure: str) -> Iterator[Record | SetAside]:
    path = folder / "w.yaml"
    path.write_text(MAPPING.replace("DISCLOSURE", disclosure))
    return adapters.load(path).rows()


@pytest.mark.parametrize(
    ("disclosure", "told"),
    [
        (OWN, {"A1": "open", "A2": "sealed", "A3": "open"}),
        (JOINED, {"A1": "sealed", "A2": "open", "A3": "open", "A4": "open"}),
        (BOTH, {"A1": "sealed", "A2": "sealed", "A3": "open"}),
        (OWN.replace("blank: open, ", ""), {"A1": "open", "A2": "sealed"}),
        (
            BY_CASES,
            {"A1": "sealed", "A2": "sealed", "A3": "open", "A4": "sealed"},
        ),
    ],
    ids=["own", "joined", "both", "no row is no word", "cases"],
)
def test_the_strictest_row_of_a_part_counts(
    folder: Path, disclosure: str, told: dict[str, str]
) -> None:
    rows = list(loaded(folder, disclosure))
    found = {r.record_id: r.handling.as_dict()["disclosure"] for r in rows if isinstance(r, Record)}
    assert found == told
    # What nobody can say sets the row aside, also where another row of the part is strict.
    aside = {r.raw.partition(",")[0]: r.code for r in rows if isinstance(r, SetAside)}
    assert aside.keys() == {"A1", "A2", "A3", "A4"} - told.keys()


@pytest.mark.parametrize(
    ("disclosure", "text"),
    [
        (OWN.replace("each: charge", "each: verdict"), "no such repeated part"),
        (f"{{column: charge.SEAL, {CODES}, blank: open}}", "use it in a fact `each: charge`"),
        (OWN.replace(", strictest: [open, sealed]", ""), "strictest"),
        (OWN.replace("[open, sealed]", "[open, expunged]"), "sealed"),
        (
            "{cases: [{when: {column: NO, blank: false}, is: open}], blank: open}",
            "goes with `each`",
        ),
        (
            "{each: charge, column: charge.TEXT, date: MM/DD/YYYY, strictest: [open, sealed]}",
            "can't rank days",
        ),
    ],
)
def test_what_can_not_be_read_off_a_part_is_refused(
    folder: Path, disclosure: str, text: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        list(loaded(folder, disclosure))
    assert text in str(refused.value)


@pytest.mark.parametrize("damaged", [b",S\n", b"A\xff,S\n", b"xS\n"])
def test_a_joined_row_of_no_known_key_may_be_the_strictest_of_any(
    folder: Path, damaged: bytes
) -> None:
    (folder / "other.csv").write_bytes(b"NO,SEAL\nA1,O\nA2,S\n" + damaged)
    found = list(loaded(folder, JOINED))
    assert not [r for r in found if isinstance(r, Record)]
    assert [r.code for r in found if isinstance(r, SetAside)][:4] == ["join.damaged"] * 4
    # Where the join does not decide who may see a row, it is set aside alone.
    told = {r.record_id for r in loaded(folder, OWN) if isinstance(r, Record)}
    assert told == {"A1", "A2", "A3"}
