"""The demo agencies' files, through the mappings that their administrators would write."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import adapters
from demo.cast import MARISOL
from demo.people import Manifest
from gateway import niem
from gateway.model import Record, SetAside
from gateway.records.terms import extract
from tests.conftest import SHARED

World = tuple[Path, Manifest]
SOURCES = {
    "TX9990000": {
        "persons": "person",
        "arrests": "arrest",
        "warrants": "warrant",
        "incidents": "incident",
        "cautions": "caution",
        "intelligence": "intelligence",
        "vehicles": "vehicle",
    },
    "NM9990000": {"nibrs": "incident"},
    "USBPX9900": {
        "encounters": "crossing",
        "vehicles": "vehicle",
        "admin_warrants": "civil_warrant",
    },
    "CA9990000": {"records": "person"},
}
ALL = [(ori, name) for ori, names in SOURCES.items() for name in names]


def rows(world: World, ori: str, name: str) -> Iterator[Record | SetAside]:
    return adapters.load(world[0] / ori / "mappings" / f"{name}.yaml").rows()


def records(world: World, ori: str, name: str) -> dict[str, Record]:
    return {r.record_id: r for r in rows(world, ori, name) if isinstance(r, Record)}


def test_every_mapping_is_tried_here(world: World) -> None:
    found = {(p.parts[-3], p.stem) for p in world[0].glob("*/mappings/*.yaml")}
    assert found == set(ALL)


@pytest.mark.parametrize(("ori", "name"), ALL)
def test_every_row_is_a_record_or_set_aside_as_the_generator_says(
    world: World, ori: str, name: str
) -> None:
    (written,) = [f for f in world[1].files if f.path.startswith(f"{ori}/sources/{_stem(name)}.")]
    source = adapters.load(world[0] / ori / "mappings" / f"{name}.yaml")
    out = list(source.rows())
    aside = [r for r in out if isinstance(r, SetAside)]
    tally = source.tally
    assert (tally.records, tally.set_aside) == (len(out) - len(aside), len(aside))
    assert tally.read == tally.translated + tally.aside
    # Rows of a joined file that can't be read are told here, too, and in the source of that file.
    joined = [r for r in aside if ", joined as " in r.text]
    if joined:
        of_persons = {r.raw for r in rows(world, ori, "persons") if isinstance(r, SetAside)}
        assert {r.raw for r in joined} <= of_persons
    # The NIBRS runaway is dirty to the generator, and a record with its raw code to us.
    assert len(aside) - len(joined) == written.dirty
    extra = 1 if ori == "NM9990000" else 0
    assert tally.records == written.records + extra
    for row in aside:
        assert row.source == name
        assert row.line > 0
        assert row.raw
        assert row.code
        assert row.value is None or not row.value or row.value not in row.text


def _stem(name: str) -> str:
    return {"records": "legacy"}.get(name, name)


@pytest.mark.parametrize(("ori", "name"), ALL)
def test_records_conform_and_hold_the_terms_that_the_source_promises(
    world: World, ori: str, name: str
) -> None:
    source = adapters.load(world[0] / ori / "mappings" / f"{name}.yaml")
    held: set[tuple[str, str]] = set()
    ids: Counter[str] = Counter()
    for row in source.rows():
        if isinstance(row, Record):
            assert niem.findings(row.message) == []
            assert row.record_type in source.record_types
            assert len(row.handling.facts) >= 6
            assert row.contact is not None
            held |= set(extract(row.message).held())
            ids[row.record_id] += 1
    assert max(ids.values()) == 1
    promised = {(kind, term) for kind, terms in source.terms.items() for term in terms}
    if not adapters.is_live(world[0] / ori / "mappings" / f"{name}.yaml"):
        assert held <= promised
    # All that is promised occurs somewhere: nobody asks in vain.
    assert promised - {("record", "record_id")} <= held | {("person", "ssn"), ("person", "fbi")}


def test_the_truth_lists_the_records_under_the_same_ids(world: World) -> None:
    truth = [json.loads(x) for x in (world[0] / "truth.jsonl").read_text("utf-8").splitlines()]
    known = {(t["ori"], t["record_type"], t["record_id"]) for t in truth if "record_id" in t}
    ours = {
        (ori, r.record_type, r.record_id)
        for ori, name in ALL
        for r in records(world, ori, name).values()
    }
    assert known <= ours


def test_flags_become_facts(world: World) -> None:
    persons = records(world, "TX9990000", "persons")
    facts = {k: persons[k].handling.as_dict() for k in ("P-000501", "P-000505", "P-000508")}
    assert facts["P-000501"]["disclosure"] == "expunged"
    assert facts["P-000505"]["dissemination"] == "RED"
    assert facts["P-000508"]["source_kind"] == "motor_vehicle_department"
    assert records(world, "TX9990000", "arrests")["A-26-00507"].handling.as_dict()["juvenile"]


def test_a_warrant_says_what_matters(world: World) -> None:
    warrant = records(world, "TX9990000", "warrants")["W-26-00417"]
    person, order = warrant.message["nc:Person"], warrant.message["j:Warrant"]
    assert order["j:CourtOrderDesignatedSubject"]["nc:EntityPerson"] == {"@id": person["@id"]}
    assert person["ncic:PersonCautionInformationCode"] == "00"
    assert order["j:CourtOrderStatus"] == {"nc:StatusText": "ACTIVE"}
    assert order["j:WarrantCategoryCode"] == "FELONY_ARREST"
    assert warrant.contact is not None
    assert warrant.contact.phone.startswith("(915)")
    # Joined from the master name.
    assert person["j:DriverLicense"]["nc:IdentificationID"] == MARISOL_LICENCE


MARISOL_LICENCE = "99900417"


def test_a_civil_warrant_is_never_a_judicial_one(world: World) -> None:
    for record in records(world, "USBPX9900", "admin_warrants").values():
        assert record.record_type == "civil_warrant"
        assert record.message["j:Warrant"]["scr:WarrantCategoryCode"] in {"Arrest", "Deportation"}
        assert "j:WarrantCategoryCode" not in record.message["j:Warrant"]


def test_a_hidden_or_foreign_master_name_lends_nothing_to_other_records(world: World) -> None:
    """The numbers of somebody whose master name is not for everybody stay with that name."""
    lent = ("j:DriverLicense", "nc:PersonSSNIdentification", "j:PersonFBIIdentification")
    persons = records(world, "TX9990000", "persons")
    hidden = {
        json.dumps(persons[k].message["nc:Person"].get(number))
        for k in persons
        for number in lent
        if persons[k].handling.as_dict()["disclosure"] != "open"
        or persons[k].handling.as_dict()["dissemination"] != "GREEN"
        or persons[k].handling.as_dict()["source_kind"] != "own"
    } - {"null"}
    open_too = {
        json.dumps(p.message["nc:Person"].get(number))
        for p in persons.values()
        for number in lent
        if p.handling.as_dict()["disclosure"] == "open"
        and p.handling.as_dict()["dissemination"] == "GREEN"
        and p.handling.as_dict()["source_kind"] == "own"
    }
    assert len(hidden) > 10
    seen = {
        json.dumps(r.message["nc:Person"].get(number))
        for name in ("arrests", "warrants")
        for r in records(world, "TX9990000", name).values()
        for number in lent
    }
    assert not (hidden - open_too) & seen


def test_a_word_that_the_standard_lacks_is_kept_raw(world: World) -> None:
    arrests = records(world, "NM9990000", "nibrs")
    charge: Any = arrests["NM9990000-NM26RUNAWAY-01"].message["j:Arrest"]["j:ArrestCharge"]
    assert charge == {"sp:ChargeUCRCodeRaw": "90I"}
    places = [
        r.message["nc:Incident"]["nc:ActivityLocation"]
        for r in records(world, "TX9990000", "incidents").values()
    ]
    assert any(p.get("sp:LocationCategoryCodeRaw") == "OTH" for p in places)


def test_nibrs_knows_a_stolen_truck_by_kind_and_day(world: World) -> None:
    record = records(world, "NM9990000", "nibrs")["NM9990000-NM2600000417"]
    (vehicle,) = extract(record.message).vehicles
    assert vehicle.category == "trucks"
    assert 20261030 in vehicle.dates
    assert not any(p.names for p in extract(record.message).persons)


def test_names_in_three_agencies_stay_as_they_are_written(world: World) -> None:
    person = records(world, "TX9990000", "persons")["P-000417"].message["nc:Person"]
    given = [n["nc:PersonGivenName"] for n in person["nc:PersonName"]]
    assert given == ["MARISOL", "MARI"]
    crossing = records(world, "USBPX9900", "encounters")["E25000000417"].message["nc:Person"]
    assert crossing["nc:PersonName"]["nc:PersonSurName"] == MARISOL.surname


@pytest.mark.shared
def test_every_message_passes_the_published_release(world: World, tmp_path: Path) -> None:
    messages = [
        json.dumps(row.message)
        for ori, name in ALL
        for row in rows(world, ori, name)
        if isinstance(row, Record)
    ]
    assert len(messages) > 900
    file = tmp_path / "messages.ndjson"
    file.write_text("\n".join(messages), encoding="utf-8")
    check = [sys.executable, str(SHARED / "niem" / "check.py"), str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
