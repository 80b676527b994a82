"""What a candidate would have decided: what flips, for whom, which classes more or fewer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyRejected
from gateway.exchange.impact import EXAMPLES, Impact, Measure, deciding
from gateway.ledger import EntryType, Filters
from gateway.policy.sets import load_set
from tests.exchange.logged import Agency, agency
from tests.policy.made import SMALL, STRANGER, found, question, write_set

ANSWER = "sallyport/answer/answer.rego"
RELEASE = "sallyport/release/release.rego"
WORDS = "sallyport/vocabulary/data.yaml"
ASK = "sallyport/ask/ask.rego"


@pytest.fixture
async def texas(vetted: Path) -> AsyncIterator[Agency]:
    async with agency(vetted) as made:
        yield made


def changed(folder: Path, name: str, old: str, new: str) -> Path:
    text = (SMALL / name).read_text()
    assert old in text
    return write_set(folder, {name: text.replace(old, new)})


async def impact(made: Agency, folder: Path, **filters: Any) -> Impact:
    async with Measure(made.ledger, made.kept, load_set(folder)) as measure:
        async for _ in measure.run(deciding(Filters(**filters))):
            pass
    return measure.impact


def effects(found: Impact) -> list[tuple[Any, ...]]:
    return [
        (r.way, r.what, r.door, r.agency, r.purpose, r.name, t.count) for r, t in found.rows.items()
    ]


async def test_the_same_set_changes_nothing(texas: Agency) -> None:
    await texas.answer(found(), found(2, dissemination="RED"))
    await texas.ask(agencies=("CA9990000", "NM9990000"))
    measured = await impact(texas, SMALL)
    assert (measured.replayed, measured.changed, measured.failed) == (3, 0, 0)
    assert measured.rows == {}
    assert measured.decisions == {"answer": 1, "release": 1, "ask": 1}


async def test_who_would_be_refused_and_who_allowed(texas: Agency, tmp_path: Path) -> None:
    await texas.answer(found())
    asker = question().asker
    stranger = type(asker)(
        **{n: getattr(asker, n) for n in asker.__slots__ if n != "ori"}, ori=STRANGER
    )
    await texas.answer(asker=stranger)
    await texas.answer(asker=stranger)
    new = changed(tmp_path / "new", ANSWER, '{"TX9990000", "CA9990000"}', '{"NM9990000"}')
    measured = await impact(texas, new)
    assert (measured.replayed, measured.changed) == (6, 3 + 2)
    lines = effects(measured)
    assert ("deny_to_allow", "decision", "answer", "NM9990000", "investigation", "", 4) in lines
    assert ("allow_to_deny", "decision", "answer", "CA9990000", "investigation", "", 1) in lines
    [lifted] = [r for r in measured.rows if r.way == "deny_to_allow"]
    assert lifted.codes == ("agreement.none",)  # what refused then


async def test_first_door_counts_each_agency_and_not_the_others(
    texas: Agency, tmp_path: Path
) -> None:
    await texas.ask(agencies=("CA9990000", "NM9990000"))
    new = changed(tmp_path / "new", ASK, '{"TX9990000", "CA9990000"}', '{"TX9990000", "NM9990000"}')
    measured = await impact(texas, new)
    assert sorted(effects(measured)) == [
        ("allow_to_deny", "decision", "ask", "CA9990000", "investigation", "", 1),
        ("deny_to_allow", "decision", "ask", "NM9990000", "investigation", "", 1),
    ]


async def test_what_of_a_question_an_agency_is_told_no_more(texas: Agency, tmp_path: Path) -> None:
    await texas.ask(agencies=("CA9990000",))
    rules = '"rules": ["test.partner"],'
    new = changed(tmp_path / "new", ASK, rules, f'{rules} "kept": ["reason"],')
    assert effects(await impact(texas, new)) == [
        ("fewer", "term", "ask", "CA9990000", "investigation", "reason", 1)
    ]


async def test_a_refusal_of_all_is_one_of_each(texas: Agency, tmp_path: Path) -> None:
    await texas.ask(agencies=("CA9990000", "TX9990000"))
    new = changed(
        tmp_path / "new", ASK, "input.officer.assurance >= 2", "input.officer.assurance >= 3"
    )
    measured = await impact(texas, new)
    assert {e[3] for e in effects(measured)} == {"CA9990000", "TX9990000"}
    assert {e[0] for e in effects(measured)} == {"allow_to_deny"}


async def test_classes_and_records_more_and_fewer(texas: Agency, tmp_path: Path) -> None:
    await texas.answer(found(), found(2))
    await texas.answer(found(3), found(4, dissemination="YELLOW"))
    new = changed(
        tmp_path / "new", RELEASE, '"identifier": "mask"', '"identifier": "give", "contact": "give"'
    )
    text = (new / RELEASE).read_text().replace('"order": "give",', "")
    write_set(new, {RELEASE: text.replace('== "YELLOW"', '== "NEVER"')})
    lines = effects(await impact(texas, new))
    who = ("release", "CA9990000", "investigation")
    assert sorted(lines) == [
        ("fewer", "class", *who, "order", 2),
        ("fewer", "record", *who, "warrant: pointer to none", 1),
        ("more", "class", *who, "contact", 2),
        ("more", "class", *who, "identifier", 2),
    ]


WHO = ("release", "CA9990000", "investigation")
SSN = "nc:Person/nc:PersonSSNIdentification"


async def test_an_element_of_another_class(texas: Agency, tmp_path: Path) -> None:
    await texas.answer(found(), found(2))
    await texas.answer(found(4, dissemination="YELLOW"))  # no class of it leaves
    new = changed(tmp_path / "new", WORDS, f"{SSN}: identifier", f"{SSN}: identity")
    measured = await impact(texas, new)
    assert (measured.changed, measured.failed) == (1, 0)
    assert effects(measured) == [("more", "path", *WHO, f"{SSN}: identifier to identity", 1)]


async def test_elements_that_give_less_as_much_or_nothing_still(
    texas: Agency, tmp_path: Path
) -> None:
    await texas.answer(found())
    text = (SMALL / WORDS).read_text()
    for old, now in (
        (f"  {SSN}: identifier\n", ""),  # no class is left to it
        ("nc:PersonBirthDate: identity", "nc:PersonBirthDate: safety"),
        ("PersonContactInformation: contact", "PersonContactInformation: victim"),
        # An incident's victim is part of the incident; the stricter counts.
        ("j:IncidentVictim: victim", "j:IncidentVictim: identifier"),
        ("nc:Incident: incident", "nc:Incident: contact"),
    ):
        assert old in text
        text = text.replace(old, now)
    new = write_set(tmp_path / "new", {WORDS: text})
    assert sorted(effects(await impact(texas, new))) == [
        ("fewer", "path", *WHO, "nc:Incident: incident to contact", 1),
        ("fewer", "path", *WHO, f"{SSN}: identifier to none", 1),
        ("other", "path", *WHO, "nc:Person/nc:PersonBirthDate: identity to safety", 1),
    ]


async def test_a_value_of_a_class_of_its_own_and_places_of_a_type(
    texas: Agency, tmp_path: Path
) -> None:
    await texas.answer(found())
    text = (SMALL / WORDS).read_text()
    held = "values: {scr:WarrantCategoryCode: {Deportation: status, Arrest: order}}\n"
    where = text.replace('keys_of: ["nc:Person"]', "keys_of: []")
    assert where != text
    new = write_set(tmp_path / "new", {WORDS: where + held})
    assert sorted(effects(await impact(texas, new))) == [
        ("fewer", "path", *WHO, "scr:WarrantCategoryCode Deportation: none to status", 1),
        ("other", "path", *WHO, "scr:WarrantCategoryCode Arrest: none to order", 1),
        ("other", "path", *WHO, "wherever", 1),
    ]


@pytest.mark.parametrize("action", ["count", "pointer"])
async def test_a_class_that_is_told_of_at_all(texas: Agency, tmp_path: Path, action: str) -> None:
    await texas.answer(found())
    mask = '"identifier": "mask"'
    new = changed(tmp_path / "new", RELEASE, mask, f'{mask}, "contact": "{action}"')
    assert effects(await impact(texas, new)) == [("more", "class", *WHO, "contact", 1)]
    less = changed(tmp_path / "less", RELEASE, mask, f'"identifier": "{action}"')
    assert effects(await impact(texas, less)) == [("fewer", "class", *WHO, "identifier", 1)]


async def test_records_hidden_by_other_values(texas: Agency, tmp_path: Path) -> None:
    await texas.answer(found(), found(2, dissemination="YELLOW"))
    await texas.answer(found(3, dissemination="RED"))  # hidden as it is
    now = '{"scr:WarrantCategoryCode": ["Arrest"]}'
    new = changed(tmp_path / "new", RELEASE, '{"scr:WarrantCategoryCode": ["Deportation"]}', now)
    measured = await impact(texas, new)
    assert measured.changed == 1
    assert sorted(effects(measured)) == [
        ("fewer", "record", *WHO, "warrant with scr:WarrantCategoryCode Arrest", 1),
        ("more", "record", *WHO, "warrant with scr:WarrantCategoryCode Deportation", 1),
    ]


async def test_records_shown_only_with_something(texas: Agency, tmp_path: Path) -> None:
    await texas.answer(found(source_kind="plate_reader"), found(2, "person"))
    needed = 'some c in ["order"]; f.source_kind == "plate_reader"'
    other = changed(tmp_path / "other", RELEASE, needed, 'some c in ["identity"]')
    assert sorted(effects(await impact(texas, other))) == [
        ("fewer", "record", *WHO, "person without identity", 1),
        ("fewer", "record", *WHO, "warrant without identity", 1),
        ("more", "record", *WHO, "warrant without order", 1),
    ]


async def test_a_candidate_that_fails_or_is_malformed_refuses(
    texas: Agency, tmp_path: Path
) -> None:
    await texas.answer(found())
    new = changed(tmp_path / "new", RELEASE, '"identity": "give"', '"nowhere": "give"')
    measured = await impact(texas, new)
    assert measured.failed == 1
    assert ("fewer", "record") in {e[:2] for e in effects(measured)}
    # Undefined: no decision at all.
    none = changed(tmp_path / "none", ANSWER, "\tallowed\n", "\tallowed\n\tinput.never\n")
    text = (none / ANSWER).read_text().replace("default decision", "decision")
    write_set(none, {ANSWER: text.replace('"test.no_agreement"],\n}', '"x"],\n} if input.never')})
    measured = await impact(texas, none)
    assert measured.failed >= 1
    assert ("allow_to_deny", "decision") in {e[:2] for e in effects(measured)}


async def test_a_candidate_that_does_not_compile_is_told_at_once(
    texas: Agency, tmp_path: Path
) -> None:
    bad = write_set(tmp_path / "bad", {"x.rego": "package x\ny := [\n"})
    with pytest.raises(PolicyRejected) as caught:
        await impact(texas, bad)
    assert caught.value.where is not None
    assert caught.value.where.startswith("x.rego:")


async def test_what_is_erased_or_whose_set_is_gone_is_counted(texas: Agency, vetted: Path) -> None:
    await texas.answer(found())
    await texas.answer(found())
    entry = await texas.last(EntryType.RESPONSE_OUT)
    await texas.ledger.erase([entry.entry_id], reason="court.order", personal={"by": "clerk"})
    measured = await impact(texas, SMALL)
    assert (measured.replayed, measured.skipped["erased"]) == (3, 1)
    digest = texas.policy.revision.removeprefix("sha-256:")
    (vetted / "data" / "policy_sets" / digest / "set.json").unlink()
    measured = await impact(texas, SMALL)
    assert (measured.replayed, measured.skipped["set_missing"]) == (0, 3)


async def test_an_outcome_that_was_not_recorded_is_decided_by_the_set_of_then(
    texas: Agency, tmp_path: Path
) -> None:
    await texas.answer(found())
    asked = await texas.last(EntryType.QUERY_IN)
    old = {"entrypoint": "answer", "input": (asked.personal or {})["decision"]["input"]}
    await texas.reworded(asked, personal={"decision": old})
    new = changed(tmp_path / "new", ANSWER, '{"TX9990000", "CA9990000"}', '{"TX9990000"}')
    lines = effects(await impact(texas, new))
    assert ("allow_to_deny", "decision", "answer", "CA9990000", "investigation", "", 2) in lines


async def older(made: Agency, fact: str) -> None:
    """Log a search once more, as a version did that did not yet write down this of the officer."""
    await made.ask(agencies=("CA9990000",))
    asked = await made.last(EntryType.QUERY_OUT)
    case = orjson.loads((asked.personal or {})["decision"]["input"])
    del case["officer"][fact]
    await made.rewritten(asked, input=orjson.dumps(case).decode())


async def test_an_input_that_lacks_what_a_rule_asks_is_not_comparable(texas: Agency) -> None:
    await older(texas, "assurance")
    measured = await impact(texas, SMALL)
    assert (measured.replayed, measured.changed, measured.failed) == (1, 0, 0)
    assert measured.rows == {}
    assert measured.skipped["not_comparable"] == 1
    assert measured.as_json()["lacking"] == {"officer.assurance": 1}


async def test_an_input_that_lacks_what_no_rule_asks_is_compared(texas: Agency) -> None:
    await older(texas, "logged_on_hours")
    measured = await impact(texas, SMALL)
    assert (measured.replayed, measured.skipped["not_comparable"]) == (2, 0)
    assert measured.as_json()["lacking"] == {}


async def test_who_is_allowed_with_a_code_without_an_entry_would_be_refused(
    texas: Agency, tmp_path: Path
) -> None:
    await texas.answer()
    said = '"reasons": [{"code": "x.y", "text": "Less."}], "granularity": lowered'
    new = changed(tmp_path / "new", ANSWER, '"reasons": [], "granularity": lowered', said)
    measured = await impact(texas, new)
    assert measured.failed == 1
    assert {(e[0], e[2]) for e in effects(measured)} == {("allow_to_deny", "answer")}


async def test_filters_and_examples(texas: Agency, tmp_path: Path) -> None:
    for _ in range(EXAMPLES + 2):
        await texas.answer()
    await texas.answer(purpose="stop")
    new = changed(tmp_path / "new", ANSWER, '{"TX9990000", "CA9990000"}', '{"TX9990000"}')
    measured = await impact(texas, new, purpose="investigation")
    [(row, tally)] = [(r, t) for r, t in measured.rows.items() if r.what == "decision"]
    assert (row.purpose, tally.count, len(tally.examples)) == ("investigation", 7, EXAMPLES)
    ids = {e.entry_id for e in await texas.read(EntryType.QUERY_IN)}
    assert set(tally.examples) <= ids
    assert "QUEZADA" not in str(measured.as_json())


async def test_it_goes_on_from_a_cursor(texas: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.exchange.impact._PAGE", 2)
    for _ in range(3):
        await texas.answer()
    async with Measure(texas.ledger, texas.kept, load_set(SMALL)) as first:
        async for done, cursor in first.run(deciding(Filters())):
            assert done == 2
            where = cursor
            break
    async with Measure(texas.ledger, texas.kept, load_set(SMALL)) as second:
        async for _ in second.run(deciding(Filters()), after=where):
            pass
    assert first.impact.replayed + second.impact.replayed == 6
