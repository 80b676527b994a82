import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.seal import CannotOpen, SealedPart, SealingKey, ledger_key

KEY = SealingKey(bytes(range(32)))
MONTH, WRAPPED = KEY.new_month("2026-11", "standard")
PART = MONTH.seal(b"MARISOL QUEZADA BRANNOCK")


@given(st.binary(max_size=300))
def test_what_is_sealed_opens(document: bytes) -> None:
    part = MONTH.seal(document)
    assert MONTH.open(part) == document
    assert KEY.open_month("2026-11", "standard", WRAPPED).open(part) == document


def test_the_same_twice_looks_different() -> None:
    again = MONTH.seal(b"MARISOL QUEZADA BRANNOCK")
    assert again.commitment != PART.commitment
    assert again.sealed != PART.sealed
    assert again.wrapped != PART.wrapped


def test_the_commitment_can_not_be_guessed_from_the_text() -> None:
    assert PART.commitment != hashlib.sha256(b"MARISOL QUEZADA BRANNOCK").digest()
    assert b"MARISOL" not in PART.sealed


@pytest.mark.parametrize("name", ["commitment", "wrapped", "sealed"])
def test_any_flipped_bit_is_noticed(name: str) -> None:
    data = getattr(PART, name)
    for i in range(len(data)):
        altered = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
        with pytest.raises(CannotOpen):
            MONTH.open(replace(PART, **{name: altered}))


@pytest.mark.parametrize("data", [b"", b"short", bytes(12), bytes(27)])
def test_a_stump_does_not_open(data: bytes) -> None:
    with pytest.raises(CannotOpen):
        MONTH.open(SealedPart(PART.commitment, data, PART.sealed))
    with pytest.raises(CannotOpen):
        MONTH.open(SealedPart(PART.commitment, PART.wrapped, data))
    with pytest.raises(CannotOpen):
        KEY.open_month("2026-11", "standard", data)


def test_a_month_key_is_bound_to_its_month_class_and_gateway() -> None:
    for month, retention in (("2026-12", "standard"), ("2026-11", "long")):
        with pytest.raises(CannotOpen):
            KEY.open_month(month, retention, WRAPPED)
    with pytest.raises(CannotOpen):
        SealingKey(bytes(32)).open_month("2026-11", "standard", WRAPPED)
    other, _ = KEY.new_month("2026-11", "standard")
    with pytest.raises(CannotOpen):
        other.open(PART)


def test_tags() -> None:
    tag = KEY.tag(b"a row")
    assert KEY.made(b"a row", tag)
    assert not KEY.made(b"b row", tag)
    assert not SealingKey(bytes(32)).made(b"a row", tag)


def test_keys_have_their_length_and_derive_apart() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(b"short")
    assert len(ledger_key(bytes(32))) == 32
    assert ledger_key(bytes(32)) != bytes(32)
