"""What docs/mapping.md shows and names is so."""

import re
from pathlib import Path
from typing import Any

import adapters
from adapters.mapping import schema
from gateway import niem
from gateway.model import Record
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
WARRANTS = (
    "WARRANT_NO,PERSON_NO,NAME,DOB,WTYPE,ISSUED,CAUTION,CONFIRM_PHONE,DISSEM,SEAL_FLG\r\n"
    'W-1,P-1,"VASQUEZ, ANA M",19800229,X,01/02/2026,AD ER,,Y,O\r\n'
    'W-2,P-2,"VASQUEZ, EVA",02/29/1980,F,01/02/2026,,(915) 555-0199,,O\r\n'
)
PERSONS = "PERSON_NO,OLN,SEAL_FLG\r\nP-1,A1,O\r\nP-2,B2,S\r\n"


def test_the_example_works_as_it_stands(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0]
    for folder in ("mappings", "sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mappings" / "warrants.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "sources" / "warrants.csv").write_text(WARRANTS, encoding="windows-1252")
    (tmp_path / "sources" / "persons.csv").write_text(PERSONS, encoding="windows-1252")
    one, two = adapters.load(tmp_path / "mappings" / "warrants.yaml").rows()
    assert isinstance(one, Record)
    assert isinstance(two, Record)
    assert not niem.findings(one.message)
    assert one.message["j:Warrant"]["sp:WarrantCategoryCodeRaw"] == "X"
    assert one.message["nc:Person"]["ncic:PersonCautionInformationCode"] == ["00", "25"]
    assert one.message["nc:Person"]["j:DriverLicense"] == {"nc:IdentificationID": "A1"}
    assert one.handling.as_dict()["dissemination"] == "YELLOW"
    # The second one's master name is sealed: nothing of it is lent.
    assert "j:DriverLicense" not in two.message["nc:Person"]
    assert two.contact is not None
    assert two.contact.phone == "(915) 555-0199"


def test_a_contact_is_not_shown_turned_round(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0]
    assert "windows-1252" in example
    for folder in ("mappings", "sources"):
        (tmp_path / folder).mkdir()
    mapping = tmp_path / "mappings" / "warrants.yaml"
    mapping.write_text(example.replace("windows-1252", "utf-8"), encoding="utf-8")
    rows = WARRANTS.replace("(915) 555-0199", "\u202e(915) 555\x9b-0199\u2069")
    (tmp_path / "sources" / "warrants.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "sources" / "persons.csv").write_text(PERSONS, encoding="utf-8")
    _, turned = adapters.load(mapping).rows()
    assert isinstance(turned, Record)
    assert turned.contact is not None
    assert turned.contact.phone == "(915) 555-0199"


def keys_of(schema: Any) -> set[str]:
    """Every key that a part of the language may have, in `if`, `then` and `else` too."""
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", {}))
    for part in ("if", "then", "else"):
        found |= keys_of(schema.get(part))
    return found


def test_every_key_of_a_field_and_of_a_record_is_explained() -> None:
    kinds: dict[str, Any] = schema()["$defs"]
    missing = [
        f"{kind}.{key}"
        for kind in ("field", "record", "condition", "join", "repeat", "flag")
        for key in sorted(keys_of(kinds[kind]))
        if key not in {"format", "column", "key", "on_date"}
        and f"`{key}" not in TEXT
        and f"{key}:" not in TEXT
    ]
    assert not missing
