from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.names import words
from gateway.records.keys import birth_key, code_keys, index_keys, query_keys, sound_keys
from gateway.records.normalise import code, day, day_of, folded, person_name
from gateway.records.sounds import consonants, is_vowelless, metaphones, nicknames

text = st.text(max_size=40)
latin = st.from_regex(r"\A[a-z]{2,12}\Z")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("PEÑA-ORTIZ", ["pena", "ortiz"]),
        ("O'Brien", ["obrien"]),
        ("O\u2019BRIEN", ["obrien"]),
        ("Mc Donald", ["mcdonald"]),
        ("Владимир", ["vladimir"]),
        ("محمد", ["mhmd"]),
        ("Abdul Rahman", ["abd", "rahman"]),
        ("عبد الرحمن", ["bd", "rhmn"]),
        ("   ", []),
        ("\U0001f600", ["grinning"]),
    ],
)
def test_words_are_latin_letters(written: str, expected: list[str]) -> None:
    assert words(written) == expected


@pytest.mark.parametrize(
    "name",
    [
        person_name("Marisol", None, "de la Quezada-Brannock", None),
        person_name(None, None, None, "QUEZADA BRANNOCK, MARISOL"),
        person_name("MARISOL", "", "Quezada Brannock Jr.", None),
    ],
)
def test_one_double_surname_however_written(name: object) -> None:
    assert name == person_name("marisol", None, "quezada brannock", None)


def test_full_name_without_comma_has_its_surname_last() -> None:
    found = person_name(None, None, None, "Marisol Ann Quezada")
    assert found is not None
    assert (found.given, found.given_other, found.surname) == ("marisol", "ann", "quezada")


def test_a_single_word_is_a_surname() -> None:
    found = person_name(None, None, None, "Quezada")
    assert found is not None
    assert (found.given, found.surname) == ("", "quezada")


def test_a_particle_alone_stays_a_name() -> None:
    found = person_name("Al", None, "Le", None)
    assert found is not None
    assert (found.given, found.surname) == ("al", "le")


@pytest.mark.parametrize("nothing", ["", "  ", "-", None])
def test_no_letters_is_no_name(nothing: str | None) -> None:
    assert person_name(nothing, nothing, nothing, nothing) is None


def test_numbers() -> None:
    assert code(" 8-abc 123 ") == "8ABC123"
    assert folded(code("OBI-123")) == folded(code("081123"))
    assert folded("ABC") != folded("ACB")
    assert day(date(1987, 3, 12)) == day_of("1987-03-12T10:00:00Z") == 19_870_312
    assert day(None) == day_of("12/03/1987") == day_of(None) == 0


def test_vowelless_names_meet_their_latin_spellings() -> None:
    assert is_vowelless(words("محمد")[0])
    assert consonants("mhmd") == consonants("muhammad") == consonants("mohamed")
    arabic = person_name("محمد", None, "خالد", None)
    latin_name = person_name("Mohamed", None, "Khaled", None)
    assert query_keys(arabic, 0) & index_keys(latin_name, 0)
    assert query_keys(latin_name, 0) & index_keys(arabic, 0)


def test_nicknames() -> None:
    assert "bob" in nicknames("robert")
    assert "robert" in nicknames("bob")
    assert "robert" not in nicknames("robert")


@given(latin, latin)
def test_nicknames_are_symmetric(a: str, b: str) -> None:
    assert (b in nicknames(a)) == (a in nicknames(b))


@pytest.mark.parametrize("word", ["peggy", "bill", "kate", "jack", "alex"])
def test_known_nicknames_are_symmetric(word: str) -> None:
    assert all(word in nicknames(other) for other in nicknames(word))


@given(text, text, text)
def test_any_text_is_a_name_of_plain_letters_or_none(a: str, b: str, c: str) -> None:
    found = person_name(a, b, c, a)
    if found is not None:
        assert all(p == "" or (p.isascii() and p.isalnum() and p == p.lower()) for p in found.parts)
        assert index_keys(found, 19_870_312)


@given(text)
def test_normalising_twice_changes_nothing(written: str) -> None:
    assert code(code(written)) == code(written)
    once = " ".join(words(written))
    assert words(once) == words(" ".join(words(once)))


@given(latin, latin, st.dates(date(1900, 1, 1), date(2026, 1, 1)))
def test_keys_are_free_of_name_order(given_name: str, surname: str, birth: date) -> None:
    name = person_name(given_name, None, surname, None)
    assert name is not None
    one = query_keys(name, day(birth))
    other = index_keys(person_name(surname, None, given_name, None), day(birth))
    always = {birth_key(day(birth)), *sound_keys(name)}
    assert always <= one
    assert always <= other


@given(st.from_regex(r"\A[A-Z0-9]{6,17}\Z"), st.data())
def test_one_wrong_character_leaves_a_key(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(number) - 1))
    wrong = number[:at] + data.draw(st.sampled_from("ABC123")) + number[at + 1 :]
    assert code_keys("plate", number) & code_keys("plate", wrong)


def test_metaphones_of_nothing() -> None:
    assert metaphones("") == ()
