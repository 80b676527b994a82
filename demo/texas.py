"""The county sheriff: CSV exports of a records management system. See LAYOUTS.md."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from demo import words
from demo.chance import Chance
from demo.files import Table, Truth, Written, us_date
from demo.mess import Sighting, plain, sight
from demo.person import TODAY, Person

ORI = "TX9990000"
_FLAGS = ("DISSEM", "SEAL_FLG", "JUV_FLG")
_COLUMNS = {
    "persons": (
        "PERSON_NO NAME DOB SEX RACE ETHN HGT WGT EYES HAIR SMT OLN OLN_STATE SSN SID FBI_NO "
        "ADDR_NO ADDR_STREET ADDR_CITY ADDR_STATE ADDR_ZIP PHONE ALIASES SRC LAST_UPD"
    ),
    "arrests": (
        "ARREST_NO PERSON_NO LNAME FNAME MNAME SFX DOB SEX RACE ARREST_DT ARREST_TM ARREST_TYP "
        "CHG_CD CHG_DESC CHG_LVL UCR_CD INCIDENT_NO BOOKING_NO"
    ),
    "warrants": (
        "WARRANT_NO PERSON_NO NAME DOB SEX RACE WTYPE COURT CAUSE_NO ISSUED STATUS UCR_CD CHG_DESC "
        "EXTRAD BOND CAUTION CONFIRM_PHONE"
    ),
    "incidents": (
        "INCIDENT_NO RPT_DT RPT_TM OCC_DT OCC_TM UCR_CD ATT STATUS LOC_ADDR LOC_TYP SUSP_PERSON_NO "
        "SUSP_NAME SUSP_DOB SUSP_SEX VICT_NAME VICT_AGE VEH_PLATE VEH_STATE VEH_MAKE VEH_COLOR"
    ),
    "cautions": "CAUTION_NO PERSON_NO NAME DOB SEX CAUTION_CD ENTERED EXPIRES REMARK",
    "intelligence": (
        "INTEL_NO NAME DOB SEX CRIME SUSPICION VIEWS CONFID ASSESSMT VALIDATED ENTERED SUMMARY"
    ),
}
_VEHICLES = (
    "VEH_NO PLATE PLATE_ST VIN VYR MAKE MODEL COLOR STATUS STATUS_DT INCIDENT_NO OWNER_PERSON_NO "
    "DISSEM"
)
CONFIRM_PHONE = "(915) 555-0142"
_FIRST = date(2016, 1, 1)


def full_name(seen: Sighting) -> str:
    """Write `LAST, FIRST MIDDLE SUFFIX`."""
    rest = " ".join(x for x in (seen.given, seen.middle, seen.suffix) if x)
    return f"{seen.surname}, {rest}"


def age_on(birth: date, day: date) -> int:
    """Count whole years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def event_day(c: Chance, birth: date, first: date = _FIRST) -> date:
    """Draw a day on which somebody at least fourteen years old may be written down."""
    start = max(first, date(birth.year + 14, birth.month, min(birth.day, 28)))
    return c.day(min(start, TODAY - timedelta(days=30)), TODAY - timedelta(days=1))


def vin(number: int) -> str:
    """Make a number that no vehicle has: I and O never stand in a true one."""
    return f"FICTIO{number:011d}"


def plate(number: int) -> str:
    """Make a plate `ZQA1234`."""
    return f"ZQ{chr(65 + number // 10_000 % 26)}{number % 10_000:04d}"


class Texas:
    """The seven tables, filled person by person."""

    def __init__(self, seed: int, truth: Truth) -> None:
        self._seed = seed
        self._truth = truth
        self.tables = {n: Table(*c.split(), *_FLAGS) for n, c in _COLUMNS.items()}
        self.tables["vehicles"] = Table(*_VEHICLES.split())
        self._next = dict.fromkeys(self.tables, 1000)

    def number(self, table: str) -> int:
        """Take the table's next number; those below 1,000 are the cast's."""
        self._next[table] += 1
        return self._next[table]

    def person(self, p: Person) -> None:
        """Write one person down, with everything that happened to them here."""
        c = Chance(self._seed, ORI, p.number)
        seen = sight(self._seed, p, f"{ORI}/persons")
        key = self._master(c, p, seen, "")
        if c.happens(3):
            self._master(c, p, sight(self._seed, p, f"{ORI}/again"), "")
        if c.happens(40):
            for i in range(c.weighted(((1, 6), (2, 3), (3, 1)))):
                self._arrest(c, p, key, self._as_seen(c, p, seen, f"arrest{i}"))
        if c.happens(12):
            self._warrant(c, p, key, self._as_seen(c, p, seen, "warrant"))
        if c.happens(25):
            self._incident(c, p, key, self._as_seen(c, p, seen, "incident"))
        if c.happens(5):
            self._caution(c, p, key, seen)
        if c.happens(8):
            self._vehicle(c, key)
        # Drawn apart: who is in intelligence files changes nothing in the others.
        c = Chance(self._seed, ORI, "intelligence", p.number)
        if c.happens(1):
            self._intelligence(c, p, seen)

    def _as_seen(self, c: Chance, p: Person, master: Sighting, place: str) -> Sighting:
        return master if c.happens(60) else sight(self._seed, p, f"{ORI}/{place}")

    def _flags(self, c: Chance, *, juvenile: bool) -> dict[str, str]:
        return {
            "DISSEM": c.weighted((("G", 80), ("", 11), ("Y", 6), ("R", 3))),
            "SEAL_FLG": c.weighted((("O", 95), ("N", 2), ("S", 2), ("E", 1))),
            "JUV_FLG": "Y" if juvenile else "N",
        }

    def _note(self, p: Person, kind: str, key: str, seen: Sighting, flags: dict[str, str]) -> None:
        hidden = "E" if flags["SEAL_FLG"] == "E" else "R" if flags["DISSEM"] == "R" else ""
        self._truth.note(p.key, ORI, kind, key, seen, hidden=hidden)

    def _master(self, c: Chance, p: Person, seen: Sighting, alias: str) -> str:
        key = f"P-{self.number('persons'):06d}"
        if c.happens(12):
            other = sight(self._seed, p, f"{ORI}/alias")
            if (other.given, other.surname) != (seen.given, seen.surname):
                alias = f"{other.surname}, {other.given}"
        mvd = c.happens(15)
        flags = self._flags(c, juvenile=age_on(p.birth, TODAY) < 18)
        known = c.happens(85)
        updated = c.day(date(2024, 1, 1), TODAY)
        self.tables["persons"].add(
            PERSON_NO=key,
            NAME=full_name(seen) if not c.happens(3) else f"{full_name(seen)}  ",
            DOB=us_date(seen.birth),
            SEX=p.sex if not c.happens(2) else "U",
            RACE=p.race,
            ETHN=c.weighted((("H", 9), ("U", 1))) if p.hispanic else c.one(("N", "U")),
            HGT=f"{p.height // 12}'{p.height % 12:02d}\"" if known else "",
            WGT=str(p.weight) if known else "",
            EYES=(p.eyes if not c.happens(0.3) else "VIO") if known else "",
            HAIR=p.hair if known else "",
            SMT=";".join(p.marks),
            OLN=p.licence if mvd or c.happens(50) else "",
            OLN_STATE=p.licence_state,
            SSN=f"{p.ssn[:3]}-{p.ssn[3:5]}-{p.ssn[5:]}" if c.happens(40) else "",
            SID=f"TX9{p.number:07d}" if c.happens(30) else "",
            FBI_NO=f"9{p.number:06d}XX" if c.happens(20) else "",
            ADDR_NO=p.address.number,
            ADDR_STREET=p.address.street,
            ADDR_CITY=p.address.city,
            ADDR_STATE=p.address.state,
            ADDR_ZIP=p.address.zip,
            PHONE=f"(915) {p.phone[:3]}-{p.phone[3:]}" if c.happens(60) else "",
            ALIASES=alias,
            SRC="MVD" if mvd else "RMS",
            LAST_UPD=f"{us_date(updated)} {c.between(0, 23):02d}:{c.between(0, 59):02d}",
            **flags,
        )
        self._note(p, "person", key, seen, flags)
        return key

    def _arrest(self, c: Chance, p: Person, person_no: str, seen: Sighting) -> None:
        day = event_day(c, p.birth)
        key = f"A-{day:%y}-{self.number('arrests'):05d}"
        statute, text, level, ucr = c.early(words.CHARGES)
        flags = self._flags(c, juvenile=age_on(p.birth, day) < 18)
        self.tables["arrests"].add(
            ARREST_NO=key,
            PERSON_NO=person_no,
            LNAME=seen.surname,
            FNAME=seen.given,
            MNAME=seen.middle,
            SFX=seen.suffix,
            DOB=us_date(seen.birth),
            SEX=p.sex,
            RACE=p.race,
            ARREST_DT=us_date(day),
            ARREST_TM=f"{c.between(0, 23):02d}{c.between(0, 59):02d}",
            ARREST_TYP=c.weighted((("O", 6), ("T", 3), ("S", 1))),
            CHG_CD=statute,
            CHG_DESC=text,
            CHG_LVL=level,
            UCR_CD=ucr,
            BOOKING_NO=f"B{day:%y}{c.digits(6)}" if c.happens(80) else "",
            **flags,
        )
        self._note(p, "arrest", key, seen, flags)

    def _warrant(self, c: Chance, p: Person, person_no: str, seen: Sighting) -> None:
        day = event_day(c, p.birth, date(2023, 1, 1))
        key = f"W-{day:%y}-{self.number('warrants'):05d}"
        _, text, level, ucr = c.early(words.CHARGES)
        flags = self._flags(c, juvenile=age_on(p.birth, day) < 18)
        self.tables["warrants"].add(
            WARRANT_NO=key,
            PERSON_NO=person_no,
            NAME=full_name(seen),
            DOB=us_date(seen.birth),
            SEX=p.sex,
            RACE=p.race,
            WTYPE=c.weighted((("F" if level == "F" else "M", 6), ("B", 2), ("P", 1), ("C", 1))),
            COURT=f"{c.one(('388TH', '399TH'))} DISTRICT COURT, CALLOWAY COUNTY",
            CAUSE_NO=f"{day.year}CR{c.digits(5)}",
            ISSUED=us_date(day),
            STATUS=c.weighted((("A", 7), ("S", 2), ("R", 1))),
            UCR_CD=ucr,
            CHG_DESC=text,
            EXTRAD=c.weighted((("1", 4), ("2", 2), ("3", 2), ("4", 2))),
            BOND=str(c.between(1, 60) * 500) if c.happens(70) else "",
            CAUTION=c.weighted((("", 85), ("AD", 5), ("VT", 5), ("AD VT", 2), ("ER", 3))),
            CONFIRM_PHONE=CONFIRM_PHONE,
            **flags,
        )
        self._note(p, "warrant", key, seen, flags)

    def _incident(self, c: Chance, p: Person, person_no: str, seen: Sighting) -> None:
        day = event_day(c, p.birth, date(2022, 1, 1))
        key = f"{day:%y}-{self.number('incidents'):06d}"
        _, _, _, ucr = c.early(words.CHARGES)
        flags = self._flags(c, juvenile=age_on(p.birth, day) < 18)
        named = c.happens(80)
        victim = c.happens(50)
        car = c.happens(30)
        self.tables["incidents"].add(
            INCIDENT_NO=key,
            RPT_DT=us_date(day),
            RPT_TM=f"{c.between(0, 23):02d}{c.between(0, 59):02d}",
            OCC_DT=us_date(day - timedelta(days=c.below(3))),
            OCC_TM=f"{c.between(0, 23):02d}{c.between(0, 59):02d}" if c.happens(70) else "",
            UCR_CD=ucr,
            ATT="C" if c.happens(90) else "A",
            STATUS=c.weighted((("O", 4), ("C", 4), ("X", 1), ("I", 2), ("U", 1))),
            LOC_ADDR=f"{c.between(1, 98)}00 BLK {c.one(words.STREETS)} {c.one(words.STREET_KINDS)}",
            LOC_TYP=c.weighted(
                (("HWY", 3), ("RES", 4), ("BAR", 1), ("PKG", 2), ("STO", 2), ("OTH", 1))
            ),
            SUSP_PERSON_NO=person_no if named else "",
            SUSP_NAME=full_name(seen) if named else "",
            SUSP_DOB=us_date(seen.birth) if named else "",
            SUSP_SEX=p.sex if named else "",
            VICT_NAME=self._bystander(c) if victim else "",
            VICT_AGE=str(c.between(18, 84)) if victim else "",
            VEH_PLATE=plate(c.between(1000, 89_999)) if car else "",
            VEH_STATE="TX" if car else "",
            VEH_MAKE=c.one(words.MAKES)[0] if car else "",
            VEH_COLOR=c.early(words.COLORS)[0] if car else "",
            **flags,
        )
        if named:
            self._note(p, "incident", key, seen, flags)

    def _bystander(self, c: Chance) -> str:
        given = c.one(words.ENGLISH_GIVEN["F"] + words.SPANISH_GIVEN["M"])
        return f"{c.one(words.ENGLISH_SURNAMES)}, {plain(given)}"

    def _caution(self, c: Chance, p: Person, person_no: str, seen: Sighting) -> None:
        key = f"C-{self.number('cautions'):05d}"
        day = c.day(date(2024, 1, 1), TODAY)
        code = c.weighted((("AD", 3), ("VT", 4), ("ER", 2), ("SU", 2), ("MD", 2), ("KD", 3)))
        flags = self._flags(c, juvenile=age_on(p.birth, TODAY) < 18)
        self.tables["cautions"].add(
            CAUTION_NO=key,
            PERSON_NO=person_no,
            NAME=full_name(seen),
            DOB=us_date(seen.birth),
            SEX=p.sex,
            CAUTION_CD=code,
            ENTERED=us_date(day),
            EXPIRES=us_date(day + timedelta(days=730)) if c.happens(60) else "",
            REMARK=c.one(("", "PER DISPATCH", "PER JAIL STAFF", "PRIOR CONTACT")),
            **flags,
        )
        self._note(p, "caution", key, seen, flags)

    def _intelligence(self, c: Chance, p: Person, seen: Sighting) -> None:
        key = f"CI-{self.number('intelligence'):05d}"
        entered = c.day(date(2017, 1, 1), TODAY - timedelta(days=30))
        flags = self._flags(c, juvenile=False)
        self.tables["intelligence"].add(
            INTEL_NO=key,
            NAME=full_name(seen),
            DOB=us_date(seen.birth),
            SEX=p.sex,
            CRIME=c.one(("NARCOTICS", "CARGO THEFT", "FIREARMS", "FRAUD")),
            SUSPICION="Y" if c.happens(95) else "N",
            VIEWS=c.weighted((("N", 90), ("T", 7), ("U", 3))),
            CONFID=c.weighted((("1", 2), ("2", 4), ("3", 3), ("4", 1))),
            ASSESSMT="Y" if c.happens(10) else "N",
            VALIDATED=us_date(c.day(entered, TODAY)),
            ENTERED=us_date(entered),
            SUMMARY=c.one(("SEEN WITH KNOWN BUYERS", "NAMED BY A SOURCE", "OWNS THE YARD")),
            **flags,
        )
        self._note(p, "intelligence", key, seen, flags)

    def _vehicle(self, c: Chance, person_no: str) -> None:
        n = self.number("vehicles")
        make, models = c.early(words.MAKES)
        self.tables["vehicles"].add(
            VEH_NO=f"V-{n:05d}",
            PLATE=plate(n),
            PLATE_ST="TX",
            VIN=vin(n),
            VYR=str(c.between(1998, 2026)),
            MAKE=make,
            MODEL=c.one(models),
            COLOR=c.early(words.COLORS)[0],
            STATUS=c.weighted((("S", 5), ("R", 3), ("W", 2), ("I", 2))),
            STATUS_DT=us_date(c.day(date(2024, 1, 1), TODAY)),
            OWNER_PERSON_NO=person_no,
            DISSEM=c.weighted((("G", 94), ("Y", 4), ("R", 2))),
        )

    def spoil(self) -> None:
        """Add the rows that nobody can translate: a few in each file."""
        t = self.tables
        keys = {n: table.columns[0] for n, table in t.items()}
        for name, column, wrong in (
            ("persons", "DOB", "02/30/1981"),
            ("persons", "DISSEM", "Q"),
            ("persons", "SEAL_FLG", "Z"),
            ("arrests", "ARREST_DT", "13/45/1990"),
            ("arrests", "SEAL_FLG", "Z"),
            ("warrants", "ISSUED", "20260231"),
            ("warrants", "DISSEM", "Q"),
            ("incidents", "RPT_DT", "06/31/2025"),
            ("incidents", "JUV_FLG", "?"),
            ("cautions", "CAUTION_CD", "ZZ"),
            ("intelligence", "SUSPICION", "?"),
            ("vehicles", "DISSEM", "Q"),
        ):
            key = f"BAD-{column}-{wrong.replace('/', '')}"
            t[name].spoil({keys[name]: key, column: wrong}, template=-1)
        for name in t:
            t[name].spoil({keys[name]: f"BAD-SHORT-{name.upper()}"}, template=-2, cut=4)
        for name in ("persons", "warrants"):
            t[name].spoil({keys[name]: ""}, template=-3)


def write(texas: Texas, out: Path) -> list[Written]:
    """Write the seven files below `out/TX9990000/sources`."""
    texas.spoil()
    return [
        table.write(
            out,
            f"{ORI}/sources/{name}.csv",
            delimiter=",",
            encoding="windows-1252",
            newline="\r\n",
        )
        for name, table in texas.tables.items()
    ]


def fill(texas: Texas, people: Iterable[Person]) -> None:
    """Write down everybody who is known here."""
    for p in people:
        if ORI in p.agencies:
            texas.person(p)
