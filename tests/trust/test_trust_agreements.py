"""Agreements as documents: what is signed, what a change of it does, what parties say alone."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.errors import Conflict, Invalid, Misconfigured
from gateway.trust.agreement_files import AgreementFolder, Book, line_of
from gateway.trust.agreements import (
    TEXT_TAG,
    Act,
    Agreement,
    Document,
    Statement,
    StatementText,
    document_of,
    read_document,
    sign,
    state,
    verified_by,
)

A, B, C = "AA9990000", "BB9990000", "CC9990000"
KEYS = {ori: Ed25519PrivateKey.generate() for ori in (A, B, C)}
RING = {ori: key.public_key() for ori, key in KEYS.items()}


def text(**changes: Any) -> dict[str, Any]:
    grant = {
        "purposes": ["a_purpose"],
        "record_types": ["a_type"],
        "granularity": "record",
        "freshness_minutes": {},
        "handling": {"keep_days": 30, "onward_sharing": "none"},
        "classes": {"a_class": "give"},
    }
    made = {
        "format": 1,
        "id": "made",
        "version": 1,
        "title": "Made",
        "citation": "Made s.1",
        "parties": [A, B],
        "paper": {"digest": "sha-256:" + "0" * 64},
        "signatories": {p: {"name": "N", "title": "T", "signed_on": "2026-01-01"} for p in (A, B)},
        "valid": {"from": "2026-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"},
        "shares": {A: [grant]},
    }
    return {**made, **changes}


def made(*parties: str, **changes: Any) -> Document:
    document = document_of(Agreement.model_validate(text(**changes)))
    return document.signed_by([sign(document, KEYS[p], p) for p in parties])


def said(act: Act, sequence: int, party: str = B, version: int = 1, **more: Any) -> Statement:
    document = made(version=version)
    given_by = StatementText(
        format=1,
        agreement="made",
        version=version,
        digest=document.digest,
        party=party,
        act=act,
        sequence=sequence,
        at="2026-11-24T00:00:00.00Z",
        reason="A reason",
    )
    return state(given_by.model_copy(update=more), KEYS[party])


@pytest.fixture
def folder(tmp_path: Path) -> AgreementFolder:
    return AgreementFolder(tmp_path, own=A, keyring=RING)


def complete(book: Book) -> bool:
    held = book.get("made")
    return held is not None and held.complete


# -- the text -----------------------------------------------------------------------------------


def test_the_order_of_names_does_not_change_the_text() -> None:
    one, other = text(), dict(reversed(text().items()))
    assert document_of(Agreement.model_validate(one)).canonical == (
        document_of(Agreement.model_validate(other)).canonical
    )


def test_what_is_signed_is_the_canonical_text_alone() -> None:
    document = made(A)
    (signed,) = document.signatures
    assert verified_by(document, signed, RING)
    assert orjson.loads(document.canonical) == document.text
    # An outsider needs no code of ours: the tag, then the text with sorted names.
    by_hand = json.dumps(document.text, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert KEYS[A].sign(TEXT_TAG + by_hand.encode()) == KEYS[A].sign(TEXT_TAG + document.canonical)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in leaves(v, (*path, k))]
    if isinstance(value, list):
        return [p for n, v in enumerate(value) for p in leaves(v, (*path, n))]
    return [path]


@pytest.mark.parametrize("path", leaves(text()), ids=lambda p: ".".join(map(str, p)))
def test_every_value_is_under_the_signature(folder: AgreementFolder, path: tuple[Any, ...]) -> None:
    raw = made(A, B).envelope().model_dump(mode="json")
    place: Any = raw["text"]
    for step in path[:-1]:
        place = place[step]
    old = place[path[-1]]
    place[path[-1]] = (
        old + 1 if isinstance(old, int) else f"{old[:-1]}{'1' if old[-1] != '1' else '2'}"
    )
    file = folder.path / "made" / "1.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(orjson.dumps(raw))
    book = folder.read()
    assert not complete(book)
    assert book.troubles
    assert book.troubles[0].where.startswith("agreements/made/1.json")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bit_of_a_signature_may_change(data: st.DataObject) -> None:
    document = made(A)
    (signed,) = document.signatures
    place = data.draw(st.integers(0, len(signed.signature) - 1))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    letter = data.draw(st.sampled_from([x for x in letters if x != signed.signature[place]]))
    other = signed.signature[:place] + letter + signed.signature[place + 1 :]
    assert not verified_by(document, signed.model_copy(update={"signature": other}), RING)


def test_a_signature_is_its_party_s_and_nobody_else_s() -> None:
    document = made(A)
    (signed,) = document.signatures
    assert not verified_by(document, signed.model_copy(update={"party": B}), RING)
    assert not verified_by(document, signed, {A: RING[B]})
    assert not verified_by(document, signed, {})


WRONG: list[dict[str, Any]] = [
    {"format": 2},
    {"version": 0},
    {"more": 1},
    {"parties": [A]},
    {"parties": [A, A]},
    {"parties": [A, B, C]},
    {"id": "../made"},
    {"id": "Made"},
    {"shares": {}},
    {"shares": {C: []}},
    {"shares": {A: text()["shares"][A] * 2}},
    {"valid": {"from": "2028-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}},
    {"valid": {"from": "2026-13-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"}},
    {"hours": {"days": ["monday"], "from": "08:00", "to": "08:00"}},
    {"hours": {"days": ["someday"], "from": "08:00", "to": "18:00"}},
    {"cases": []},
    {"task_force": {"name": "F", "roster": {A: {"units": ["U"]}, B: {"units": ["V"]}}}},
    {"cases": ["1"], "task_force": {"name": "F", "roster": {A: {"units": ["U"]}}}},
    {"paper": {"digest": "none"}},
    {"signatories": {A: {"name": "N", "title": "T", "signed_on": "2026-01-01"}}},
]


@pytest.mark.parametrize("change", WRONG, ids="-".join)
def test_a_text_that_is_not_whole_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Agreement.model_validate(text(**change))


def test_a_text_that_says_less_than_it_is_signed_as_is_refused() -> None:
    raw = made(A).envelope().model_dump(mode="json")
    del raw["text"]["shares"][A][0]["obligations"]
    with pytest.raises(Invalid, match="not written in full"):
        read_document(raw)


# -- the folder ---------------------------------------------------------------------------------


def test_signatures_come_together(folder: AgreementFolder) -> None:
    assert folder.put(made(A))
    assert not complete(folder.read())
    assert folder.put(made(B))
    assert complete(folder.read())
    assert not folder.put(made(A, B))
    assert not list(folder.path.rglob(".*-*"))


def test_a_signature_that_is_not_good_is_left_out(folder: AgreementFolder) -> None:
    bad = made(A).signed_by([sign(made(), KEYS[C], B)])
    folder.put(bad)
    held = folder.read().get("made")
    assert held is not None
    assert held.missing == (B,)
    with pytest.raises(Invalid):
        folder.put(made().signed_by([sign(made(), KEYS[C], B)]))


def test_another_text_is_kept_beside_and_not_taken(folder: AgreementFolder) -> None:
    folder.put(made(A, B))
    with pytest.raises(Conflict) as caught:
        folder.put(made(B, title="Other"), sender=B)
    assert caught.value.code == "agreement.differs"
    book = folder.read()
    assert complete(book)
    assert book.differing["made", 1, B].agreement.title == "Other"


def test_before_this_agency_signed_a_partner_may_correct_its_text(folder: AgreementFolder) -> None:
    folder.put(made(B))
    folder.put(made(B, title="Other"), sender=B)
    held = folder.read().get("made")
    assert held is not None
    assert held.document.agreement.title == "Other"


def test_a_file_under_another_name_gives_nothing(folder: AgreementFolder) -> None:
    folder.put(made(A, B))
    (folder.path / "made").rename(folder.path / "other")
    assert not complete(folder.read())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p.write_bytes(b"{"),
        lambda p: p.write_bytes(b"[]"),
        lambda p: p.write_bytes(b" " * 300_000),
        lambda p: p.chmod(0o666),
        lambda p: (p.unlink(), p.symlink_to("/dev/null")),
    ],
)
def test_a_file_that_can_t_be_read_gives_nothing_and_is_named(
    folder: AgreementFolder, spoil: Callable[[Path], object]
) -> None:
    folder.put(made(A, B))
    spoil(folder.path / "made" / "1.json")
    book = folder.read()
    assert not complete(book)
    assert [t.where.partition(":")[0] for t in book.troubles] == ["agreements/made/1.json"]


# -- what parties say alone ---------------------------------------------------------------------


def last(folder: AgreementFolder, party: str = B, version: int = 1) -> Act | None:
    found = folder.read().latest("made", party, version)
    return found.said.act if found else None


def test_the_highest_number_counts_whatever_comes_last(folder: AgreementFolder) -> None:
    folder.put(made(A, B))
    assert last(folder) is None
    for statement in (said(Act.RESUME, 2), said(Act.SUSPEND, 1)):
        assert folder.put_statement(statement)
    assert last(folder) is Act.RESUME
    assert not folder.put_statement(said(Act.SUSPEND, 1))
    folder.put_statement(said(Act.SUSPEND, 3))
    assert last(folder) is Act.SUSPEND
    assert last(folder, A) is None


def test_a_revocation_outlasts_what_follows(folder: AgreementFolder) -> None:
    folder.put_statement(said(Act.REVOKE, 1))
    folder.put_statement(said(Act.RESUME, 2))
    assert last(folder) is Act.REVOKE
    # It is of this version and the earlier ones; a new one is a new deal.
    assert last(folder, version=2) is None


def test_a_statement_of_somebody_else_is_refused(folder: AgreementFolder) -> None:
    forged = state(said(Act.SUSPEND, 1, party=B).said, KEYS[C])
    with pytest.raises(Invalid, match="not signed"):
        folder.put_statement(forged)


@pytest.mark.parametrize("how", ["cut", "changed", "no list"])
def test_statements_in_doubt_take_the_agreement_with_them(
    folder: AgreementFolder, how: str
) -> None:
    folder.put(made(A, B))
    folder.put_statement(said(Act.RESUME, 1))
    assert complete(folder.read())
    file = folder.path / "made" / "statements.json"
    raw = file.read_text()
    file.write_text(
        {"cut": raw[:-9], "changed": raw.replace('"resume"', '"suspend"'), "no list": "{}"}[how]
    )
    book = folder.read()
    assert not complete(book)
    assert any("statements.json" in t.where for t in book.troubles)
    with pytest.raises(Misconfigured):
        folder.put_statement(said(Act.RESUME, 2))


@pytest.mark.parametrize("how", ["lost", "older", "emptied", "folder lost"])
def test_a_suspension_outlasts_the_file_that_it_stands_in(
    folder: AgreementFolder, how: str
) -> None:
    folder.put(made(A, B))
    folder.put_statement(said(Act.RESUME, 1))
    file = folder.path / "made" / "statements.json"
    before = file.read_bytes()
    folder.put_statement(said(Act.SUSPEND, 2))
    if how == "lost":
        file.unlink()
    elif how == "folder lost":
        shutil.rmtree(file.parent)
        folder.put(made(A, B))
    else:
        file.write_bytes(before if how == "older" else b"[]")
    book = folder.read()
    found = book.latest("made", B, 1)
    assert found is not None
    assert found.said.act is Act.SUSPEND
    (trouble,) = book.troubles
    assert trouble.where == "agreements/made/statements.json"
    assert "copy agreements/.said/made.json over it" in trouble.reason
    # What is said next, or handed over again, makes the file whole.
    assert not folder.put_statement(said(Act.SUSPEND, 2))
    assert not folder.read().troubles
    assert file.read_bytes() == (folder.path / ".said" / "made.json").read_bytes()


def test_a_copy_of_statements_in_doubt_takes_the_agreement_with_it(
    folder: AgreementFolder,
) -> None:
    folder.put(made(A, B))
    folder.put_statement(said(Act.RESUME, 1))
    copy_ = folder.path / ".said" / "made.json"
    copy_.write_text(copy_.read_text()[:-9])
    book = folder.read()
    assert not complete(book)
    assert any(t.where.startswith("agreements/.said/made.json") for t in book.troubles)
    with pytest.raises(Misconfigured, match="copy the good one over it"):
        folder.put_statement(said(Act.RESUME, 2))


def test_what_was_said_before_there_were_copies_is_copied(folder: AgreementFolder) -> None:
    folder.keep_twice()
    folder.put(made(A, B))
    folder.put_statement(said(Act.SUSPEND, 1))
    file, copy_ = folder.path / "made" / "statements.json", folder.path / ".said" / "made.json"
    for again in (folder.keep_twice, lambda: folder.put_statement(said(Act.SUSPEND, 1))):
        shutil.rmtree(copy_.parent)
        again()
        assert copy_.read_bytes() == file.read_bytes()
    # What is in doubt is left as it is: nothing but the parties' own words is copied.
    copy_.unlink()
    file.write_text(file.read_text().replace('"suspend"', '"resume"'))
    folder.keep_twice()
    assert not copy_.exists()


def test_an_agreement_that_was_taken_away_leaves_no_trouble(folder: AgreementFolder) -> None:
    folder.put(made(A, B))
    folder.put_statement(said(Act.SUSPEND, 1))
    shutil.rmtree(folder.path / "made")
    assert not folder.read().troubles


def test_copies_that_cannot_be_read_are_told(folder: AgreementFolder) -> None:
    folder.put(made(A, B))
    (folder.path / ".said").write_text("no folder")
    (trouble,) = folder.read().troubles
    assert trouble.where == "agreements/.said"


def test_a_line_is_found_in_yaml_and_in_json() -> None:
    yaml = "a: 1\nb:\n  - x\n  - c: 2\n    d: 3\n"
    assert line_of(yaml, ("b", 1, "d")) == 5
    assert line_of(yaml, ("b", 1, "missing")) == 4
    assert (
        line_of(orjson.dumps({"a": 1, "b": [1, 2]}, option=orjson.OPT_INDENT_2).decode(), ("b", 1))
        == 5
    )
    assert line_of(": [", ("a",)) == 1


def test_reading_leaves_what_was_read_alone(folder: AgreementFolder) -> None:
    folder.put(made(A, B))
    before = copy.deepcopy({p: p.read_bytes() for p in folder.path.rglob("*.json")})
    folder.read()
    assert {p: p.read_bytes() for p in folder.path.rglob("*.json")} == before
