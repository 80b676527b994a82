"""From a copybook and EBCDIC to records of the standard: the example of docs/mapping.md, run."""

import re
from pathlib import Path

import pytest

import adapters
from adapters import MappedSource
from adapters.mapping import schema
from gateway import niem
from gateway.model import Record, SetAside
from tests.adapters.cobol_bytes import described, packed, text, zoned
from tests.adapters.small_mapping import HANDLING
from tests.conftest import ROOT

DOCS = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
SECTION = DOCS.partition("### COBOL files")[2].partition("\n## ")[0]
SEALED = HANDLING.replace("open", "{column: SEAL-FLG, codes: {O: open, S: sealed}}")
NAME = 'name: "SURNAME, GIVEN MIDDLE SUFFIX"'
NUMBER = "nc:ActivityIdentification/nc:IdentificationID"
RECORDS = f"""
records:
  - type: warrant
    when: {{column: REC-TYPE, is: [F]}}
    id: "{{WARRANT-NO}}"
    handling: {SEALED}
    objects: {{person: "nc:Person", warrant: "j:Warrant"}}
    fields:
      - {{to: "person/nc:PersonName", column: WANTED-NAME, {NAME}}}
      - to: "person/nc:PersonName[alias]"
        column: alias_name.ALIAS-NAME
        for: alias_name
        {NAME}
      - {{to: "person/nc:PersonBirthDate", column: DOB, date: YYYYMMDD, blank: ["00000000"]}}
      - {{to: "warrant/{NUMBER}", column: WARRANT-NO}}
      - {{to: "warrant/j:WarrantCategoryCode", value: FELONY_ARREST}}
      - {{to: "warrant/j:CourtOrderDesignatedSubject/nc:EntityPerson", link: person}}
  - type: protection_order
    when: {{column: REC-TYPE, is: [C]}}
    id: "C-{{WARRANT-NO}}"
    handling: {HANDLING}
    objects: {{person: "nc:Person", order: "j:ProtectionOrder"}}
    fields:
      - {{to: "person/nc:PersonName", column: WANTED-NAME, {NAME}}}
      - {{to: "order/{NUMBER}", column: DOCKET-NO, required: true}}
      - {{to: "order/j:CourtOrderDesignatedSubject/nc:EntityPerson", link: person}}
"""


def wanted(
    number: str, kind: str, name: str, *aliases: str, detail: bytes, seal: str = "O"
) -> bytes:
    return b"".join(
        [
            text(number, 10) + text(kind, 1) + text(name, 30),
            packed(19800229, 8) + text("G" + seal, 2),
            detail.ljust(12, b"\x40") + zoned(len(aliases), 2),
            *(text(a, 30) for a in aliases),
        ]
    )


BAIL = packed(250000, 9, signed=True)
FILE = [
    wanted("W-1", "F", "VASQUEZ, ANA M", "VAZQUEZ, ANNA", "DIAZ, ANA", detail=BAIL),
    wanted("W-2", "C", "MÜLLER, EVA", detail=text("CV-2026-17", 12)),
    # Its bail is none; the mapping does not ask for it, so nobody minds.
    wanted("W-3", "F", "ORTIZ, JUAN", detail=b"\xc1" * 12),
    wanted("W-4", "F", "ORTIZ, JUAN", detail=BAIL, seal="?"),
    wanted("W-5", "F", "ORTIZ, JUAN", detail=BAIL)[:60],
    wanted("W-6", "F", "ORTIZ, JUAN", detail=BAIL)[:-2] + b"\xf9\xf9",
]


@pytest.fixture
def source(tmp_path: Path) -> MappedSource:
    copybook = re.findall(r"```cobol\n(.*?)```", SECTION, re.DOTALL)[0]
    form = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)[0]
    for folder in ("mappings", "sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "sources" / "WANTED.cpy").write_text(copybook, encoding="ascii")
    (tmp_path / "sources" / "wanted.dat").write_bytes(described(FILE))
    path = tmp_path / "mappings" / "wanted.yaml"
    path.write_text(f"mapping: 1\nsource: wanted\n{form}{RECORDS}", encoding="utf-8")
    return adapters.load(path)


def test_records_of_the_standard_come_out(source: MappedSource) -> None:
    found = {r.record_id: r for r in source.rows() if isinstance(r, Record)}
    assert list(found) == ["W-1", "C-W-2", "W-3"]
    assert not [problem for r in found.values() for problem in niem.findings(r.message)]
    person = found["W-1"].message["nc:Person"]
    assert person["nc:PersonBirthDate"] == {"nc:Date": "1980-02-29"}
    assert [n["nc:PersonSurName"] for n in person["nc:PersonName"]] == [
        "VASQUEZ",
        "VAZQUEZ",
        "DIAZ",
    ]
    civil = found["C-W-2"].message
    assert civil["nc:Person"]["nc:PersonName"]["nc:PersonSurName"] == "MÜLLER"
    order = civil["j:ProtectionOrder"]
    assert order["nc:ActivityIdentification"] == {"nc:IdentificationID": "CV-2026-17"}


def test_what_makes_no_record_is_told_and_nothing_is_lost(source: MappedSource) -> None:
    aside = [r for r in source.rows() if isinstance(r, SetAside)]
    assert [(a.line, a.code, a.column, a.value) for a in aside] == [
        (4, "handling.unknown", "SEAL-FLG", "?"),
        (5, "cobol.truncated", None, None),
        (6, "cobol.count", "ALIAS-COUNT", "99"),
    ]
    assert aside[1].raw.encode("cp037") == FILE[4]
    tally = source.tally
    assert (tally.read, tally.translated, tally.aside) == (6, 3, 3)


def test_every_key_of_the_format_is_explained() -> None:
    keys = schema()["$defs"]["cobol"]["properties"]
    assert not [k for k in keys if f"`{k}" not in DOCS and f"{k}:" not in SECTION]
