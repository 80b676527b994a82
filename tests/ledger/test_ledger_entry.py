import hashlib
import json
from typing import Any

import orjson
import pytest

from gateway.errors import TooLarge
from gateway.ledger import Draft, EntryType
from gateway.ledger.entry import MAX_PERSONAL, canonical, prepare
from tests.ledger.made import draft


def test_an_entry_says_what_the_draft_says_and_nothing_personal() -> None:
    prepared = prepare(draft(7))
    fields = dict(prepared.fields)
    case = fields.pop("case")
    assert fields == {
        "v": 1,
        "type": "query_in",
        "transaction": "srch_" + "7".zfill(26),
        "peer": "ZZ9990100",
        "subject": "p" * 32,
        "purpose": "some_purpose",
        "policy": "sha-256:" + "1" * 64,
        "decision": "allow",
        "reasons": ["rule.one"],
        "granularity": "record",
        "results": 7,
        "request": "sha-256:" + "7".zfill(64),
    }
    document = orjson.loads(prepared.document or b"")
    assert document["personal"] == {"officer": "badge 7", "reason": "a reason"}
    salt = bytes.fromhex(document["case"]["salt"])
    assert len(salt) == 32
    assert case == "sha-256:" + hashlib.sha256(salt + b"case:26-00007").hexdigest()


def test_the_same_case_twice_has_two_commitments() -> None:
    assert prepare(draft(7)).fields["case"] != prepare(draft(7)).fields["case"]


def test_what_is_absent_is_left_out() -> None:
    prepared = prepare(Draft(EntryType.NOTICE))
    assert prepared.fields == {"v": 1, "type": "notice"}
    assert prepared.document is None
    assert prepare(Draft(EntryType.NOTICE, personal={})).document == b'{"personal":{}}'


def test_a_draft_does_not_show_what_is_sealed() -> None:
    assert "badge" not in repr(draft(7))
    assert "26-00007" not in repr(draft(7))


@pytest.mark.parametrize(
    "changes",
    [
        {"request": "MARISOL"},
        {"response": "sha-256:zz"},
        {"peer_leaf": "sha-256:" + "A" * 64},
        {"signature": "sha-256:" + "a" * 64 + "\n"},
        {"retention": "Not A Word"},
        {"personal": {"x": object()}},
        {"personal": {"x": "\ud800"}},
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        prepare(draft(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "x" * 257},
        {"reasons": ("x",) * 257},
        {"reasons": ("x" * 257,)},
        {"personal": {"x": "y" * MAX_PERSONAL}},
    ],
)
def test_what_is_too_large_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TooLarge):
        prepare(draft(**changes))


def test_canonical_json_is_sorted_compact_and_utf8() -> None:
    written = canonical({"b": 1, "a": ["é", True, "\u001f\n"], "A": -5})
    assert written == '{"A":-5,"a":["é",true,"\\u001f\\n"],"b":1}'.encode()
    assert json.loads(written) == {"b": 1, "a": ["é", True, "\u001f\n"], "A": -5}
