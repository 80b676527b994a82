"""What a record can be found by: its match terms, read from its message in the standard schema.

The tables below say which NIEM property holds which term; a message is walked once, whatever its
shape, because a person stands in a warrant, an arrest or an incident alike. Pieces with the same
"@id" are one object.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.model import Message
from gateway.records.normalise import PersonName, code, day_of, person_name
from gateway.records.source import NOT_SOUGHT

# -- property -> term ---------------------------------------------------------------------------

PERSON_NAME = "nc:PersonName"
NAME_PARTS = (
    *("nc:PersonGivenName", "nc:PersonMiddleName"),
    *("nc:PersonSurName", "nc:PersonFullName"),
)
PERSON_BIRTH = "nc:PersonBirthDate"
PERSON_SEX = ("j:PersonSexCode", "ncic:PersonSexCode", "nc:PersonSexText")
PERSON_IDENTIFIERS = {
    "nc:PersonSSNIdentification": "ssn",
    "nc:PersonStateIdentification": "state",
    "nc:PersonPassportIdentification": "passport",
    "nc:PassportIdentification": "passport",
    "j:PersonStateFingerprintIdentification": "state",
    "j:PersonFBIIdentification": "fbi",
    "j:PersonNCICIdentification": "ncic",
    "j:DriverLicense": "driver_license",
    "nc:PersonLicenseIdentification": "driver_license",
}
PERSON_OTHER_IDENTIFIER = "nc:PersonOtherIdentification"
IDENTIFIER_CATEGORY = ("j:IdentificationCategoryCode", "nc:IdentificationCategoryText")
IDENTIFIER_NUMBER = "nc:IdentificationID"
IDENTIFIER_NESTED = ("j:DriverLicenseIdentification", "nc:DriverLicenseIdentification")
JURISDICTION = (
    *("nc:IdentificationJurisdiction", "nc:JurisdictionText", "usps:StateCode"),
    *("j:LocationStateUSPostalServiceCode", "nc:JurisdictionStateUSPostalServiceCode"),
    *("j:ConveyanceRegistrationPlateJurisdiction", "j:RegistrationJurisdiction"),
)

VEHICLE = "nc:Vehicle"
VEHICLE_VIN = "nc:VehicleIdentification"
VEHICLE_MAKE = ("ncic:VehicleMakeCode", "nc:ItemMakeName")
VEHICLE_MODEL = ("ncic:VehicleModelCode", "nc:ItemModelName")
VEHICLE_YEAR = "nc:ItemModelYearDate"
VEHICLE_COLOR = ("ncic:ConveyanceColorPrimaryCode", "nc:ItemColorDescriptionText")
VEHICLE_CATEGORY = (
    *("j:VehicleCategoryCode", "j:ItemCategoryNIBRSPropertyCategoryCode"),
    *("nc:ItemCategoryText", "nc:VehicleCategoryText", "ncic:VehicleStyleCode"),
)
REGISTRATION = "j:ConveyanceRegistration"
REGISTRATION_PLATE = "j:ConveyanceRegistrationPlateIdentification"
REGISTRATION_ITEM = "j:RegistrationItem"

CASE = "nc:Case"
CASE_NUMBERS = ("nc:CaseTrackingID", "nc:CaseDocketID", "nc:ActivityIdentification")
TRAVEL_DOCUMENT = "scr:TravelDocument"
DOCUMENT_NUMBER = "nc:DocumentIdentification"
DOCUMENT_KIND = ("scr:TravelDocumentCode", "scr:DocumentCategoryCode", "nc:DocumentCategoryText")
DOCUMENT_ISSUER = ("scr:CountryNameID",)
PASSPORTS = frozenset({"P", "PP", "PASSPORT"})
"""How a document says that it is a passport."""

INCIDENT = "nc:Incident"
ACTIVITY_NUMBER = "nc:ActivityIdentification"
ACTIVITY_DATE = "nc:ActivityDate"
OFFENSE_CODES = frozenset({"j:OffenseUCRCode", "j:IncidentCategoryUCRCode"})

ITEM_SERIAL = "nc:ItemSerialIdentification"
ITEM_TYPES = {"j:Firearm": "firearm", "nc:Vehicle": "vehicle"}
ITEM_MAKE = ("ncic:FirearmMakeCode", "nc:ItemMakeName")
ITEM_TYPE = ("nc:ItemCategoryText", "j:FirearmCategoryText")

_PERSON_MARKS = frozenset(
    {PERSON_NAME, PERSON_BIRTH, *PERSON_SEX, *PERSON_IDENTIFIERS, PERSON_OTHER_IDENTIFIER}
)
_NO_OBJECTS = frozenset(
    {
        *("@context", PERSON_NAME, PERSON_BIRTH, "nc:AddressStreet", "nc:AddressState"),
        *("nc:PersonHeightMeasure", "nc:PersonWeightMeasure"),
    }
)
"""Parts that hold texts alone: nothing is looked for in them."""
_NUMBERS = (IDENTIFIER_NUMBER, *IDENTIFIER_NESTED)
_DEEPEST = 24

# -- terms --------------------------------------------------------------------------------------


class IdentifierTerm(NamedTuple):
    """A number that names a person. `number` is normalised; `jurisdiction` may be empty."""

    type: str
    number: str
    jurisdiction: str = ""


class PersonTerms(NamedTuple):
    """One person of a record. Birth dates are yyyymmdd; `sex` is one letter or empty."""

    names: tuple[PersonName, ...] = ()
    births: tuple[int, ...] = ()
    sex: str = ""
    identifiers: tuple[IdentifierTerm, ...] = ()


class VehicleTerms(NamedTuple):
    """One vehicle of a record. `year` is 0 if unknown; `dates` are those of the record's events."""

    vin: str = ""
    plate: str = ""
    plate_state: str = ""
    makes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    year: int = 0
    color: str = ""
    category: str = ""
    dates: tuple[int, ...] = ()


class IncidentTerms(NamedTuple):
    """One incident of a record, with all offenses that the record names."""

    number: str = ""
    dates: tuple[int, ...] = ()
    offenses: tuple[str, ...] = ()


class ItemTerms(NamedTuple):
    """One thing with a serial number."""

    serial: str
    type: str = ""
    make: str = ""


class RecordTerms(NamedTuple):
    """All that one record can be found by."""

    persons: tuple[PersonTerms, ...] = ()
    vehicles: tuple[VehicleTerms, ...] = ()
    incidents: tuple[IncidentTerms, ...] = ()
    items: tuple[ItemTerms, ...] = ()

    def held(self) -> Iterator[tuple[str, str]]:
        """Name the terms that occur, as (kind of subject, term)."""
        yield "record", "record_id"
        for p in self.persons:
            if p.names:
                yield "person", "name"
            if p.births:
                yield from (("person", "birth_date"), ("person", "age"))
            if p.sex:
                yield "person", "sex"
            yield from (("person", i.type) for i in p.identifiers)
        for v in self.vehicles:
            yield from _held_fields("vehicle", _vehicle_fields(v))
        for i in self.incidents:
            yield from _held_fields("incident", _incident_fields(i))
        for t in self.items:
            yield from _held_fields("item", {"serial": t.serial, "type": t.type, "make": t.make})


def extract(message: Message) -> RecordTerms:
    """Read the match terms of one message. Shapes that are not understood are passed over."""
    found = _Found()
    _walk(message, "", found, 0)
    if found.not_sought:
        found.persons = [p for p in found.persons if _id(p) not in found.not_sought]
    persons = tuple(filter(None, map(_person, _merged(found.persons))))
    if found.documents:
        numbers = filter(None, map(_document, _merged(found.documents)))
        persons += tuple(PersonTerms(identifiers=i) for i in numbers)
    if not found.things:  # most records are of persons alone
        return RecordTerms(persons)
    dates = tuple(sorted(found.dates))
    offenses = tuple(sorted(found.offenses))
    return RecordTerms(
        persons,
        vehicles=tuple(_vehicles(found, dates)),
        incidents=(
            *(
                IncidentTerms(
                    code(_number(i.get(ACTIVITY_NUMBER))), _activity_dates(i) or dates, offenses
                )
                for i in _merged(found.incidents)
            ),
            *(c for case in _merged(found.cases) for c in _cases(case, dates, offenses)),
        ),
        items=tuple(filter(None, (_item(name, i) for name, i in found.items))),
    )


class _Found:
    """The objects of one message that terms may be read from."""

    __slots__ = (
        *("persons", "vehicles", "registrations", "incidents", "cases", "documents", "items"),
        *("dates", "offenses", "not_sought"),
    )

    def __init__(self) -> None:
        self.persons: list[Mapping[str, Any]] = []
        self.vehicles: list[Mapping[str, Any]] = []
        self.registrations: list[Mapping[str, Any]] = []
        self.incidents: list[Mapping[str, Any]] = []
        self.cases: list[Mapping[str, Any]] = []
        self.documents: list[Mapping[str, Any]] = []
        self.items: list[tuple[str, Mapping[str, Any]]] = []
        self.dates: set[int] = set()
        self.offenses: set[str] = set()
        self.not_sought: set[str] = set()

    @property
    def things(self) -> bool:
        """Whether there is anything but persons."""
        named = self.vehicles or self.registrations or self.incidents or self.cases
        return bool(named or self.items)

    def take(self, name: str, value: dict[str, Any]) -> None:
        """Keep an object that terms may be read from; a bare reference is none."""
        if not _PERSON_MARKS.isdisjoint(value):
            self.persons.append(value)
        if name in _TAKEN:
            self._take_named(name, value)
        if ITEM_SERIAL in value:
            self.items.append((name, value))

    def _take_named(self, name: str, value: dict[str, Any]) -> None:
        if name == VEHICLE and len(value) > ("@id" in value):
            self.vehicles.append(value)
        elif name == REGISTRATION:
            self.registrations.append(value)
        elif name == INCIDENT and len(value) > ("@id" in value):
            self.incidents.append(value)
        elif name == CASE and len(value) > ("@id" in value):
            self.cases.append(value)
        elif name == TRAVEL_DOCUMENT and DOCUMENT_NUMBER in value:
            self.documents.append(value)
        elif name == ACTIVITY_DATE:
            self.dates.update(_days(value))


_TAKEN = frozenset({VEHICLE, REGISTRATION, INCIDENT, CASE, TRAVEL_DOCUMENT, ACTIVITY_DATE})


def _walk(value: Any, name: str, found: _Found, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            _walk(one, name, found, depth)
    elif isinstance(value, dict):
        _walk_object(value, name, found, depth)
    elif isinstance(value, str) and name in OFFENSE_CODES:
        found.offenses.add(value)


def _walk_object(value: dict[str, Any], name: str, found: _Found, depth: int) -> None:
    found.take(name, value)
    for key, inner in value.items():
        if isinstance(inner, str):  # most are: no call for each
            if key in OFFENSE_CODES:
                found.offenses.add(inner)
        elif key in NOT_SOUGHT:
            found.not_sought.update(_ids(inner, 0))
        elif key not in _NO_OBJECTS:
            _walk(inner, key, found, depth + 1)


def _ids(value: Any, depth: int) -> Iterator[str]:
    """Give the ids that stand anywhere in a part, its references among them."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _ids(one, depth)
    elif isinstance(value, dict):
        if key := _id(value):
            yield key
        for inner in value.values():
            yield from _ids(inner, depth + 1)


def _merged(pieces: list[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Join pieces that say by "@id" that they are one object; repeats become lists."""
    return _merging(pieces) if len(pieces) > 1 else pieces


def _merging(pieces: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    by_id: dict[str, dict[str, Any]] = {}
    for piece in pieces:
        key = _id(piece)
        if not key:
            yield piece
        elif key in by_id:
            whole = by_id[key]
            for name, value in piece.items():
                if name in whole and name != "@id" and whole[name] != value:
                    whole[name] = [*_each(whole[name]), *_each(value)]
                else:
                    whole[name] = value
        else:
            by_id[key] = dict(piece)
    yield from by_id.values()


def _person(person: Mapping[str, Any]) -> PersonTerms | None:
    names = tuple(dict.fromkeys(filter(None, map(_name, _each(person.get(PERSON_NAME))))))
    births = tuple(dict.fromkeys(_days(person.get(PERSON_BIRTH))))
    sex = _first_text(person, PERSON_SEX)[:1].upper()
    identifiers = tuple(dict.fromkeys(_identifiers(person)))
    if not (names or births or identifiers):
        return None
    return PersonTerms(names, births, "" if sex == "U" else sex, identifiers)


def _name(name: Any) -> PersonName | None:
    if not isinstance(name, dict):
        return None
    return person_name(*(_joined(name.get(part)) for part in NAME_PARTS))


def _identifiers(person: Mapping[str, Any]) -> Iterator[IdentifierTerm]:
    for key, kind in PERSON_IDENTIFIERS.items():
        if key in person:
            for one in _each(person[key]):
                yield from _identifier(one, kind)
    for one in _each(person.get(PERSON_OTHER_IDENTIFIER)):
        if isinstance(one, dict):
            kind = _first_text(one, IDENTIFIER_CATEGORY).lower().replace(" ", "_")
            yield from _identifier(one, kind or "other")


def _identifier(value: Any, kind: str) -> Iterator[IdentifierTerm]:
    number = code(_number(value))
    if number:
        yield IdentifierTerm(kind, number, _jurisdiction(value))


def _document(document: Mapping[str, Any]) -> tuple[IdentifierTerm, ...]:
    """Give a travel document's number: it names its holder, whether the record names them or not.

    A passport is found as one too, however the agency keeps it.
    """
    number = code(_number(document.get(DOCUMENT_NUMBER)))
    if not number:
        return ()
    issuer = code(_first_text(document, DOCUMENT_ISSUER))
    said = {t.upper() for k in DOCUMENT_KIND for t in _texts(document.get(k))}
    kinds = ("travel_document", *(("passport",) if said & PASSPORTS else ()))
    return tuple(IdentifierTerm(kind, number, issuer) for kind in kinds)


def _cases(
    case: Mapping[str, Any], dates: tuple[int, ...], offenses: tuple[str, ...]
) -> Iterator[IncidentTerms]:
    """Give a case by each of its numbers: the agency's, the court's."""
    numbers = dict.fromkeys(filter(None, (code(_number(case.get(k))) for k in CASE_NUMBERS)))
    for number in numbers or [""]:
        yield IncidentTerms(number, _activity_dates(case) or dates, offenses)


def _vehicles(found: _Found, dates: tuple[int, ...]) -> Iterator[VehicleTerms]:
    plates = [_plate(r) for r in found.registrations]
    vehicles = list(_merged(found.vehicles))
    if len(vehicles) == len(plates) == 1 and not plates[0][0]:
        plates = [(_id(vehicles[0]), *plates[0][1:])]  # one of each: they belong together
    known = {_id(v) for v in vehicles}
    for vehicle in vehicles:
        own = [p for p in plates if p[0] == _id(vehicle)] or [("", "", "")]
        for _, plate, state in own:
            yield VehicleTerms(
                vin=code(_number(vehicle.get(VEHICLE_VIN))),
                plate=plate,
                plate_state=state,
                makes=_codes(vehicle, VEHICLE_MAKE),
                models=_codes(vehicle, VEHICLE_MODEL),
                year=_year(vehicle.get(VEHICLE_YEAR)),
                color=code(_first_text(vehicle, VEHICLE_COLOR)),
                category=_first_text(vehicle, VEHICLE_CATEGORY).lower().replace(" ", "_"),
                dates=dates,
            )
    for key, plate, state in plates:
        if plate and key not in known:
            yield VehicleTerms(plate=plate, plate_state=state, dates=dates)


def _plate(registration: Mapping[str, Any]) -> tuple[str, str, str]:
    plate = registration.get(REGISTRATION_PLATE)
    item = next((i for i in _each(registration.get(REGISTRATION_ITEM)) if isinstance(i, dict)), {})
    state = _jurisdiction(plate) or _jurisdiction(registration)
    return _id(item), code(_number(plate)), state


def _item(name: str, item: Mapping[str, Any]) -> ItemTerms | None:
    serial = code(_number(item.get(ITEM_SERIAL)))
    kind = ITEM_TYPES.get(name) or _first_text(item, ITEM_TYPE).lower().replace(" ", "_")
    return ItemTerms(serial, kind, code(_first_text(item, ITEM_MAKE))) if serial else None


# -- small readers ------------------------------------------------------------------------------


def _id(piece: Mapping[str, Any]) -> str:
    return str(piece.get("@id", "")).removeprefix("#")


def _each(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(v) for v in _each(value) if isinstance(v, str | int)]


def _joined(value: Any) -> str:
    """Give a text, or several with a space between them."""
    return value if isinstance(value, str) else " ".join(_texts(value))


def _first_text(owner: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        if key in owner:
            for text in _texts(owner[key]):
                return text
    return ""


def _codes(owner: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c for k in keys for c in map(code, _texts(owner.get(k))) if c))


def _number(value: Any) -> str:
    """Give the number of an identification, wherever in it the number stands."""
    for one in _each(value):
        if isinstance(one, str | int):
            return str(one)
        if isinstance(one, dict):
            for key in _NUMBERS:
                if key in one and (found := _number(one[key])):
                    return found
    return ""


def _jurisdiction(value: Any) -> str:
    for one in _each(value):
        if isinstance(one, str):
            return code(one)
        if isinstance(one, dict):
            for key in JURISDICTION:
                if key in one and (found := _jurisdiction(one[key])):
                    return found
    return ""


def _days(value: Any) -> list[int]:
    """Give the days in a date wrapper: {"nc:Date": …} or {"nc:DateTime": …}."""
    out = []
    for one in _each(value):
        for text in one.values() if isinstance(one, dict) else (one,):
            out += [d for d in map(day_of, _texts(text)) if d]
    return out


def _activity_dates(activity: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(_days(activity.get(ACTIVITY_DATE)))


def _year(value: Any) -> int:
    texts = [
        t for v in _each(value) for t in _texts(v if not isinstance(v, dict) else [*v.values()])
    ]
    return next((int(t[:4]) for t in texts if t[:4].isdecimal()), 0)


def _vehicle_fields(v: VehicleTerms) -> dict[str, object]:
    plain = {k: getattr(v, k) for k in ("plate", "plate_state", "vin", "year", "color", "category")}
    dates = {"date_from": v.dates, "date_to": v.dates}
    return {**plain, "make": v.makes, "model": v.models, **dates}


def _incident_fields(i: IncidentTerms) -> dict[str, object]:
    return {"number": i.number, "date_from": i.dates, "date_to": i.dates, "offense": i.offenses}


def _held_fields(kind: str, fields: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return ((kind, name) for name, value in fields.items() if value)
