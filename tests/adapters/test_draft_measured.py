"""How well drafts guess: the demo's files, whose mappings are known, under many other headers.

Each column counts once for each header: right, wrong, or left to a person; and whether a doubt is
marked. A wrong guess that nobody is warned of is the one that matters.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from adapters import registry
from adapters.document import Document
from adapters.draft import draft, look_at
from adapters.rows import BadRow, Columns, Reader, Row
from adapters.tables import Database, TableReader
from demo.people import Manifest
from tests.adapters.drafts import columns_of, drafted_of, judged_as

World = tuple[Path, Manifest]

# Each column's headers elsewhere: abbreviated, written out, Spanish.
HEADERS: Mapping[str, tuple[str, str, str]] = {
    "NAME": ("FULL_NM", "SubjectName", "NOMBRE_COMPLETO"),
    "NM_FULL": ("NME", "Full Name", "NOMBRE"),
    "LNAME": ("SURNME", "LastName", "APELLIDO"),
    "FNAME": ("FST_NM", "First Name", "NOMBRE"),
    "MNAME": ("MID_NM", "MiddleName", "SEGUNDO_NOMBRE"),
    "SFX": ("NM_SFX", "Suffix", "SUFIJO"),
    "SURNAME": ("L_NAME", "Last Name", "APELLIDOS"),
    "GIVEN": ("F_NAME", "GivenName", "NOMBRES"),
    "DOB": ("BRTH_DT", "DateOfBirth", "FECHA_NACIMIENTO"),
    "DOB_DT": ("DT_BRTH", "Birth Date", "FEC_NAC"),
    "BIRTH": ("DOB", "D.O.B.", "NACIMIENTO"),
    "SEX": ("SX", "Gender", "SEXO"),
    "RACE": ("RC", "RaceCode", "RAZA"),
    "ETHN": ("ETHNCTY", "Ethnicity", "ETNIA"),
    "HGT": ("HT", "Height", "ESTATURA"),
    "WGT": ("WT", "Weight", "PESO"),
    "HGT_IN": ("HT_IN", "HeightInches", "ESTATURA"),
    "WGT_LB": ("WT_LBS", "WeightPounds", "PESO"),
    "EYES": ("EYE_CLR", "EyeColor", "COLOR_OJOS"),
    "HAIR": ("HAI", "Hair Color", "CABELLO"),
    "OLN": ("DL_NBR", "DriversLicenseNumber", "NUM_LICENCIA"),
    "OLN_STATE": ("DL_ST", "LicenseState", "LICENCIA_ESTADO"),
    "OLN_ST": ("OLS", "DriverLicenseState", "ESTADO_LICENCIA"),
    "SSN": ("SOC", "SocialSecurityNumber", "NUM_SSN"),
    "SID": ("SID_NO", "StateID", "SID"),
    "FBI_NO": ("FBI", "FbiNumber", "NUM_FBI"),
    "ADDR_CITY": ("CTY", "City", "CIUDAD"),
    "ADDR_STATE": ("ST", "State", "ESTADO"),
    "ADDR_ZIP": ("ZIP_CD", "Zip Code", "CODIGO_POSTAL"),
    "ADDR_TX": ("ADDR", "Street Address", "DIRECCION"),
    "PHONE": ("TEL_NO", "TelephoneNumber", "TELEFONO"),
    "PHONE_TX": ("PH", "Phone", "TEL"),
    "ALIASES": ("AKA", "Aliases", "APODO"),
    "ARREST_NO": ("ARR_NBR", "ArrestNumber", "NUM_ARRESTO"),
    "ARREST_TYP": ("ARR_TYPE", "ArrestType", "TIPO_ARRESTO"),
    "ARREST_DT": ("DT_ARREST", "Arrest Date", "FECHA_ARRESTO"),
    "ARR_DT": ("ARST_DTE", "ArrestDate", "FEC_DETENCION"),
    "CHG_DESC": ("CHRG_DSC", "ChargeDescription", "CARGO"),
    "CHG_LVL": ("CHG_LEVEL", "ChargeLevel", "CHG_LVL"),
    "UCR_CD": ("UCR", "OffenseCode", "DELITO"),
    "INCIDENT_NO": ("INC_NBR", "Incident Number", "NUM_INCIDENTE"),
    "BOOKING_NO": ("BKG_NO", "BookingNumber", "BOOKING_NO"),
    "WARRANT_NO": ("WRNT_NO", "WarrantNumber", "NUM_ORDEN"),
    "WTYPE": ("WARR_TYP", "Warrant Type", "TIPO_ORDEN"),
    "COURT": ("CRT", "IssuingCourt", "TRIBUNAL"),
    "CAUSE_NO": ("CASE_NBR", "CaseNumber", "NUM_CASO"),
    "ISSUED": ("ISS_DT", "DateIssued", "FECHA_EXPEDICION"),
    "STATUS": ("STS", "Status", "ESTATUS"),
    "LOC_ADDR": ("LOC", "Location", "LUGAR"),
    "SUSP_NAME": ("SUBJ_NM", "SuspectName", "SUSP_NAME"),
    "SUSP_DOB": ("SUBJ_DOB", "Suspect DOB", "SUSP_DOB"),
    "SUSP_SEX": ("SUBJ_SEX", "Suspect Sex", "SUSP_SEXO"),
    "VICT_NAME": ("VIC_NM", "VictimName", "VICT_NOMBRE"),
    "VEH_PLATE": ("VEH_TAG", "Vehicle Plate", "PLACA"),
    "VEH_STATE": ("TAG_ST", "PlateState", "ESTADO_PLACA"),
    "VEH_MAKE": ("VMA", "Vehicle Make", "MARCA"),
    "VEH_COLOR": ("VCO", "VehicleColor", "COLOR"),
    "PLATE": ("LIC_PLATE", "PlateNumber", "PLACAS"),
    "PLATE_ST": ("LIS", "Plate State", "ESTADO_PLACA"),
    "VIN": ("VIN_NO", "VehicleIdentificationNumber", "NIV"),
    "VYR": ("VEH_YR", "ModelYear", "ANIO"),
    "YEAR": ("YR", "Vehicle Year", "AÑO"),
    "MAKE": ("VEH_MK", "Make", "MARCA"),
    "MODEL": ("MDL", "Model", "MODELO"),
    "COLOR": ("CLR", "Color", "COLOR"),
    "A_NUMBER": ("ALIEN_NO", "AlienNumber", "A_NUM"),
    "PORT": ("POE", "PortOfEntry", "PORT"),
}

LEAST = 5
"""Characters that a value has at least to be looked for in a draft."""


class Renamed:
    """A reader whose columns have other names and another order."""

    def __init__(self, reader: Reader, names: Mapping[str, str], seed: int) -> None:
        self._reader = reader
        self._names = names
        self._seed = seed

    def columns(self) -> Columns:
        return Columns(frozenset(self._names[c] for c in self._reader.columns().own))

    def rows(self) -> Iterator[Row | BadRow]:
        order = list(self._names)
        random.Random(self._seed).shuffle(order)
        for row in self._reader.rows():
            if isinstance(row, Row):
                row.values = {self._names[c]: row.values[c] for c in order}
            yield row

    def as_of(self) -> datetime | None:
        return None

    def total_hint(self) -> int | None:
        return None


def _files(world: World) -> Iterator[tuple[str, Reader, Mapping[str, frozenset[str]]]]:
    """Give the demo's files, each with where its columns belong."""
    for mapping in sorted(world[0].glob("*/mappings/*.yaml")):
        content = Document(mapping).content
        spec = content["format"]
        if spec["type"] in {"csv", "fixed"}:
            path = (mapping.parent / spec["path"]).resolve()
            reader = registry.open_format(path, {**spec, "path": str(path)})
            yield mapping.stem, reader, _truth(content["records"][0])
        elif spec["type"] == "sql":
            database = Database(mapping.stem, {"path": spec["path"]}, mapping.parent)
            for record in content["records"]:
                yield record["type"], TableReader(database, record["table"]), _truth(record)
            database.close()


def _truth(record: Mapping[str, object]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one in record["fields"]:  # type: ignore[attr-defined]
        for column, path in columns_of(one):
            found.setdefault(column, set()).add(path)
    return {c: frozenset(paths) for c, paths in found.items()}


@pytest.mark.parametrize("style", ["its own", "abbreviated", "written out", "Spanish", "none"])
def test_few_guesses_are_wrong_and_those_are_marked(
    world: World, tmp_path: Path, style: str
) -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    left: list[str] = []
    for number, (name, reader, truth) in enumerate(_files(world)):
        columns = sorted(reader.columns().own)
        names = {
            c: _header(c, style) if style != "none" else f"C{n}" for n, c in enumerate(columns)
        }
        kind = "person" if name == "person" or style == "none" else None
        looked = look_at(Renamed(reader, names, number))
        text = draft(looked, {"type": "csv", "path": "x.csv"}, "x", record_type=kind)
        drafted = drafted_of(text, tmp_path)
        for column in columns:
            if _is_personal(truth.get(column, frozenset())):
                held = looked[names[column]].values
                assert not [v for v in held if len(v) >= LEAST and v in text], column
        for column in columns:
            judged = judged_as(truth.get(column), drafted.get(names[column]))
            counts[judged] += 1
            if judged == "left":
                left.append(f"{name}.{names[column]}")
            if judged == "wrong, sure":
                wrong.append(f"{name}.{column} as {names[column]}: {drafted[names[column]][0]}")
    guessed = sum(n for what, n in counts.items() if not what.startswith("left"))
    print(style, dict(counts), *wrong, " ".join(left), sep="\n  ")  # noqa: T201 - the figures
    least, most, reach = LIMITS[style]
    assert counts["right, sure"] + counts["right, doubtful"] >= least * guessed
    assert counts["wrong, sure"] <= most * guessed, wrong
    assert guessed >= reach * (guessed + counts["left"])


# What is right at least of what is guessed, and wrong without a doubt at most; all that is guessed
# at least of what has a place.
LIMITS = {
    "its own": (0.95, 0.01, 0.65),
    "abbreviated": (0.95, 0.01, 0.65),
    "written out": (0.95, 0.01, 0.65),
    "Spanish": (0.95, 0.01, 0.65),
    "none": (0.75, 0.0, 0.1),
}


def _is_personal(paths: frozenset[str]) -> bool:
    words = ("PersonName", "IdentificationID", "Address", "Telephone")
    return any(word in path for path in paths for word in words) and not any(
        "StateCode" in path for path in paths
    )


def _header(column: str, style: str) -> str:
    styles = ("abbreviated", "written out", "Spanish")
    found = HEADERS.get(column)
    return column if found is None or style not in styles else found[styles.index(style)]
