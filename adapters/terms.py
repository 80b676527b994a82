"""Which terms of a question a source can be found by: read off the paths that its mapping fills."""

from collections.abc import Iterable, Mapping
from typing import Final

from adapters.compile import ObjectPlan, Target

_PERSON: Final = {
    "nc:PersonName": ("name",),
    "nc:PersonBirthDate": ("birth_date", "age"),
    "j:PersonSexCode": ("sex",),
    "ncic:PersonSexCode": ("sex",),
    "nc:PersonSSNIdentification": ("ssn",),
    "nc:PersonStateIdentification": ("state",),
    "j:PersonStateFingerprintIdentification": ("state",),
    "nc:PersonPassportIdentification": ("passport",),
    "j:PersonFBIIdentification": ("fbi",),
    "j:PersonNCICIdentification": ("ncic",),
    "j:DriverLicense": ("driver_license",),
    "nc:PersonLicenseIdentification": ("driver_license",),
}
_OTHER: Final = "nc:PersonOtherIdentification"
_CATEGORY: Final = "j:IdentificationCategoryCode"
_VEHICLE: Final = {
    "nc:VehicleIdentification": "vin",
    "ncic:VehicleMakeCode": "make",
    "nc:ItemMakeName": "make",
    "ncic:VehicleModelCode": "model",
    "nc:ItemModelName": "model",
    "nc:ItemModelYearDate": "year",
    "ncic:ConveyanceColorPrimaryCode": "color",
    "nc:ItemColorDescriptionText": "color",
    "j:VehicleCategoryCode": "category",
    "j:ItemCategoryNIBRSPropertyCategoryCode": "category",
    "nc:ItemCategoryText": "category",
    "ncic:VehicleStyleCode": "category",
}
_PLATE: Final = "j:ConveyanceRegistrationPlateIdentification"
_DOCUMENT: Final = ["scr:TravelDocument", "nc:DocumentIdentification"]
_DOCUMENT_KIND: Final = frozenset(
    {"scr:TravelDocumentCode", "scr:DocumentCategoryCode", "nc:DocumentCategoryText"}
)
_CASE_NUMBERS: Final = frozenset({"nc:CaseTrackingID", "nc:CaseDocketID"})
_OFFENSES: Final = frozenset({"j:OffenseUCRCode", "j:IncidentCategoryUCRCode"})
_INCIDENT_NUMBER: Final = ["nc:Incident", "nc:ActivityIdentification", "nc:IdentificationID"]
_MAKES: Final = frozenset({"nc:ItemMakeName", "ncic:FirearmMakeCode"})
_TYPES: Final = frozenset({"nc:ItemCategoryText", "j:FirearmCategoryText"})
_DAYS: Final = ("date_from", "date_to")
_DATED: Final = {
    "incident": frozenset({"nc:Incident", "nc:Case"}),
    "vehicle": frozenset({"nc:Vehicle", "j:ConveyanceRegistration"}),
}

Terms = dict[str, frozenset[str]]


def terms_of(records: Iterable[tuple[Iterable[Target], Mapping[str, ObjectPlan]]]) -> Terms:
    """Give the terms by kind of subject, for all record types of a source together."""
    found: dict[str, set[str]] = {"record": {"record_id"}}
    for targets, objects in records:
        for kind, term in _of_record(list(targets), objects):
            found.setdefault(kind, set()).add(term)
    if found.get("person") == {"sex"}:
        del found["person"]  # somebody without a name, a birth date or a number is nobody's match
    return {kind: frozenset(terms) for kind, terms in found.items()}


def _of_record(
    targets: list[Target], objects: Mapping[str, ObjectPlan]
) -> Iterable[tuple[str, str]]:
    steps = [t.path.split("/") for t in targets]
    dated = any("nc:ActivityDate" in s for s in steps)
    named = {s[0] for s in steps}
    for path in steps:
        for key in path:
            yield from (("person", term) for term in _PERSON.get(key, ()))
        yield from _of_vehicle(path)
        if path[:2] == _DOCUMENT:
            yield from _of_document(steps)
        if _is_number(path):
            yield "incident", "number"
        if named & _DATED["incident"] and path[-1] in _OFFENSES:
            yield "incident", "offense"
        if "nc:ItemSerialIdentification" in path:
            yield "item", "serial"
            yield from _beside_serial(path[0], steps)
    yield from _other_identifiers(objects)
    for kind, names in _DATED.items():
        if dated and names & named:
            yield from ((kind, day) for day in _DAYS)


def _is_number(path: list[str]) -> bool:
    """Whether a path is the number of an incident or a case."""
    if path[:3] == _INCIDENT_NUMBER:
        return True
    return path[0] == "nc:Case" and (path[-1] in _CASE_NUMBERS or path[1:] == _INCIDENT_NUMBER[1:])


def _of_document(steps: list[list[str]]) -> Iterable[tuple[str, str]]:
    yield "person", "travel_document"
    if any(s[0] == _DOCUMENT[0] and s[-1] in _DOCUMENT_KIND for s in steps):
        yield "person", "passport"


def _of_vehicle(path: list[str]) -> Iterable[tuple[str, str]]:
    if path[0] == "nc:Vehicle" and path[1] in _VEHICLE:
        yield "vehicle", _VEHICLE[path[1]]
    if _PLATE in path:
        yield "vehicle", "plate"
        if "nc:IdentificationJurisdiction" in path:
            yield "vehicle", "plate_state"


def _beside_serial(owner: str, steps: list[list[str]]) -> Iterable[tuple[str, str]]:
    for path in steps:
        if path[0] == owner and path[-1] in _MAKES:
            yield "item", "make"
        if (path[0] == owner and path[-1] in _TYPES) or owner == "j:Firearm":
            yield "item", "type"


def _other_identifiers(objects: Mapping[str, ObjectPlan]) -> Iterable[tuple[str, str]]:
    """Find numbers whose kind a constant beside them says."""
    for plan in objects.values():
        for constant in plan.constants:
            step = constant.steps[-2] if len(constant.steps) > 1 else ""
            if step.startswith(_OTHER) and constant.steps[-1] == _CATEGORY:
                yield "person", str(constant.value).lower()
