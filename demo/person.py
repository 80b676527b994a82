"""One invented person, as they truly are, with the ways their names are written."""

from dataclasses import dataclass, field
from datetime import date

from demo import words
from demo.chance import Chance

TODAY = date(2026, 11, 20)
"""The day the files were exported. Fixed, so that the same seed gives the same bytes."""

RACES = (("W", 62), ("H", 8), ("B", 12), ("A", 5), ("I", 4), ("P", 1), ("U", 8))
EYES = (("BRO", 50), ("BLU", 20), ("HAZ", 12), ("GRN", 9), ("GRY", 4), ("BLK", 4), ("XXX", 1))
HAIR = (("BRO", 40), ("BLK", 35), ("BLN", 10), ("GRY", 6), ("RED", 4), ("BAL", 3), ("WHI", 2))
MARKS = ("TAT L ARM:ANCHOR", "TAT R ARM:ROSE", "SC CHIN:", "TAT NECK:STAR", "SC L HND:BURN")


@dataclass(frozen=True, slots=True)
class Address:
    """A residence that does not exist."""

    number: str
    street: str
    city: str
    state: str
    zip: str

    @property
    def line(self) -> str:
        """Street and city in one line."""
        return f"{self.number} {self.street}, {self.city} {self.state} {self.zip}"


@dataclass(frozen=True, slots=True)
class Person:
    """The truth about one person. The first of `givens` and of `surnames` is the proper form."""

    key: str
    number: int
    givens: tuple[str, ...]
    surnames: tuple[str, ...]
    middle: str
    suffix: str
    sex: str
    birth: date
    race: str
    hispanic: bool
    eyes: str
    hair: str
    height: int
    weight: int
    ssn: str
    licence: str
    licence_state: str
    passport: str
    a_number: str
    nationality: str
    address: Address
    phone: str
    marks: tuple[str, ...]
    native: tuple[str, str] | None = None
    """Given name and surname in the script of the country, where it is not Latin."""
    agencies: frozenset[str] = field(default_factory=frozenset)

    @property
    def given(self) -> str:
        """The proper given name."""
        return self.givens[0]

    @property
    def surname(self) -> str:
        """The proper surname."""
        return self.surnames[0]


@dataclass(frozen=True, slots=True)
class _Naming:
    givens: tuple[str, ...]
    surnames: tuple[str, ...]
    nationality: str
    native: tuple[str, str] | None = None


def _unique(*forms: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f for f in forms if f))


def _surname(c: Chance, common: tuple[str, ...], endings: tuple[str, ...]) -> str:
    """Draw a surname: three in ten people have a common one."""
    if c.happens(30):
        return c.early(common)
    syllable = c.one(words.ONSETS) + c.one(words.VOWELS) + c.one(words.CODAS)
    ending = c.one(endings)
    if c.happens(35):
        syllable += c.one(words.VOWELS) + c.one(words.CODAS)
    return syllable + ending


def _english(c: Chance, sex: str) -> _Naming:
    given = c.early(words.ENGLISH_GIVEN[sex])
    surname = _surname(c, words.ENGLISH_SURNAMES, words.ENGLISH_ENDINGS)
    forms = [surname]
    if c.happens(10):
        prefix = c.one(("MAC", "O'", "FITZ", "VAN DER "))
        forms = [prefix + surname]
        forms += {
            "MAC": ["MC" + surname, "MAC " + surname],
            "O'": ["O" + surname, "O " + surname],
            "FITZ": ["FITZ " + surname],
            "VAN DER ": ["VANDER" + surname, surname],
        }[prefix]
    elif sex == "F" and c.happens(15):
        maiden = _surname(c, words.ENGLISH_SURNAMES, words.ENGLISH_ENDINGS)
        forms = [f"{surname}-{maiden}", surname, f"{surname} {maiden}", maiden]
    return _Naming((given, *words.NICKNAMES.get(given, ())), _unique(*forms), "USA")


def _iberian_surname(c: Chance, pool: tuple[str, ...], *, portuguese: bool) -> str:
    return c.early(pool) if portuguese else _surname(c, pool, words.SPANISH_ENDINGS)


def _iberian(c: Chance, sex: str) -> _Naming:
    """Two surnames, either of which may be dropped; particles; two given names; accents."""
    portuguese = c.happens(8)
    pool = words.PORTUGUESE_SURNAMES if portuguese else words.SPANISH_SURNAMES
    given_pool = (words.PORTUGUESE_GIVEN if portuguese else words.SPANISH_GIVEN)[sex]
    given = c.early(given_pool)
    givens = [given, *words.NICKNAMES.get(given, ())]
    if c.happens(30):
        second = c.early(given_pool)
        if second != given:
            givens = [f"{given} {second}", given, second]
    first = _iberian_surname(c, pool, portuguese=portuguese)
    if c.happens(8):
        particle = c.one(words.PARTICLES)
        forms = [f"{particle} {first}", first, f"{particle.replace(' ', '')}{first}"]
    elif c.happens(60):
        second = _iberian_surname(c, pool, portuguese=portuguese)
        forms = [f"{first} {second}", first, f"{first}-{second}", second]
    else:
        forms = [first]
    countries = (("BRA", 5), ("PRT", 3)) if portuguese else (("USA", 5), ("MEX", 4), ("GTM", 1))
    return _Naming(tuple(givens), _unique(*forms), c.weighted(countries))


def _arabic(c: Chance, sex: str) -> _Naming:
    """Build an invented surname: the article, three consonants, one or two long vowels."""
    script, givens = c.one(words.ARABIC_GIVEN[sex])
    consonants = [c.one(words.ARABIC_CONSONANTS) for _ in range(3)]
    long = [c.one(words.ARABIC_LONG), c.one(words.ARABIC_LONG)]

    def written(pick: int) -> str:
        a, b, d = (spellings[pick % len(spellings)] for _, spellings in consonants)
        v, w = (spellings[pick % len(spellings)] for _, spellings in long)
        return f"{a}{v}{b}{w}{d}"

    native = f"ال{consonants[0][0]}{long[0][0]}{consonants[1][0]}{long[1][0]}{consonants[2][0]}"
    forms = _unique(
        f"AL-{written(0)}", f"EL {written(1)}", f"AL{written(0)}", written(2), f"AL {written(1)}"
    )
    return _Naming(
        givens, forms, c.weighted((("SYR", 4), ("IRQ", 3), ("USA", 3))), (script, native)
    )


def latin(text: str, scheme: int) -> str:
    """Write Cyrillic in Latin letters by one of three schemes: 0, 1 or 2."""
    letters = (words.CYRILLIC_LATIN[ch][scheme] for ch in text)
    return "".join(x for x in letters if x != "-")


def _cyrillic(c: Chance, sex: str) -> _Naming:
    given = c.one(words.CYRILLIC_GIVEN[sex])
    ending = c.one(words.CYRILLIC_ENDINGS)[0 if sex == "M" else 1]
    surname = c.one(words.CYRILLIC_STEMS) + c.one(words.CYRILLIC_INFIXES) + ending
    return _Naming(
        _unique(*(latin(given, s) for s in range(3))),
        _unique(*(latin(surname, s) for s in range(3)), latin(surname, 0).replace("SKII", "SKY")),
        c.weighted((("UKR", 6), ("USA", 4))),
        (given, surname),
    )


def _chinese(c: Chance, _sex: str) -> _Naming:
    family = c.one(words.CHINESE_SURNAMES)
    a, b = c.one(words.CHINESE_GIVEN), c.one(words.CHINESE_GIVEN)
    return _Naming(
        _unique(f"{a[1]}{b[1]}", f"{a[1]} {b[1]}", f"{a[1]}-{b[1]}", f"{a[2]}-{b[2]}", a[1]),
        _unique(family[1], family[2]),
        c.weighted((("CHN", 6), ("USA", 4))),
        (a[0] + b[0], family[0]),
    )


_NAMINGS = ((_english, 50), (_iberian, 36), (_arabic, 5), (_cyrillic, 4), (_chinese, 5))


def birth_day(c: Chance) -> date:
    """Draw a birth date: adults mostly, three in a hundred under eighteen."""
    if c.happens(3):
        return c.day(date(2009, 1, 1), date(2013, 12, 31))
    return c.day(date(1948, 1, 1), date(2007, 12, 31))


def address(c: Chance, state: str) -> Address:
    """Draw a residence in an invented town."""
    city, zip_code = c.one(words.CITIES[state])
    street = f"{c.one(words.STREETS)} {c.one(words.STREET_KINDS)}"
    return Address(str(c.between(100, 9899)), street, city, state, zip_code)


def make(seed: int, number: int, agencies: frozenset[str]) -> Person:
    """Make person `number` (from 1): the same for the same seed, however many others there are."""
    c = Chance(seed, "person", number)
    sex = "M" if c.happens(64) else "F"
    naming = c.weighted(_NAMINGS)(c, sex)
    middle = ""
    if naming.native is None and c.happens(55):
        middle = c.early(words.ENGLISH_GIVEN[sex])
    state = c.weighted((("TX", 5), ("CA", 4), ("NM", 1)))
    male = sex == "M"
    return Person(
        key=f"T{number:07d}",
        number=number,
        givens=naming.givens,
        surnames=naming.surnames,
        middle=middle,
        suffix=c.one(("JR", "SR", "II", "III")) if male and c.happens(5) else "",
        sex=sex,
        birth=birth_day(c),
        race=c.weighted(RACES),
        hispanic=naming.nationality in {"MEX", "GTM"},
        eyes=c.weighted(EYES),
        hair=c.weighted(HAIR),
        height=c.between(64, 76) if male else c.between(59, 70),
        weight=c.between(135, 260) if male else c.between(100, 210),
        ssn=f"9{number % 100:02d}{c.digits(6)}",
        licence=f"999{number:06d}",
        licence_state=state,
        passport=f"X9{number:07d}",
        a_number=f"9{number:08d}",
        nationality=naming.nationality,
        address=address(c, state),
        phone=f"5550{c.between(100, 199)}",
        marks=tuple(dict.fromkeys(c.one(MARKS) for _ in range(c.below(3)))),
        native=naming.native,
        agencies=agencies,
    )
