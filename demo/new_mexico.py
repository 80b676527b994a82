"""The state bureau: a NIBRS flat file, which holds no names. See LAYOUTS.md."""

from datetime import date, timedelta
from pathlib import Path

from demo.chance import Chance
from demo.files import Written, number_date, put
from demo.person import TODAY

ORI = "NM9990000"
FILE = f"{ORI}/sources/nibrs.txt"
LENGTHS = {1: 88, 2: 71, 3: 307, 4: 141, 5: 46, 6: 110, 7: 66}
SUBMITTED = "112026"
"""Month and year of the submission, in every header."""

# Offense, loss, property, victim: P person (individual), B business, S society.
_OFFENSES = (
    ("23H", "7", "77", "P"),
    ("290", "4", "77", "P"),
    ("13B", "", "", "P"),
    ("35A", "6", "10", "S"),
    ("220", "7", "16", "P"),
    ("240", "7", "03", "P"),
    ("13A", "", "", "P"),
    ("23F", "7", "07", "P"),
    ("120", "7", "20", "P"),
    ("26A", "7", "20", "P"),
    ("240", "7", "37", "P"),
    ("520", "6", "13", "S"),
    ("250", "7", "77", "B"),
)
_PLACES = (("20", 5), ("13", 3), ("18", 3), ("08", 2), ("03", 1), ("25", 1), ("22", 1))
_GROUP_B = (("90D", 5), ("90J", 3), ("90E", 2), ("90C", 2), ("90Z", 4))
_RACES = (("W", 7), ("I", 2), ("B", 1), ("U", 1))


def segment(level: int, number: str, *cells: tuple[int, str], action: str = "I") -> str:
    """Lay out one segment: the header, then each text at its position (from 1)."""
    line = list(f"{LENGTHS[level]:04d}{level}{action}{SUBMITTED}    {ORI}{number:<12}".ljust(37))
    line += " " * (LENGTHS[level] - len(line))
    for start, text in cells:
        line[start - 1 : start - 1 + len(text)] = text
    return "".join(line)


def _someone(c: Chance) -> tuple[str, str, str, str]:
    """Draw age (four positions), sex, race and ethnicity."""
    age = f"{c.between(18, 74)}  " if c.happens(92) else "00  "
    return age, c.weighted((("M", 6), ("F", 4))), c.weighted(_RACES), c.one("NHU")


class NewMexico:
    """The segments, filled incident by incident."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.lines: list[str] = []
        self.incidents = 0

    def incident(self, i: int) -> None:
        """Write one incident with its segments, or a group B arrest."""
        c = Chance(self._seed, ORI, i)
        number = f"NM26{i + 1000:08d}"
        day = c.day(date(2025, 1, 1), TODAY)
        if c.happens(12):
            self._group_b(c, number, day)
            return
        offense = c.early(_OFFENSES)
        self.write(c, number, day, offense)

    def write(self, c: Chance, number: str, day: date, offense: tuple[str, str, str, str]) -> None:
        """Write an incident on a day with one offense, and what belongs to it."""
        code, loss, _, _ = offense
        cleared = c.happens(3)
        after = number_date(day + timedelta(days=c.between(1, 9)))
        self.incidents += 1
        self.lines.append(
            segment(
                1,
                number,
                (38, f"{number_date(day)} {c.between(0, 23):02d}"),
                (49, f"{c.one('ABCDE')}{after}" if cleared else "N"),
                (88, "N" if code in {"120", "220", "23F", "23H", "240", "26A"} else " "),
            )
        )
        assault = code in {"120", "13A", "13B"}
        self.lines.append(
            segment(
                2,
                number,
                (38, code + ("C" if c.happens(92) else "A") + c.weighted((("N", 8), ("A", 1)))),
                (45, c.weighted(_PLACES)),
                (47, "01" if code == "220" else "  "),
                (49, c.one("FN") if code == "220" else " "),
                (50, "P" if code == "35A" else " "),
                (53, c.one(("40 ", "12 ", "20 ", "99 ")) if assault or code == "520" else " "),
                (62, "88"),
            )
        )
        if loss:
            self._property(c, number, day, offense)
        self._people(c, number, day, offense, cleared=cleared)

    def _property(
        self, c: Chance, number: str, day: date, offense: tuple[str, str, str, str]
    ) -> None:
        code, loss, property_code, _ = offense
        value = f"{c.between(1, 300) * 50:09d}"
        if code == "35A":
            amount = f"E{c.between(1, 40):09d}{c.below(10) * 100:03d}GM"
            self.lines.append(segment(3, number, (38, loss + "10"), (233, amount)))
            return
        vehicle = code == "240"
        stolen = ((229, "01"),) if vehicle else ()
        self.lines.append(segment(3, number, (38, loss + property_code + value), *stolen))
        if vehicle and c.happens(45):
            found = number_date(min(TODAY, day + timedelta(days=c.between(1, 40))))
            self.lines.append(
                segment(3, number, (38, f"5{property_code}{value}{found}"), (231, "01"))
            )

    def _people(
        self,
        c: Chance,
        number: str,
        day: date,
        offense: tuple[str, str, str, str],
        *,
        cleared: bool,
    ) -> None:
        code, _, _, victim = offense
        cells: list[tuple[int, str]] = [(38, "001" + code)]
        known = c.happens(70) or cleared
        if victim == "P":
            age, sex, race, ethnicity = _someone(c)
            cells.append((71, f"I{age}{sex}{race}{ethnicity}{c.one('RNU')}"))
            if code == "13A":
                cells.append((80, "08"))
            if code in {"120", "13A", "13B"}:
                cells += [(85, c.one("NMB")), (90, f"01{c.one(('SR', 'AQ', 'ST', 'RU'))}")]
                known = True
        else:
            cells.append((71, victim))
        self.lines.append(segment(4, number, *cells))
        if not known:
            self.lines.append(segment(5, number, (38, "00")))
            return
        offender = "".join(_someone(c))
        self.lines.append(segment(5, number, (38, f"01{offender}")))
        if c.happens(35) and not cleared:
            later = number_date(min(TODAY, day + timedelta(days=c.below(20))))
            arrest = f"01{'AR' + number[4:]:<12}{later}{c.one('OST')}N{code}01 "
            self.lines.append(segment(6, number, (38, arrest), (71, offender + c.one("RNU"))))

    def _group_b(self, c: Chance, number: str, day: date) -> None:
        body = f"01{number_date(day)}{c.one('OST')}{c.weighted(_GROUP_B)}01 "
        who = "".join(_someone(c)) + c.one("RNU")
        self.incidents += 1
        self.lines.append(segment(7, number, (38, body), (58, who), action="A"))

    def spoil(self) -> list[str]:
        """Give segments that nobody can translate."""
        return [
            segment(1, "NM26SHORT", (38, "20260301 12N"))[:41],
            "00X8" + segment(1, "NM26LENGTH", (38, "20260301 12N"))[4:],
            segment(1, "NM26BADDATE", (38, "20260231 12N")),
            segment(7, "NM26BADCODE", (38, "0120260301O99Q01 "), (58, "30  MWNR"), action="A"),
            segment(7, "NM26RUNAWAY", (38, "0120260301O90I01 "), (58, "16  MWNR"), action="A"),
        ]


def write(bureau: NewMexico, out: Path) -> list[Written]:
    """Write `nibrs.txt`. The segments that nobody can translate stand at the end of an incident."""
    lines = list(bureau.lines)
    for i, bad in enumerate(bureau.spoil()):
        starts = [n for n, x in enumerate(lines) if x[4] in "17"]
        lines.insert(starts[(i + 1) * len(starts) // 7], bad)
    data = "".join(f"{x}\n" for x in lines).encode("ascii")
    return [put(out / FILE, FILE, data, records=bureau.incidents, dirty=4)]
