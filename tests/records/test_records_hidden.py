"""Hidden records stand in nobody's way: what is left is what a store without them would give."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.people import FACTS, Person, message
from gateway.model import (
    Handling,
    Identifier,
    IncidentQuery,
    Name,
    PersonQuery,
    Record,
    SubjectQuery,
    VehicleQuery,
)
from gateway.records import persons, things
from gateway.records.index import Index, ask, index_of
from gateway.records.match import first_of_each
from tests.soak import count

TODAY = date(2026, 11, 23)
RED = Handling.of({**FACTS.as_dict(), "dissemination": "RED"})
SEALED = Handling.of({**FACTS.as_dict(), "disclosure": "sealed"})
BORN = date(1987, 3, 12)
SURNAMES = ("Quezada", "Quesada", "Quezada Brannock", "Kesada", "Brannock", "Thistlewood")
GIVEN = ("Marisol", "Marizol", "Maria", "Solveig")


def person(chance: random.Random, number: int) -> Record:
    """One who shares keys with those whom the questions ask for, more or fewer."""
    born = BORN + timedelta(days=chance.choice((0, 0, 1, 9, 31, 365, 4000)))
    made = Person(chance.choice(GIVEN), chance.choice(SURNAMES), born, chance.choice("FM"))
    licence = chance.choice(("", f"9990{chance.randrange(40):04d}"))
    return Record(f"R-{number}", "person", message(made, number=licence), FACTS)


def incident(chance: random.Random, number: int) -> Record:
    body = {
        "nc:Incident": {
            "nc:ActivityIdentification": {"nc:IdentificationID": f"26-0004{chance.randrange(30)}"},
            "nc:ActivityDate": {"nc:Date": f"2026-03-{chance.randrange(1, 20):02d}"},
        },
        "j:Offense": [{"j:OffenseUCRCode": chance.choice(("ROBBERY", "ARSON"))}],
    }
    return Record(f"R-{number}", "incident", body, FACTS)


def vehicle(chance: random.Random, number: int) -> Record:
    body = {
        "nc:Vehicle": {
            "@id": "#V1",
            "ncic:VehicleMakeCode": chance.choice(("TOYT", "FORD")),
            "ncic:ConveyanceColorPrimaryCode": chance.choice(("BLK", "WHI")),
        },
        "j:ConveyanceRegistration": {
            "j:ConveyanceRegistrationPlateIdentification": {
                "nc:IdentificationID": f"ZZB04{chance.randrange(20):02d}"
            },
            "j:RegistrationItem": {"@id": "#V1"},
        },
        "nc:Incident": {"nc:ActivityDate": {"nc:Date": f"2026-03-{chance.randrange(1, 20):02d}"}},
    }
    return Record(f"R-{number}", "vehicle", body, FACTS)


MARISOL = (Name(given="Marisol", surname="Quezada"),)
LICENCE = (Identifier(type="driver_license", number="99900007"),)
ASKED: list[tuple[Callable[[random.Random, int], Record], SubjectQuery]] = [
    (person, PersonQuery(MARISOL, BORN)),
    (person, PersonQuery(MARISOL, BORN, None, "F", LICENCE)),
    (person, PersonQuery(MARISOL)),
    (person, PersonQuery((), None, None, None, LICENCE)),
    (incident, IncidentQuery(date_from=date(2026, 3, 2), date_to=date(2026, 3, 9))),
    (incident, IncidentQuery(number="26-00047")),
    (vehicle, VehicleQuery(make="TOYT", color="BLK")),
    (vehicle, VehicleQuery(plate="ZZB0404")),
]


def visible(
    index: Index, records: list[Record], query: SubjectQuery
) -> list[tuple[str, float, str, dict[str, str]]]:
    """Rank, hide as a policy would, and say all that is left of the ranking."""
    ranking = index.rank(ask(query, TODAY), frozenset({r.record_type for r in records}))
    shown = {g for g in ranking.groups() if records[index.alike[g]].handling == FACTS}
    return [
        (records[m.number].record_id, m.score, m.band.value, dict(m.compared))
        for m in ranking.best(shown)
    ]


@pytest.mark.parametrize("limits", [(1_500, 500), (60, 20), (5, 3)])
@pytest.mark.parametrize(("make", "query"), ASKED)
@settings(max_examples=count(12, 150), deadline=None)
@given(seed=st.integers(0, 2**32), sizes=st.tuples(st.integers(1, 120), st.integers(0, 300)))
def test_as_if_the_hidden_records_were_not_there(
    make: Callable[[random.Random, int], Record],
    query: SubjectQuery,
    limits: tuple[int, int],
    seed: int,
    sizes: tuple[int, int],
) -> None:
    """Also where the limits on what is compared are reached, by the hidden ones or by the shown."""
    chance, (shown, hidden) = random.Random(seed), sizes
    records = [make(chance, n) for n in range(shown)]
    records += [
        replace(make(chance, shown + n), handling=chance.choice((RED, SEALED)))
        for n in range(hidden)
    ]
    chance.shuffle(records)
    left = [r for r in records if r.handling == FACTS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(persons, "_SELECTIVE", limits[0])
        for module in (persons, things):
            patch.setattr(module, "MOST_OF_GROUP", limits[1])
        among = visible(index_of(records), records, query)
        alone = visible(index_of(left), left, query)
    assert among == alone


def test_the_limits_are_reached_in_the_test_above() -> None:
    """It would be empty if nothing was ever cut."""
    records = [person(random.Random(n), n) for n in range(120)]
    query = PersonQuery(MARISOL, BORN)
    whole = visible(index_of(records), records, query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(persons, "_SELECTIVE", 5)
        patch.setattr(persons, "MOST_OF_GROUP", 3)
        cut = visible(index_of(records), records, query)
    assert 0 < len(cut) < len(whole)


@given(st.lists(st.integers(0, 5)), st.integers(1, 4))
def test_each_group_is_cut_by_itself(groups: list[int], most: int) -> None:
    kept = first_of_each(np.array(groups, dtype=np.int32), most)
    assert kept.tolist() == [groups[:n].count(g) < most for n, g in enumerate(groups)]
