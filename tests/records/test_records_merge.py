"""One index over several sources is the one that all their records would have made together."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from gateway.records.columns import TABLES, Builder, Columns
from gateway.records.merge import merged
from gateway.records.normalise import person_name
from gateway.records.terms import (
    IdentifierTerm,
    IncidentTerms,
    ItemTerms,
    PersonTerms,
    RecordTerms,
    VehicleTerms,
)

NAMES = ("Marisol", "Quesada Ibarra", "Zebulon", "Tam", "Ng", "Óscar", "Brightwater", "محمد")


def terms(chance: random.Random) -> RecordTerms:
    """Make up what one record can be found by: any mixture, also nothing."""
    c = chance

    def some(*values: str) -> str:
        return c.choice(("", *values))

    person = PersonTerms(
        names=tuple(
            n
            for _ in range(c.randrange(3))
            if (n := person_name(some(*NAMES), some(*NAMES), some(*NAMES), None)) is not None
        ),
        births=tuple(c.sample((19800101, 19800201, 19930417), c.randrange(3))),
        sex=some("F", "M"),
        identifiers=tuple(
            IdentifierTerm(c.choice(("ssn", "state")), some("99912345", "99954321"), some("TX"))
            for _ in range(c.randrange(3))
        ),
    )
    vehicle = VehicleTerms(some("1ZZTE57X6K0000999"), some("ZZB0417"), some("TX"), ("FORD",))
    incident = IncidentTerms(some("26000417"), (20260301,), tuple(c.sample(("ARSON", "X"), 1)))
    item = ItemTerms(some("ZX40417", "vin"), some("plate"), some("TST"))
    return RecordTerms(
        *(tuple([one] * c.randrange(2)) for one in (person, vehicle, incident, item)),
    )


def index(records: Sequence[tuple[int, RecordTerms]]) -> Columns:
    builder = Builder()
    for number, (record_type, held) in enumerate(records):
        builder.add(number, record_type, held)
    return builder.finish()


@pytest.mark.parametrize("seed", range(12))
def test_merged_is_as_made_together(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [chance.choice((0, 1, 40, 90)) for _ in range(chance.randrange(2, 5))]
    sources = [[(chance.randrange(2), terms(chance)) for _ in range(size)] for size in sizes]
    codes = [2 * n for n in range(len(sources))]
    together = index(
        [(code + kind, held) for code, s in zip(codes, sources, strict=True) for kind, held in s]
    )
    found = merged([index(s) for s in sources], codes)
    assert found.texts == together.texts
    assert found.tables.keys() == together.tables.keys()
    for name, column in together.tables.items():
        np.testing.assert_array_equal(found[name], column, err_msg=name)
        assert found[name].dtype == column.dtype, name
    for name, postings in together.postings.items():
        for part in ("keys", "starts", "rows"):
            got, wanted = getattr(found.postings[name], part), getattr(postings, part)
            np.testing.assert_array_equal(got, wanted, err_msg=f"{name} {part}")
            assert got.dtype == wanted.dtype


def test_every_table_was_there() -> None:
    """The test above is empty if the records that it makes up are."""
    records = [(0, terms(random.Random(n))) for n in range(60)]
    made = index(records)
    assert all(len(made[f"{t}.{next(iter(c))}"]) > 5 for t, c in TABLES.items())
