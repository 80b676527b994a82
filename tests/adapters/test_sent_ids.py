"""What is an id here is one on the wire: an answer with another would be refused whole."""

import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

import adapters
from gateway.model import Match, Record, SetAside
from tests.adapters.small_mapping import NAME, mapping

MATCH = TypeAdapter(Match)
REFUSED = "\x07\x1b\x7f\x85\u2028\u2029\u202a\u202e\u2066\u2069"
TAKEN = "é-/:\u061c\u200e\u200f\U0001f600"


def sent(record_id: str) -> bool:
    try:
        MATCH.validate_python(asdict(Match("person", "exact", record_id)))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("letter", [*REFUSED, *TAKEN])
def test_a_key_that_no_answer_can_name_is_set_aside_and_told(tmp_path: Path, letter: str) -> None:
    key = f"W{letter}1"
    (tmp_path / "data").write_bytes(f'ID,NAME\n"{key}","A, B"\nW2,"C, D"\n'.encode())
    form = '{type: csv, path: data, encoding: utf-8, delimiter: ","}'
    (tmp_path / "m.yaml").write_text(mapping(NAME, form=form))
    first, second = adapters.load(tmp_path / "m.yaml").rows()
    assert isinstance(second, Record)
    if letter in TAKEN:
        assert isinstance(first, Record)
        assert first.record_id == key
        assert sent(key)
        return
    assert isinstance(first, SetAside)
    assert (first.line, first.code, first.column) == (2, "record.key_unprintable", "ID")
    assert not sent(key)


def test_what_python_prints_can_be_sent() -> None:
    letters = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isprintable()]
    assert len(letters) > 100_000
    for at in range(0, len(letters), 200):
        assert sent("W" + "".join(letters[at : at + 200])), at
