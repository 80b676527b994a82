"""The federal border sector: fixed-width crossings, two delimited lists. See LAYOUTS.md."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from demo import words
from demo.chance import Chance
from demo.files import Table, Truth, Written, number_date, put
from demo.mess import Sighting, plain, sight
from demo.person import TODAY, Person
from demo.texas import age_on, plate, vin

ORI = "USBPX9900"
WIDTH = 220
# Name, first position (from 1), width.
FIELDS = {
    "number": (1, 12), "surname": (13, 30), "given": (43, 25), "birth": (68, 8), "sex": (76, 1),
    "nationality": (77, 3), "document_type": (80, 1), "document": (81, 15), "issuer": (96, 3),
    "port": (99, 3), "moment": (102, 12), "direction": (114, 1), "category": (115, 1),
    "mode": (116, 1), "lawful": (117, 1), "plate": (118, 10), "plate_state": (128, 2),
    "a_number": (130, 9), "juvenile": (139, 1), "dissemination": (140, 1), "aliases": (141, 40),
    "updated": (181, 8),
}  # fmt: skip
VEHICLES = "LIST_NO PLATE STATE VIN YEAR MAKE MODEL COLOR STATUS LISTED REASON DISSEM"
WARRANTS = (
    "AW_NO A_NUMBER SURNAME GIVEN DOB SEX NATIONALITY FORM ISSUED ISSUED_BY STATUS JUV DISSEM"
)
PORTS = ("ASC", "MDR", "TRN", "VLG")


def line(**values: str) -> str:
    """Lay out one encounter; what is too long for its field is cut, as such systems do."""
    cells = [" "] * WIDTH
    for name, value in values.items():
        start, width = FIELDS[name]
        cells[start - 1 : start - 1 + width] = value[:width].ljust(width)
    return "".join(cells)


class Border:
    """The crossings and the two lists."""

    def __init__(self, seed: int, truth: Truth) -> None:
        self._seed = seed
        self._truth = truth
        self.encounters: list[str] = []
        self.vehicles = Table(*VEHICLES.split())
        self.warrants = Table(*WARRANTS.split())
        self._encounter = 1000
        self._vehicle = 1000
        self._warrant = 1000

    def person(self, p: Person) -> None:
        """Write one person down: one to four crossings, seldom a civil warrant or a vehicle."""
        c = Chance(self._seed, ORI, p.number)
        for i in range(c.weighted(((1, 5), (2, 3), (3, 1), (4, 1)))):
            self._cross(c, p, sight(self._seed, p, f"{ORI}/encounter{i}"))
        foreign = p.nationality != "USA"
        if foreign and c.happens(8):
            self._civil(c, p, sight(self._seed, p, f"{ORI}/civil"))
        if c.happens(6):
            self._list_vehicle(c)

    def _cross(self, c: Chance, p: Person, seen: Sighting) -> None:
        self._encounter += 1
        day = c.day(max(date(2022, 1, 1), p.birth), TODAY)
        key = f"E{day:%y}{self._encounter:09d}"
        juvenile = age_on(p.birth, day) < 18
        unlawful = p.nationality != "USA" and c.happens(15)
        inbound = unlawful or c.happens(70)
        kind = c.weighted((("P", 5), ("B", 2), ("L", 3))) if not unlawful else " "
        number, issuer = {
            "P": (p.passport, p.nationality),
            "B": (f"BCC9{p.number:07d}", "USA"),
            "L": (p.licence, p.licence_state),
            " ": ("", ""),
        }[kind]
        category = "A" if inbound else "D"
        if unlawful:
            category = "C" if juvenile else c.weighted((("U", 8), ("S", 1), ("T", 1)))
        mode = c.weighted((("V", 6), ("F", 3), ("B", 1))) if not unlawful else "F"
        alias = ""
        if c.happens(6):
            other = sight(self._seed, p, f"{ORI}/alias")
            alias = f"{plain(other.surname)}/{plain(other.given)}"
        level = c.weighted((("G", 92), ("Y", 5), ("R", 3)))
        self.encounters.append(
            line(
                number=key,
                surname=plain(seen.surname),
                given=plain(f"{seen.given} {seen.middle}".strip()),
                birth=f"{number_date(seen.birth):08d}",
                sex=p.sex if not c.happens(2) else " ",
                nationality=p.nationality,
                document_type=kind,
                document=number,
                issuer=issuer,
                port=c.one(PORTS),
                moment=f"{number_date(day)}{c.between(0, 23):02d}{c.between(0, 59):02d}",
                direction="I" if inbound else "O",
                category=category,
                mode=mode,
                lawful="N" if unlawful else c.weighted((("Y", 9), (" ", 1))),
                plate=plate(c.between(1000, 89_999)) if mode == "V" else "",
                plate_state=c.one(("TX", "CA", "NM", "MX")) if mode == "V" else "",
                a_number=p.a_number if p.nationality != "USA" and c.happens(30) else "",
                juvenile="J" if juvenile else " ",
                dissemination=level,
                aliases=alias,
                updated=str(number_date(day)),
            )
        )
        hidden = "R" if level == "R" else ""
        self._truth.note(p.key, ORI, "crossing", key, seen, hidden=hidden)

    def _civil(self, c: Chance, p: Person, seen: Sighting) -> None:
        self._warrant += 1
        day = c.day(date(2024, 1, 1), TODAY)
        key = f"AW-{day:%y}-{self._warrant:05d}"
        level = c.weighted((("G", 94), ("Y", 4), ("R", 2)))
        self.warrants.add(
            AW_NO=key,
            A_NUMBER=p.a_number,
            SURNAME=seen.surname,
            GIVEN=seen.given,
            DOB=seen.birth.isoformat() if seen.birth else "",
            SEX=p.sex,
            NATIONALITY=p.nationality,
            FORM=c.weighted((("I-200", 6), ("I-205", 4))),
            ISSUED=day.isoformat(),
            ISSUED_BY="SUPERVISORY OFFICER, SIERRA BORDER SECTOR",
            STATUS=c.weighted((("OPEN", 7), ("EXECUTED", 2), ("CANCELLED", 1))),
            JUV="Y" if age_on(p.birth, day) < 18 else "N",
            DISSEM=level,
        )
        hidden = "R" if level == "R" else ""
        self._truth.note(p.key, ORI, "civil_warrant", key, seen, hidden=hidden)

    def _list_vehicle(self, c: Chance) -> None:
        self._vehicle += 1
        n = self._vehicle
        make, models = c.early(words.MAKES)
        self.vehicles.add(
            LIST_NO=f"BV-{n:05d}",
            PLATE=plate(n + 50_000),
            STATE=c.one(("TX", "CA", "NM", "MX")),
            VIN=vin(n + 50_000),
            YEAR=str(c.between(1998, 2026)),
            MAKE=make,
            MODEL=c.one(models),
            COLOR=c.early(words.COLORS)[1],
            STATUS=c.weighted((("STOLEN", 5), ("LOOKOUT", 4), ("CLEARED", 2))),
            LISTED=c.day(date(2024, 1, 1), TODAY).isoformat(),
            REASON=c.one(("REPORTED STOLEN", "SUSPECTED SMUGGLING", "HIDDEN COMPARTMENT")),
            DISSEM=c.weighted((("G", 94), ("Y", 4), ("R", 2))),
        )

    def spoil(self) -> list[str]:
        """Add rows that nobody can translate to the lists, and give the crossings' own."""
        self.vehicles.spoil({"LIST_NO": "BAD-LISTED", "LISTED": "2026-02-31"}, template=-1)
        self.vehicles.spoil({"LIST_NO": "BAD-DISSEM", "DISSEM": "Q"}, template=-1)
        self.vehicles.spoil({"LIST_NO": "BAD-SHORT"}, template=-1, cut=5)
        self.warrants.spoil({"AW_NO": "BAD-ISSUED", "ISSUED": "2025-13-01"}, template=-1)
        self.warrants.spoil({"AW_NO": "BAD-FORM", "FORM": "I-999"}, template=-1)
        sample = self.encounters[-1]
        return [
            _over(sample, number="E26BADBIRTH", birth="19810230"),
            _over(sample, number="E26BADMOMENT", moment="202602310101"),
            _over(sample, number="E26BADDISSEM", dissemination="Q"),
            _over(sample, number="E26BADCATEG", category="Z"),
            _over(sample, number="E26SHORT")[:97],
            _over(sample, number=""),
        ]


def _over(sample: str, **values: str) -> str:
    cells = list(sample)
    for name, value in values.items():
        start, width = FIELDS[name]
        cells[start - 1 : start - 1 + width] = value[:width].ljust(width)
    return "".join(cells)


def fill(border: Border, people: Iterable[Person]) -> None:
    """Write down everybody who is known here."""
    for p in people:
        if ORI in p.agencies:
            border.person(p)


def write(border: Border, out: Path) -> list[Written]:
    """Write the three files below `out/USBPX9900/sources`."""
    dirty = border.spoil()
    lines = list(border.encounters)
    for i, bad in enumerate(dirty, start=1):
        lines.insert(i * len(border.encounters) // (len(dirty) + 1) + i - 1, bad)
    name = f"{ORI}/sources/encounters.txt"
    data = "".join(f"{x}\n" for x in lines).encode("ascii")
    crossings = put(out / name, name, data, records=len(border.encounters), dirty=len(dirty))
    lists = [
        table.write(out, f"{ORI}/sources/{n}.csv", delimiter=";", encoding="utf-8", newline="\n")
        for n, table in (("vehicles", border.vehicles), ("admin_warrants", border.warrants))
    ]
    return [crossings, *lists]
