"""NIBRS as pydantic models of the very objects that ours makes: the second yardstick.

`plain_nibrs` has one flat model a segment. The standard has more: a victim is an entity with a
person in it, whose age is a measure; things have a status and a value, an offense stands by its
association with the incident, and the incident refers to its victims by their ids. Here each of
those is a model too, under no other checks than there: codes against the FBI's lists, dates,
numbers. No code becomes a word of the standard. A test counts that both make as many objects.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field

from bench import plain_nibrs
from bench.plain_nibrs import BABIES, Day, code

_VEHICLES: Final = frozenset({"03", "05", "24", "28", "37"})
_NOBODY: Final = "00"
_UNARMED: Final = "01"
_PERSON: Final = ("SEX", "RACE", "ETHNICITY", "RESIDENT")
_OFFENSE: Final = ("UCR", "COMPLETED", "PREMISES")


class Identification(BaseModel):
    number: str = Field(min_length=1)


class Organization(BaseModel):
    identification: Identification


class On(BaseModel):
    day: Day
    hour: int | None = None


class Ref(BaseModel):
    id: str


class Range(BaseModel):
    least: int
    most: int


class Age(BaseModel):
    value: int | None = None
    range: Range | None = None
    baby: code("baby") = None
    unit: str | None = None


class Person(BaseModel):
    age: Age | None = None
    SEX: code("sex") = None
    RACE: code("race") = None
    ETHNICITY: code("ethnicity") = None
    RESIDENT: code("resident") = None


class Location(BaseModel):
    word: code("location")


class Entry(BaseModel):
    word: code("entry")


class Using(BaseModel):
    word: code("using")


class Force(BaseModel):
    word: code("weapon")


class Injury(BaseModel):
    word: code("injury")


class Bias(BaseModel):
    word: code("bias")


class Charge(BaseModel):
    word: code("offense")


class Weapon(BaseModel):
    text: code("armed_with")


class Offense(BaseModel):
    id: str
    UCR: code("offense")
    COMPLETED: code("attempted") = None
    PREMISES: int | None = None
    CARGO_THEFT: code("yes_no") = None
    location: Location | None = None
    entry: Entry | None = None
    using: list[Using]
    force: list[Force]
    activity: list[code("activity")]


class OffenseOf(BaseModel):
    incident: Ref
    offense: Ref


class Victim(BaseModel):
    id: str
    SEQUENCE: str
    TYPE: code("victim") = None
    charged: list[code("offense")]
    injury: list[Injury]
    circumstance: list[code("circumstance")]
    person: Person | None = None


class Subject(BaseModel):
    id: str
    SEQUENCE: str
    person: Person | None = None


class Arrested(BaseModel):
    person: Person | None = None
    armed: code("armed") = None
    weapon: list[Weapon]


class Arrest(BaseModel):
    id: str | None = None
    SEQUENCE: str
    identification: Identification | None = None
    on: On
    TYPE: code("arrest") = None
    MULTIPLE: code("multiple") = None
    charge: Charge | None = None
    agency: Organization | None = None
    subject: Arrested | None = None


class Status(BaseModel):
    word: code("loss") = None
    on: On | None = None


class Amount(BaseModel):
    amount: int


class Value(BaseModel):
    amount: Amount


class Thing(BaseModel):
    id: str
    DESCRIPTION: code("property")
    status: Status | None = None
    value: Value | None = None


class Quantity(BaseModel):
    value: str | None = None
    unit: code("drug_unit") = None


class Drug(BaseModel):
    id: str
    DRUG: code("drug")
    status: Status | None = None
    quantity: Quantity | None = None


class Incident(BaseModel):
    id: str
    identification: Identification
    on: On
    CLEARANCE: code("clearance") = None
    cleared: On | None = None
    REPORT_DATE: str = ""
    organization: Organization
    bias: list[Bias]
    victims: list[Ref]
    subjects: list[Ref]
    arrests: list[Ref]
    items: list[Ref]
    drugs: list[Ref]


class Record(BaseModel):
    """All of one incident, of `span` segments, or one arrest without."""

    span: int = 1
    incident: Incident | None = None
    offenses: list[Offense] = Field(default_factory=list)
    offense_of: list[OffenseOf] = Field(default_factory=list)
    victims: list[Victim] = Field(default_factory=list)
    subjects: list[Subject] = Field(default_factory=list)
    arrests: list[Arrest] = Field(default_factory=list)
    vehicles: list[Thing] = Field(default_factory=list)
    items: list[Thing] = Field(default_factory=list)
    drugs: list[Drug] = Field(default_factory=list)


Found = dict[str, Any]


def read(path: Path) -> Iterator[Record]:
    """Give the records of a file. Raises ValueError for one that is not right."""
    for held in plain_nibrs.joined(path):
        made = _incident(held) if "offense" in held else {"arrests": [_arrest(held)]}
        yield Record.model_validate(made)


def _incident(held: Found) -> Found:
    things = [(one, one["DESCRIPTION"] in _VEHICLES) for one in held["property"]]
    made: Found = {
        "span": held["span"],
        "offenses": [
            _offense(one, held, f"#offense{n}") for n, one in enumerate(held["offense"], 1)
        ],
        "victims": [_victim(one, f"#victim{n}") for n, one in enumerate(held["victim"], 1)],
        "subjects": [
            {"id": f"#offender{n}", "SEQUENCE": one["SEQUENCE"], "person": _person(one)}
            for n, one in enumerate(held["offender"], 1)
            if one["SEQUENCE"] != _NOBODY
        ],
        "arrests": [_arrest(one, f"#arrest{n}") for n, one in enumerate(held["arrestee"], 1)],
        "vehicles": [
            _thing(t, f"#vehicle{n}") for n, (t, is_one) in enumerate(things, 1) if is_one
        ],
        "items": [_thing(t, f"#item{n}") for n, (t, is_one) in enumerate(things, 1) if not is_one],
        "drugs": [_drug(one, f"#drug{n}") for n, one in enumerate(held["drug"], 1)],
    }
    made["offense_of"] = [
        {"incident": {"id": "#incident"}, "offense": {"id": one["id"]}} for one in made["offenses"]
    ]
    incident: Found = {n: held[n] for n in ("CLEARANCE", "REPORT_DATE") if n in held}
    if "CLEARANCE_DATE" in held:
        incident["cleared"] = {"day": held["CLEARANCE_DATE"]}
    incident["id"] = "#incident"
    incident["identification"] = {"number": held["NUMBER"]}
    incident["on"] = {"day": held["DATE"], "hour": held.get("HOUR")}
    incident["organization"] = {"identification": {"number": held["ORI"]}}
    incident["bias"] = [{"word": o["BIAS1"]} for o in held["offense"] if "BIAS1" in o]
    for name in ("victims", "subjects", "arrests", "drugs"):
        incident[name] = [{"id": one["id"]} for one in made[name]]
    incident["items"] = [{"id": one["id"]} for n in ("vehicles", "items") for one in made[n]]
    made["incident"] = incident
    return made


def _some(found: Mapping[str, Any], *names: str) -> list[str]:
    return [found[name] for name in names if name in found]


def _offense(found: Found, held: Found, identifier: str) -> Found:
    made: Found = {n: found[n] for n in _OFFENSE if n in found}
    made["id"] = identifier
    if "CARGO_THEFT" in held:
        made["CARGO_THEFT"] = held["CARGO_THEFT"]
    if "LOCATION" in found:
        made["location"] = {"word": found["LOCATION"]}
    if "ENTRY" in found:
        made["entry"] = {"word": found["ENTRY"]}
    made["using"] = [{"word": c} for c in _some(found, "USING1", "USING2", "USING3")]
    made["force"] = [{"word": c} for c in _some(found, "WEAPON1", "WEAPON2", "WEAPON3")]
    made["activity"] = _some(found, "ACTIVITY1", "ACTIVITY2", "ACTIVITY3")
    return made


_CHARGED: Final = tuple(f"OFFENSE{n}" for n in range(1, 11))
_INJURIES: Final = tuple(f"INJURY{n}" for n in range(1, 6))


def _victim(found: Found, identifier: str) -> Found:
    return {
        "id": identifier,
        "SEQUENCE": found["SEQUENCE"],
        "TYPE": found.get("TYPE"),
        "charged": _some(found, *_CHARGED),
        "injury": [{"word": c} for c in _some(found, *_INJURIES)],
        "circumstance": _some(found, "CIRCUMSTANCE1", "CIRCUMSTANCE2"),
        "person": _person(found),
    }


def _person(found: Found) -> Found | None:
    made: Found = {n: found[n] for n in _PERSON if n in found}
    if (age := found.get("AGE", _NOBODY)) != _NOBODY:
        made["age"] = _age(age, found.get("AGE_TO"))
    return made or None


def _age(age: str, most: str | None) -> Found:
    if age in BABIES:
        return {"baby": age}
    if most is not None:
        return {"range": {"least": age, "most": most}, "unit": "ANN"}
    return {"value": age, "unit": "ANN"}


def _arrest(found: Found, identifier: str | None = None) -> Found:
    made: Found = {n: found[n] for n in ("SEQUENCE", "TYPE", "MULTIPLE") if n in found}
    made["id"] = identifier
    number = found.get("ARREST_NUMBER") or found.get("NUMBER")
    if number:
        made["identification"] = {"number": number}
    made["on"] = {"day": found["DATE"]}
    if "UCR" in found:
        made["charge"] = {"word": found["UCR"]}
    if "ORI" in found:
        made["agency"] = {"identification": {"number": found["ORI"]}}
    arms = _some(found, "WEAPON1", "WEAPON2")
    weapons = [{"text": c} for c in arms if c != _UNARMED]
    made["subject"] = {"person": _person(found), "armed": found.get("WEAPON1"), "weapon": weapons}
    return made


def _status(found: Found) -> Found | None:
    made: Found = {}
    if "LOSS" in found:
        made["word"] = found["LOSS"]
    if "RECOVERED" in found:
        made["on"] = {"day": found["RECOVERED"]}
    return made or None


def _thing(found: Found, identifier: str) -> Found:
    made: Found = {"id": identifier, "DESCRIPTION": found["DESCRIPTION"], "status": _status(found)}
    if "VALUE" in found:
        made["value"] = {"amount": {"amount": found["VALUE"]}}
    return made


def _drug(found: Found, identifier: str) -> Found:
    quantity: Found = {}
    if "QUANTITY" in found and "THOUSANDTHS" in found:
        quantity["value"] = f"{found['QUANTITY']}.{found['THOUSANDTHS']}"
    if "UNIT" in found:
        quantity["unit"] = found["UNIT"]
    made: Found = {"id": identifier, "DRUG": found["DRUG"], "status": _status(found)}
    if quantity:
        made["quantity"] = quantity
    return made
