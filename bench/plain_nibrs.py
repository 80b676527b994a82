"""NIBRS as a user of pydantic alone would read it: the yardstick of `bench.formats`.

The columns of the demo's mapping, no fewer: dates as dates, codes checked against the FBI's lists,
ages and values as numbers, each incident with its offenses, victims, offenders, arrestees, property
and drugs, which are its own by agency and number. Blanks are left out. A file that is damaged, or
takes reports back, is refused: to take a deletion for a report would be wrong, and only ours
follows it. No standard, and no code is translated.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from adapters.nibrs import codes, layout

Day = Annotated[
    date,
    BeforeValidator(lambda t: datetime.strptime(t, "%Y%m%d").replace(tzinfo=UTC).date()),
]
BABIES: Final = frozenset({"NN", "NB", "BB"})


def age(text: str) -> int | str | None:
    """Read an age in years, or that somebody is a baby; 00 is not known."""
    return text if text in BABIES else int(text) or None


Age = Annotated[int | Literal["NN", "NB", "BB"] | None, BeforeValidator(age)]


def code(table: str) -> Any:
    """Give the type of what stands in a code table, or is blank."""
    return Literal[tuple(codes()[f"nibrs_{table}"])] | None


# Made at run time of the FBI's lists, so no checker of types can know them.
Offenses: Any = code("offense")
Activity: Any = code("activity")
Weapon: Any = code("weapon")
Using: Any = code("using")
Injury: Any = code("injury")
Circumstance: Any = code("circumstance")
Armed: Any = code("armed_with")


class Someone(BaseModel):
    """What is known of a victim, an offender or an arrestee."""

    SEQUENCE: str
    AGE: Age = None
    AGE_TO: Age = None
    SEX: code("sex") = None
    RACE: code("race") = None
    ETHNICITY: code("ethnicity") = None
    RESIDENT: code("resident") = None


class Victim(Someone):
    TYPE: code("victim") = None
    OFFENSE1: Offenses = None
    OFFENSE2: Offenses = None
    OFFENSE3: Offenses = None
    OFFENSE4: Offenses = None
    OFFENSE5: Offenses = None
    OFFENSE6: Offenses = None
    OFFENSE7: Offenses = None
    OFFENSE8: Offenses = None
    OFFENSE9: Offenses = None
    OFFENSE10: Offenses = None
    INJURY1: Injury = None
    INJURY2: Injury = None
    INJURY3: Injury = None
    INJURY4: Injury = None
    INJURY5: Injury = None
    CIRCUMSTANCE1: Circumstance = None
    CIRCUMSTANCE2: Circumstance = None


class Arrestee(Someone):
    ARREST_NUMBER: str = ""
    DATE: Day
    TYPE: code("arrest") = None
    MULTIPLE: code("multiple") = None
    UCR: Offenses = None
    WEAPON1: Armed = None
    WEAPON2: Armed = None
    UNDER_18: str | None = None


class Offense(BaseModel):
    UCR: Offenses
    COMPLETED: code("attempted") = None
    LOCATION: code("location") = None
    PREMISES: int | None = None
    ENTRY: code("entry") = None
    USING1: Using = None
    USING2: Using = None
    USING3: Using = None
    ACTIVITY1: Activity = None
    ACTIVITY2: Activity = None
    ACTIVITY3: Activity = None
    WEAPON1: Weapon = None
    WEAPON2: Weapon = None
    WEAPON3: Weapon = None
    BIAS1: code("bias") = None


class Thing(BaseModel):
    LOSS: code("loss") = None
    DESCRIPTION: code("property") = None
    VALUE: int | None = None
    RECOVERED: Day | None = None


class Drug(BaseModel):
    LOSS: code("loss") = None
    DRUG: code("drug") = None
    QUANTITY: int | None = None
    THOUSANDTHS: int | None = None
    UNIT: code("drug_unit") = None


class Incident(BaseModel):
    """One incident, of `span` segments."""

    span: int
    ORI: str
    NUMBER: str = Field(min_length=1)
    DATE: Day
    REPORT_DATE: str = ""
    HOUR: int | None = None
    CLEARANCE: code("clearance") = None
    CLEARANCE_DATE: Day | None = None
    CARGO_THEFT: code("yes_no") = None
    offense: list[Offense]
    victim: list[Victim]
    offender: list[Someone]
    arrestee: list[Arrestee]
    property: list[Thing]
    drug: list[Drug]


class Arrest(Arrestee):
    """One arrest without an incident."""

    span: int = 1
    ORI: str
    NUMBER: str = Field(min_length=1)


PARTS: Final = ("offense", "victim", "offender", "arrestee", "property", "drug")
_REPORTS: Final = frozenset("IA")
_WHOSE: Final = slice(16, 37)
"""The agency and the incident's number."""
MODELS: Final[dict[str, type[BaseModel]]] = {
    "offense": Offense,
    "victim": Victim,
    "offender": Someone,
    "arrestee": Arrestee,
    "property": Thing,
    "drug": Drug,
}


def read(path: Path) -> Iterator[Incident | Arrest]:
    """Give the incidents and arrests of a file. Raises ValueError for one that is not right."""
    for held in joined(path):
        yield (Incident if "offense" in held else Arrest).model_validate(held)


def joined(path: Path) -> Iterator[dict[str, Any]]:
    """Give the columns of incidents, with those of their parts, and of arrests without one."""
    lay = layout()
    wanted = columns()
    cuts = {
        level: {
            n: cut for n, cut in {**lay.header, **segment.columns}.items() if n in wanted[level]
        }
        for level, segment in lay.segments.items()
    }
    held: dict[str, Any] | None = None
    whose = ""
    with path.open(encoding="ascii", newline="") as file:
        for number, line in enumerate(file, 1):
            level = line[4]
            if line[5] not in _REPORTS:
                raise ValueError(f"line {number} takes a report back")
            found: dict[str, Any] = {
                name: text for name, cut in cuts[level].items() if (text := line[cut].strip())
            }
            if level in "17":
                if held is not None:
                    yield held
                held, whose = None, line[_WHOSE]
                if level == "7":
                    yield found
                else:
                    held = {**found, "span": 1, **{part: [] for part in PARTS}}
            elif held is None or line[_WHOSE] != whose:
                raise ValueError(f"line {number} belongs to no incident")
            else:
                held["span"] += 1
                _add(held, lay.segments[level], line, found)
    if held is not None:
        yield held


def columns() -> dict[str, frozenset[str]]:
    """Name the columns that are read of each level's segments, but for those that repeat in one."""
    found = {}
    for level, segment in layout().segments.items():
        whole: dict[str, type[BaseModel]] = {"1": Incident, "7": Arrest}
        model = whole.get(level) or MODELS[segment.part or ""]
        found[level] = frozenset(model.model_fields)
    return found


def _add(held: dict[str, Any], segment: Any, line: str, found: dict[str, Any]) -> None:
    if not segment.repeats:
        held[segment.part].append(found)
    for name, repeat in segment.repeats.items():
        for place, _ in repeat.places:
            piece = line[place]
            if piece.strip():
                own = {n: t for n, cut in repeat.columns.items() if (t := piece[cut].strip())}
                held[name].append(found | own)
