"""Each record type of the standard: an awkward export is mapped, valid, classed and found."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import yaml

from gateway import niem
from gateway.model import Record
from gateway.policy.element_tree import ElementTree, compile_elements
from gateway.policy.sets import load_set
from gateway.policy.vocabulary import read_vocabulary
from gateway.records.terms import extract
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import mapping
from tests.conftest import ROOT, SHARED

VOCABULARY: dict[str, Any] = yaml.safe_load(
    (ROOT / "policies/sallyport/vocabulary/data.yaml").read_text(encoding="utf-8")
)
ELEMENTS: dict[str, str] = yaml.safe_load(
    (ROOT / "policies/sallyport/vocabulary/elements/data.yaml").read_text(encoding="utf-8")
)


class Case(NamedTuple):
    """One export: its objects, its fields, a row, and the terms that its record is found by."""

    objects: dict[str, str]
    fields: tuple[str, ...]
    row: dict[str, str]
    terms: frozenset[tuple[str, str]]


def cases(name: str) -> dict[str, Case]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    found = {}
    for kind, spec in yaml.safe_load(text).items():
        terms = ((k, t) for k, _, t in (x.partition(".") for x in spec.get("terms", ())))
        found[kind] = Case(spec["objects"], tuple(spec["fields"]), spec["row"], frozenset(terms))
    return found


CASES = cases("record_types.yaml")
REST = cases("standard_schema.yaml")
"""All else that the standard schema names, if it has no place in the records above."""


def made(
    small: Make, kind: str, of: Mapping[str, Case] = CASES
) -> tuple[Record, frozenset[tuple[str, str]]]:
    case = of[kind]
    objects = "{" + ", ".join(f'{k}: "{v}"' for k, v in case.objects.items()) + "}"
    text = mapping(*case.fields, objects=objects).replace("type: person", f"type: {kind}")
    columns = ["ID", *case.row]
    values = ["1", *(f'"{v}"' for v in case.row.values())]
    source = small(text, (",".join(columns) + "\n" + ",".join(values) + "\n").encode())
    (record,) = source.rows()
    assert isinstance(record, Record), record
    return record, frozenset((k, t) for k, terms in source.terms.items() for t in terms)


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key[0] != "@":
                yield from leaves(inner, f"{path}/{key}" if path else key)
    else:
        yield path


@pytest.fixture(scope="module")
def tree() -> ElementTree:
    words = read_vocabulary(load_set(ROOT / "policies").data)
    return compile_elements(words.elements, words.wherever)


@pytest.mark.parametrize("kind", CASES)
def test_a_record_is_mapped_valid_classed_and_found(
    small: Make, kind: str, tree: ElementTree
) -> None:
    record, promised = made(small, kind)
    assert record.record_type in VOCABULARY["record_types"]
    assert niem.findings(record.message) == []
    assert {p for p in leaves({k: v for k, v in record.message.items() if k != "@context"})
            if not tree.classes(p)} == set()  # fmt: skip
    assert set(CASES[kind].objects.values()) <= record.message.keys()
    held = set(extract(record.message).held())
    assert CASES[kind].terms <= held, held
    assert held <= promised, "the mapping promises what its records can be found by"


def test_every_record_type_of_the_vocabulary_is_shown_here() -> None:
    assert VOCABULARY["record_types"].keys() - CASES.keys() == {"caution", "intelligence"}


def test_every_term_that_a_record_is_found_by_has_a_class() -> None:
    """A term without one is refused wherever it is asked."""
    terms = {t for case in CASES.values() for _, t in case.terms}
    assert terms <= VOCABULARY["terms"].keys()


def test_a_case_is_found_by_each_of_its_numbers(small: Make) -> None:
    record, _ = made(small, "case")
    assert {i.number for i in extract(record.message).incidents} == {"26C1", "CR99"}


def test_a_protected_address_and_who_asked_for_an_order_are_of_the_guarded_class() -> None:
    for path in ("j:CourtOrderRequestEntity", "j:CourtOrderDesignatedLocation"):
        assert ELEMENTS[f"j:ProtectionOrder/{path}"] == "victim"


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from keys(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)


@pytest.mark.parametrize("kind", REST)
def test_what_else_the_standard_schema_names_is_mapped_and_valid(small: Make, kind: str) -> None:
    record, _ = made(small, kind, REST)
    assert niem.findings(record.message) == []
    assert set(REST[kind].objects.values()) <= record.message.keys()


@pytest.mark.shared
def test_every_property_of_the_standard_schema_is_reached_and_both_judges_agree(
    small: Make, tmp_path: Path
) -> None:
    messages = [made(small, kind, of)[0].message for of in (CASES, REST) for kind in of]
    path = tmp_path / "messages.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, messages)))
    check = [sys.executable, str(SHARED / "niem" / "check.py"), str(path)]
    run = subprocess.run(check, capture_output=True, text=True, check=False)
    assert run.stdout == f"{len(messages)} conform to NIEM 6.0, 0 do not\n"
    text = (SHARED / "reference" / "standard-schema.md").read_text(encoding="utf-8")
    table = text.partition("## Exact properties")[2]
    named = set(re.findall(r"\b(?:nc|j|im|scr|ncic|cui|unece|usps):[A-Za-z]\w+", table))
    assert len(named) > 150
    assert named - set(keys(messages)) == set()
