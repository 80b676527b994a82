"""Made-up people for measuring: a seeded population, and what clerks make of its names and dates.

Names: the census's commonest by their frequency, the rest put together from syllables, so that no
row is a real person's. One in five has two surnames. `damage` is what a second agency wrote down.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from itertools import islice

import orjson

from gateway.errors import RecordsChanged
from gateway.model import FindResult, Found, Handling, Name, PersonQuery, Question, Record
from gateway.records.find import Records
from gateway.records.sounds import nicknames

_ONSETS = (*"bcdfghjklmnprstvwyz", "br", "ch", "dr", "gr", "qu", "sh", "st", "tr")
_VOWELS = (*"aeiou", "ai", "ea", "ou")
_CODAS = ["", "", "n", "r", "s", "l", "m", "nd", "rt", "ck", "z"]
_DAYS = 24_000
FACTS = Handling.of({"dissemination": "GREEN", "disclosure": "open"})


@dataclass(frozen=True, slots=True)
class Person:
    """The truth, or one agency's version of it."""

    given: str
    surname: str
    birth: date | None
    sex: str


def _invented(rng: random.Random, syllables: int) -> str:
    made = [rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)]
    return "".join(made) + rng.choice(_CODAS)


class Population:
    """A source of people. `tail` is the share of invented names."""

    def __init__(self, seed: int, *, tail: float = 0.6) -> None:
        self.rng = random.Random(seed)
        data = orjson.loads((files("gateway.records") / "name_frequencies.json").read_bytes())
        self._names = {k: (list(data[k]), list(data[k].values())) for k in ("surname", "given")}
        self._invented = {
            "surname": [_invented(self.rng, self.rng.choice((2, 2, 3))) for _ in range(30_000)],
            "given": [_invented(self.rng, 2) for _ in range(3_000)],
        }
        self._tail = {"surname": tail, "given": tail / 4}

    def _name(self, kind: str) -> str:
        if self.rng.random() < self._tail[kind]:
            return self.rng.choice(self._invented[kind])
        names, shares = self._names[kind]
        return str(self.rng.choices(names, shares)[0])

    def person(self) -> Person:
        """Make one person."""
        surname = self._name("surname")
        if self.rng.random() < 0.2:
            surname += " " + self._name("surname")
        birth = date(1940, 1, 1) + timedelta(days=self.rng.randrange(_DAYS))
        return Person(self._name("given"), surname, birth, self.rng.choice("MF"))

    def damage(self, p: Person) -> Person:
        """Write a person down as another agency might have: some right, most a little wrong."""
        rng = self.rng
        given, surname, birth, sex = p.given, p.surname, p.birth, p.sex
        if rng.random() < 0.03:
            surname = self._name("surname")  # married, or given a false one
        if rng.random() < 0.02:
            given = self._name("given")
        if rng.random() < 0.015:
            sex = "F" if sex == "M" else "M"
        if rng.random() < 0.35:
            given = self._slip(given)
        elif rng.random() < 0.15:
            given = rng.choice(sorted(nicknames(given)) or [given])
        if rng.random() < 0.35:
            surname = self._slip(surname)
        if " " in surname and rng.random() < 0.4:
            surname = rng.choice((surname.split()[0], surname.replace(" ", "-")))
        if rng.random() < 0.06:
            given, surname = surname, given
        if birth and rng.random() < 0.3:
            birth = self._wrong_date(birth)
        return Person(given, surname, birth, sex)

    def _slip(self, text: str) -> str:
        rng, at = self.rng, self.rng.randrange(len(text))
        kind = rng.randrange(6)
        letter = rng.choice("aeioulnrstm")
        if kind == 0:
            return text[:at] + letter + text[at:]
        if kind == 1 and len(text) > 2:
            return text[:at] + text[at + 1 :]
        if kind == 2:
            return text[:at] + letter + text[at + 1 :]
        if kind == 3 and at + 1 < len(text):
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        swaps = (("c", "k"), ("ph", "f"), ("z", "s"), ("y", "i"), ("ee", "ea"), ("v", "b"))
        a, b = rng.choice(swaps)
        return text.replace(a, b, 1) if a in text else text.replace(b, a, 1)

    def _wrong_date(self, birth: date) -> date | None:
        rng = self.rng
        kind = rng.randrange(5)
        if kind == 0:
            return None
        if kind == 1 and birth.day <= 12:
            return birth.replace(month=birth.day, day=birth.month)
        if kind == 2:
            return birth.replace(
                year=birth.year + rng.choice((-10, -1, 1, 10)), day=1 + birth.day % 28
            )
        if kind == 3:
            return birth.replace(
                year=birth.year + rng.choice((-10, -1, 1, 10)), day=min(birth.day, 28)
            )
        return birth.replace(day=rng.randrange(1, 29))


def message(p: Person, *, number: str = "") -> dict[str, object]:
    """Write a person as a NIEM message, as the adapters do."""
    name = {"nc:PersonGivenName": p.given.upper(), "nc:PersonSurName": p.surname.upper()}
    person: dict[str, object] = {"nc:PersonName": name, "j:PersonSexCode": p.sex}
    if p.birth:
        person["nc:PersonBirthDate"] = {"nc:Date": p.birth.isoformat()}
    if number:
        person["j:DriverLicense"] = {"nc:IdentificationID": number}
    return {"nc:Person": person}


def record(p: Person, number: int) -> Record:
    """Make the record of a person; its id is the number."""
    return Record(f"P-{number:07d}", "person", message(p, number=f"99{number:07d}"), FACTS)


def question(p: Person) -> PersonQuery:
    """Ask for a person by name, birth date and sex."""
    name = Name(given=p.given, surname=p.surname)
    return PersonQuery(names=(name,), birth_date=p.birth, sex="F" if p.sex == "F" else "M")


async def searched(
    records: Records, question: Question, *, terms: frozenset[str], record_types: frozenset[str]
) -> tuple[FindResult, tuple[Found, ...]]:
    """Find, and read the best as if policy showed everything; anew if an import came between."""
    while True:
        try:
            result = await records.find(question, terms=terms, record_types=record_types)
            ranked = result.found.best(range(len(result.found.kinds)))
            return result, tuple(found for _, found in islice(ranked, question.max_matches))
        except RecordsChanged:
            await records.refresh()
