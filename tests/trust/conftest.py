"""Two gateways that know each other."""

import pytest

from tests.trust.parties import Party, party


@pytest.fixture
def asker() -> Party:
    return party("AA9990000", "asker.example")


@pytest.fixture
def answerer(asker: Party) -> Party:
    made = party("BB9990000", "answerer.example")
    made.trust(asker)
    asker.trust(made)
    return made
