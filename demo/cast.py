"""The people that the demonstration and the scenario tests speak of. Who they are: CAST.md.

Their numbers are below 1,000; the generated people's are above.
"""

from dataclasses import dataclass, replace
from datetime import date

from demo.border import ORI as BORDER
from demo.border import Border, line
from demo.california import ORI as CALIFORNIA
from demo.california import California, search_key, soundex
from demo.chance import Chance
from demo.files import Truth, number_date, us_date
from demo.mess import Sighting
from demo.new_mexico import NewMexico
from demo.texas import CONFIRM_PHONE, Texas, full_name, vin
from demo.texas import ORI as TEXAS


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cast: the key in the truth file, and the proper name, sex and birth date."""

    key: str
    given: str
    surname: str
    sex: str
    birth: date
    native: tuple[str, str] | None = None

    def seen(self, given: str = "", surname: str = "", birth: date | None = None) -> Sighting:
        """Write the member down, rightly but for what is given."""
        return Sighting(given or self.given, "", surname or self.surname, "", birth or self.birth)


MARISOL = Member("CAST-MARISOL", "MARISOL", "QUEZADA BRANNOCK", "F", date(1987, 3, 12))
EXPUNGED = Member("CAST-EXPUNGED", "ODILIO", "FENWRAITH", "M", date(1979, 5, 2))
SEALED = Member("CAST-SEALED", "PRUDENCE", "OAKHALLOW", "F", date(1984, 9, 23))
SEALED_CA = Member("CAST-SEALED-CA", "CORWIN", "TALLOWMERE", "M", date(1990, 1, 17))
NONDISCLOSURE = Member("CAST-NONDISCLOSURE", "LUCERO", "VANTERRAZA", "F", date(1992, 6, 30))
RED = Member("CAST-RED", "BASTIAN", "GREYMOTH", "M", date(1975, 11, 8))
YELLOW = Member("CAST-YELLOW", "TEODORA", "MILLPONDER", "F", date(1968, 2, 14))
JUVENILE = Member("CAST-JUVENILE", "WREN", "ASHDOWNE-LARK", "F", date(2011, 4, 18))
DRIVER = Member("CAST-DRIVER", "GARNET", "SALTWHISTLE", "M", date(1981, 8, 5))
CIVIL = Member("CAST-CIVIL", "ANSELM", "TORREVISTA LUMBRE", "M", date(1990, 7, 8))
LIVE = Member("CAST-LIVE", "HONORIA", "PELLOWICK-DRAY", "F", date(1977, 12, 3))
YUSUF = Member("CAST-YUSUF", "YUSUF", "AL-QARIBANI", "M", date(1985, 10, 19), ("يوسف", "القريباني"))
YURIY = Member("CAST-YURIY", "YURII", "SHCHEBETENKO", "M", date(1972, 4, 6), ("ЮРИЙ", "ЩЕБЕТЕНКО"))
XIUYING = Member("CAST-XIUYING", "XIUYING", "QIAO", "F", date(1994, 2, 11), ("秀英", "桥"))
INTELLIGENCE = Member("CAST-INTEL", "CASIMIR", "THORNAVECK", "M", date(1983, 4, 9))
UNVALIDATED = Member("CAST-INTEL-OLD", "ODALYS", "FERRIMONDE", "F", date(1976, 10, 27))
VIEWS = Member("CAST-INTEL-VIEWS", "LEOFRIC", "BRAMBLEWAITE", "M", date(1991, 8, 14))

CAST = (
    *(MARISOL, EXPUNGED, SEALED, SEALED_CA, NONDISCLOSURE, RED, YELLOW, JUVENILE, DRIVER, CIVIL),
    *(LIVE, YUSUF, YURIY, XIUYING, INTELLIGENCE, UNVALIDATED, VIEWS),
)
PLATE = "FIC0417"
STOLEN_ON = date(2026, 10, 30)

_PHONE = "(915) 555-0117"
_OPEN = {"DISSEM": "G", "SEAL_FLG": "O", "JUV_FLG": "N"}


def describe(truth: Truth) -> None:
    """Write the cast's proper names into the truth file."""
    for m in CAST:
        truth.describe(
            m.key,
            {
                "given": m.given,
                "middle": "",
                "surname": m.surname,
                "sex": m.sex,
                "birth_date": m.birth.isoformat(),
                "native": m.native,
                "licence": ["TX", "99900417"] if m is MARISOL else None,
            },
        )


class _Sheriff:
    """Adds the cast's rows to the Texas tables, each with its line of truth."""

    def __init__(self, texas: Texas, truth: Truth) -> None:
        self._tables = texas.tables
        self._truth = truth

    def note(self, m: Member, kind: str, key: str, seen: Sighting, flags: dict[str, str]) -> None:
        hidden = "E" if flags["SEAL_FLG"] == "E" else "R" if flags["DISSEM"] == "R" else ""
        self._truth.note(m.key, TEXAS, kind, key, seen, hidden=hidden)

    def person(self, m: Member, number: int, seen: Sighting, **more: str) -> None:
        flags = {k: more.pop(k, v) for k, v in _OPEN.items()}
        key = f"P-{number:06d}"
        plain_row = {
            "RACE": "W",
            "ETHN": "U",
            "HGT": "5'07\"",
            "WGT": "150",
            "EYES": "BRO",
            "HAIR": "BLK",
            "OLN_STATE": "TX",
            "ADDR_NO": "417",
            "ADDR_STREET": "LANTERN HILL RD",
            "ADDR_CITY": "CALLOWAY SPRINGS",
            "ADDR_STATE": "TX",
            "ADDR_ZIP": "79999",
            "PHONE": _PHONE,
            "SRC": "RMS",
            "LAST_UPD": "11/16/2026 08:30",
        }
        self._tables["persons"].add(
            PERSON_NO=key,
            NAME=full_name(seen),
            DOB=us_date(seen.birth),
            SEX=m.sex,
            **(plain_row | more | flags),
        )
        self.note(m, "person", key, seen, flags)

    def arrest(self, m: Member, number: int, day: date, seen: Sighting, **flags: str) -> None:
        key = f"A-{day:%y}-{number:05d}"
        self._tables["arrests"].add(
            ARREST_NO=key,
            PERSON_NO=f"P-{number:06d}",
            LNAME=seen.surname,
            FNAME=seen.given,
            DOB=us_date(seen.birth),
            SEX=m.sex,
            RACE="W",
            ARREST_DT=us_date(day),
            ARREST_TM="2140",
            ARREST_TYP="O",
            CHG_CD="PC 31.03",
            CHG_DESC="THEFT OF PROPERTY",
            CHG_LVL="M",
            UCR_CD="23H",
            BOOKING_NO=f"B{day:%y}{number:06d}",
            **(_OPEN | flags),
        )
        self.note(m, "arrest", key, seen, _OPEN | flags)

    def warrant(self, m: Member, number: int, seen: Sighting, caution: str, **flags: str) -> None:
        key = f"W-26-{number:05d}"
        self._tables["warrants"].add(
            WARRANT_NO=key,
            PERSON_NO=f"P-{number:06d}",
            NAME=full_name(seen),
            DOB=us_date(seen.birth),
            SEX=m.sex,
            RACE="W",
            WTYPE="F",
            COURT="388TH DISTRICT COURT, CALLOWAY COUNTY",
            CAUSE_NO=f"2026CR{number:05d}",
            ISSUED="11/04/2026",
            STATUS="A",
            UCR_CD="120",
            CHG_DESC="ROBBERY",
            EXTRAD="1",
            BOND="25000",
            CAUTION=caution,
            CONFIRM_PHONE=CONFIRM_PHONE,
            **(_OPEN | flags),
        )
        self.note(m, "warrant", key, seen, _OPEN | flags)

    def intelligence(self, m: Member, number: int, validated: date, **more: str) -> None:
        key = f"CI-{number:05d}"
        plain_row = {"SUSPICION": "Y", "VIEWS": "N", "CONFID": "2", "ASSESSMT": "N"}
        self._tables["intelligence"].add(
            INTEL_NO=key,
            NAME=full_name(m.seen()),
            DOB=us_date(m.birth),
            SEX=m.sex,
            CRIME="CARGO THEFT",
            VALIDATED=us_date(validated),
            ENTERED="02/19/2019",
            SUMMARY="RENTS THE YARD WHERE TRAILERS WERE FOUND",
            **(plain_row | more | _OPEN),
        )
        self.note(m, "intelligence", key, m.seen(), _OPEN)

    def incident(self, m: Member, key: str, person: int, seen: Sighting, **more: str) -> None:
        flags = {k: more.pop(k, v) for k, v in _OPEN.items()}
        self._tables["incidents"].add(
            INCIDENT_NO=key,
            RPT_DT="10/31/2026",
            RPT_TM="0015",
            OCC_DT="10/30/2026",
            OCC_TM="2255",
            UCR_CD="120",
            ATT="C",
            STATUS="O",
            LOC_ADDR="4100 BLK OLD FERRY RD",
            LOC_TYP="STO",
            SUSP_PERSON_NO=f"P-{person:06d}",
            SUSP_NAME=full_name(seen),
            SUSP_DOB=us_date(seen.birth),
            SUSP_SEX=m.sex,
            **(more | flags),
        )
        self.note(m, "incident", key, seen, flags)


def texas(tables: Texas, truth: Truth) -> None:
    """Add what the sheriff knows of the cast."""
    s = _Sheriff(tables, truth)
    # Day and month of her birth exchanged, and both surnames as they sounded.
    booked = MARISOL.seen(surname="QUESADA BRANOCK", birth=date(1987, 12, 3))
    s.person(MARISOL, 417, booked, OLN="99900417", ALIASES="BRANNOCK, MARI", SMT="TAT L ARM:HERON")
    s.arrest(MARISOL, 417, date(2024, 6, 8), booked)
    s.warrant(MARISOL, 417, booked, "AD")
    s.incident(
        MARISOL,
        "26-004417",
        417,
        booked,
        VICT_NAME="IRVENSTRAND, OSWALD",
        VICT_AGE="61",
        VEH_PLATE=PLATE,
        VEH_STATE="TX",
        VEH_MAKE="TOYT",
        VEH_COLOR="SIL",
    )
    tables.tables["cautions"].add(
        CAUTION_NO="C-00417",
        PERSON_NO="P-000417",
        NAME=full_name(booked),
        DOB=us_date(booked.birth),
        SEX="F",
        CAUTION_CD="AD",
        ENTERED="11/04/2026",
        REMARK="HANDGUN SHOWN AT THE SCENE",
        **_OPEN,
    )
    s.note(MARISOL, "caution", "C-00417", booked, _OPEN)
    s.intelligence(INTELLIGENCE, 514, date(2026, 5, 4), ASSESSMT="Y")
    s.intelligence(UNVALIDATED, 515, date(2019, 3, 11))
    s.intelligence(VIEWS, 516, date(2026, 5, 4), VIEWS="U")
    s.person(EXPUNGED, 501, EXPUNGED.seen(), SEAL_FLG="E")
    s.arrest(EXPUNGED, 501, date(2019, 3, 3), EXPUNGED.seen(), SEAL_FLG="E")
    s.person(SEALED, 502, SEALED.seen())
    s.arrest(SEALED, 502, date(2015, 7, 19), SEALED.seen(), SEAL_FLG="S")
    s.person(NONDISCLOSURE, 504, NONDISCLOSURE.seen())
    s.arrest(NONDISCLOSURE, 504, date(2018, 10, 1), NONDISCLOSURE.seen(), SEAL_FLG="N")
    s.person(RED, 505, RED.seen(), DISSEM="R")
    s.warrant(RED, 505, RED.seen(), "", DISSEM="R")
    s.person(YELLOW, 506, YELLOW.seen(), DISSEM="Y")
    s.incident(YELLOW, "26-000506", 506, YELLOW.seen(), DISSEM="Y")
    s.person(JUVENILE, 507, JUVENILE.seen(), JUV_FLG="Y")
    s.arrest(JUVENILE, 507, date(2026, 5, 20), JUVENILE.seen(), JUV_FLG="Y")
    s.person(DRIVER, 508, DRIVER.seen(), SRC="MVD", OLN="99900508")
    s.person(YUSUF, 511, YUSUF.seen("YOUSSEF", "EL KARIBANI"))
    s.person(YURIY, 512, YURIY.seen("IURII"))
    s.person(XIUYING, 513, XIUYING.seen("HSIU-YING", "CHIAO"))
    tables.tables["vehicles"].add(
        VEH_NO="V-00417",
        PLATE=PLATE,
        PLATE_ST="TX",
        VIN=vin(417),
        VYR="2021",
        MAKE="TOYT",
        MODEL="TACOMA",
        COLOR="SIL",
        STATUS="S",
        STATUS_DT=us_date(STOLEN_ON),
        INCIDENT_NO="26-004417",
        DISSEM="G",
    )


class _Police:
    """Adds the cast's rows to the Californian database."""

    def __init__(self, police: California, truth: Truth) -> None:
        self._police = police
        self._truth = truth

    def name(self, m: Member, number: int, seen: Sighting, *, old: bool, level: int = 1) -> None:
        key = f"N{number:09d}"
        srch = search_key(seen.surname)
        full = f"{seen.surname}/{seen.given}".ljust(60) if old else None
        self._police.add(
            "NAME_MST",
            NAME_ID=key,
            NM_FULL=full,
            NM_LAST=None if old else seen.surname,
            NM_FIRST=None if old else seen.given,
            NM_MID=None if old else "",
            NM_SFX=None if old else "",
            NM_SRCH=srch,
            NM_SDX=soundex(srch),
            DOB_DT=number_date(seen.birth),
            SEX_CD="2" if m.sex == "F" else "1",
            RACE_CD="10",
            HGT_IN=66,
            WGT_LB=148,
            EYE_CD="03",
            HAIR_CD="02",
            ADDR_TX="417 KESTREL LN, PORT SERENA CA 92999",
            SRC_SYS_CD="R",
            DISSEM_LVL=level,
            SEAL_CD=0,
            JUV_IND=0,
            UPD_DT=20_261_101,
        )
        self._truth.note(m.key, CALIFORNIA, "person", key, seen)

    def arrest(self, m: Member, number: int, day: date, seen: Sighting, *, seal: int = 0) -> None:
        key = f"A{day:%y}{number:05d}"
        self._police.add(
            "ARR_HDR",
            ARR_ID=key.ljust(10),
            NAME_ID=f"N{number:09d}",
            ARR_DT=number_date(day),
            ARR_TM=1810,
            ARR_TYP_CD="V",
            CHG_STAT="CPC 496",
            CHG_TX="RECEIVING STOLEN PROPERTY",
            FEL_IND=1,
            UCR_CD="280 ",
            DISSEM_LVL=1,
            SEAL_CD=seal,
            JUV_IND=0,
        )
        self._truth.note(m.key, CALIFORNIA, "arrest", key, seen)

    def warrant(self, m: Member, number: int, seen: Sighting) -> None:
        key = f"W26{number:05d}"
        self._police.add(
            "WARR",
            WARR_ID=key.ljust(10),
            NAME_ID=f"N{number:09d}",
            WARR_TYP_CD="FA",
            CRT_TX="SUPERIOR COURT, SERENA COUNTY",
            CRT_CASE_NO=f"SC{number:06d}",
            ISS_DT=20_260_914,
            STAT_CD="A",
            EXTR_CD="2",
            BAIL_AMT=10_000,
            DISSEM_LVL=1,
            SEAL_CD=0,
            JUV_IND=0,
        )
        self._truth.note(m.key, CALIFORNIA, "warrant", key, seen)

    def incident(self, m: Member, number: int, seen: Sighting) -> None:
        key = f"I26{number:05d}"
        self._police.add(
            "INC_HDR",
            INC_ID=key.ljust(10),
            RPT_DT=20_261_012,
            RPT_TM=930,
            UCR_CD="23H ",
            STAT_CD="O",
            LOC_TX="2200 BLK SANDPIPER AVE",
            DISSEM_LVL=1,
            SEAL_CD=0,
            JUV_IND=0,
        )
        self._police.add("INC_INVL", INC_ID=key, INVL_SEQ=1, NAME_ID=f"N{number:09d}", ROLE_CD="S")
        self._truth.note(m.key, CALIFORNIA, "incident", key, seen)


def california(police: California, truth: Truth) -> None:
    """Add what the city police know of the cast."""
    s = _Police(police, truth)
    seen = MARISOL.seen(given="MARISOL Q", surname="BRANNOCK")
    s.name(MARISOL, 417, seen, old=True)
    s.arrest(MARISOL, 417, date(2025, 2, 21), seen)
    s.incident(MARISOL, 417, seen)
    s.name(SEALED_CA, 503, SEALED_CA.seen(), old=False)
    s.arrest(SEALED_CA, 503, date(2017, 4, 4), SEALED_CA.seen(), seal=1)
    s.name(YELLOW, 506, YELLOW.seen(given="THEODORA"), old=True, level=2)
    s.name(LIVE, 510, LIVE.seen(), old=False)
    s.warrant(LIVE, 510, LIVE.seen())


def _crossing(m: Member, key: str, seen: Sighting, moment: str, **more: str) -> str:
    values = {
        "nationality": "USA",
        "document_type": "P",
        "document": "X90000417",
        "issuer": "USA",
        "port": "MDR",
        "direction": "I",
        "category": "A",
        "mode": "F",
        "lawful": "Y",
        "dissemination": "G",
        "updated": moment[:8],
    }
    return line(
        number=key,
        surname=seen.surname,
        given=seen.given,
        birth=f"{number_date(seen.birth):08d}",
        sex=m.sex,
        moment=moment,
        **(values | more),
    )


def border(sector: Border, truth: Truth) -> None:
    """Add what the border sector knows of the cast."""
    by_truck = {"mode": "V", "plate": PLATE, "plate_state": "TX"}
    crossings: tuple[tuple[Member, str, Sighting, str, dict[str, str]], ...] = (
        (
            MARISOL,
            "E26000000417",
            MARISOL.seen("MARYSOL", "QUEZADA"),
            "202611020541",
            by_truck | {"direction": "O", "category": "D"},
        ),
        (MARISOL, "E25000000417", MARISOL.seen(), "202508171920", {}),
        (
            JUVENILE,
            "E26000000507",
            JUVENILE.seen(),
            "202607041415",
            {"juvenile": "J", "document": "X90000507"},
        ),
        (
            YUSUF,
            "E26000000511",
            YUSUF.seen(surname="ALQARIBANI"),
            "202609091100",
            {"document": "X90000511", "nationality": "SYR", "issuer": "SYR"},
        ),
        (
            YURIY,
            "E26000000512",
            YURIY.seen("YURI", "SCHEBETENKO"),
            "202603181225",
            {"document": "X90000512", "nationality": "UKR", "issuer": "UKR"},
        ),
        # Surname and given name in each other's field.
        (
            XIUYING,
            "E26000000513",
            XIUYING.seen("QIAO", "XIUYING"),
            "202604221630",
            {"document": "X90000513", "nationality": "CHN", "issuer": "CHN"},
        ),
    )
    for m, key, seen, moment, more in crossings:
        sector.encounters.append(_crossing(m, key, seen, moment, **more))
        truth.note(m.key, BORDER, "crossing", key, seen)
    civil = CIVIL.seen()
    sector.warrants.add(
        AW_NO="AW-26-00031",
        A_NUMBER="900000031",
        SURNAME=civil.surname,
        GIVEN=civil.given,
        DOB=CIVIL.birth.isoformat(),
        SEX=CIVIL.sex,
        NATIONALITY="GTM",
        FORM="I-205",
        ISSUED="2026-04-15",
        ISSUED_BY="SUPERVISORY OFFICER, SIERRA BORDER SECTOR",
        STATUS="OPEN",
        JUV="N",
        DISSEM="G",
    )
    truth.note(CIVIL.key, BORDER, "civil_warrant", "AW-26-00031", replace(civil))
    sector.vehicles.add(
        LIST_NO="BV-00417",
        PLATE=PLATE,
        STATE="TX",
        VIN=vin(417),
        YEAR="2021",
        MAKE="TOYT",
        MODEL="TACOMA",
        COLOR="SILVER",
        STATUS="LOOKOUT",
        LISTED="2026-11-01",
        REASON="STOLEN, SEE CALLOWAY COUNTY 26-004417",
        DISSEM="G",
    )


def new_mexico(bureau: NewMexico) -> None:
    """Add the truck's theft as the bureau knows it: no plate, no name, but kind and day."""
    c = Chance(0, "cast", "truck")
    bureau.write(c, "NM2600000417", STOLEN_ON, ("240", "7", "37", "P"))
