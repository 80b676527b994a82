"""Keys are numbers: people share as many of them as they share keys that are written out."""

from collections.abc import Iterable
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.people import Population
from gateway.records.keys import index_keys, query_keys
from gateway.records.normalise import PersonName, day, person_name
from gateway.records.sounds import canonical, consonants, is_vowelless, metaphones
from tests.soak import count


def pair(space: str, one: str, other: str) -> str:
    return f"{space} {' '.join(sorted((one, other)))}"


def of_birth(words: Iterable[str], birth: int) -> set[str]:
    year, month, date = birth // 10_000, birth // 100 % 100, birth % 100
    keys = {f"date {year} {sorted((month, date))}"}
    for word in words:
        keys |= {f"ym {year} {month} {word[0]}", f"yd {year} {date} {word[0]}"}
        keys |= {f"md {month} {date} {word[0]}", *(f"y {year} {m}" for m in metaphones(word)[:1])}
    return keys


def of_pair(given_name: str, surname: str) -> set[str]:
    keys = {f"two {given_name} {surname[:2]}", f"two {surname} {given_name[:2]}"}
    keys |= {
        pair("front", given_name[:3], surname[:3]),
        pair("back", given_name[-3:], surname[-3:]),
    }
    for sound in metaphones(surname)[:1]:
        keys |= {pair("sound", m, sound) for m in metaphones(given_name)[:1]}
        roots = (given_name, *sorted(canonical(given_name) - {given_name})[:4])
        keys |= {f"root {root} {sound}" for root in roots}
    return keys


def written(name: PersonName | None, birth: int, side: str) -> set[str]:
    givens, surnames = (name.givens, name.surnames) if name else ((), ())
    words = (*givens, *surnames)
    keys = of_birth(words, birth) if birth else set[str]()
    for g, s in product(givens, surnames):
        keys |= of_pair(g, s)
    bare = {pair("", consonants(g), consonants(s)) for g, s in product(givens, surnames)}
    without = any(map(is_vowelless, words))
    single = not givens or not surnames
    if side == "held":
        keys |= {f"word {w}" for w in words} | {f"alone {w}" for w in words if single}
        return keys | {f"all{b}" for b in bare} | {f"bare{b}" for b in bare if without}
    keys |= {f"alone {w}" for w in words} | {f"word {w}" for w in words if single}
    return keys | {f"{'all' if without else 'bare'}{b}" for b in bare}


def agree(one: tuple[PersonName | None, int], other: tuple[PersonName | None, int]) -> None:
    asked, held = written(*one, "asked"), written(*other, "held")
    assert len(query_keys(*one)) == len(asked)
    assert len(index_keys(*other)) == len(held)
    assert len(query_keys(*one) & index_keys(*other)) == len(asked & held)


few = st.text("aebrhq", min_size=0, max_size=5)
names = st.builds(person_name, few, few, few, st.none())
births = st.sampled_from([0, 19_870_312, 19_871_203, 19_870_311, 19_860_312])
people = st.tuples(names, births)


@settings(max_examples=count(200, 20_000))
@given(people, people)
def test_two_share_as_many_keys_as_their_written_ones(
    one: tuple[PersonName | None, int], other: tuple[PersonName | None, int]
) -> None:
    agree(one, other)


def test_among_people_with_slips_in_their_names() -> None:
    population = Population(11)
    for _ in range(count(300, 20_000)):
        person = population.person()
        asked = population.damage(person)
        agree(
            (person_name(asked.given, None, asked.surname, None), day(asked.birth)),
            (person_name(person.given, None, person.surname, None), day(person.birth)),
        )
