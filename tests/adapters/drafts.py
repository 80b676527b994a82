"""Where a draft puts each column, held against where it belongs."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.document import Document

# Paths that say the same: the demo is surer than a draft can be.
ALIKE = {
    "ncic:VehicleMakeCode": "nc:ItemMakeName",
    "ncic:ConveyanceColorPrimaryCode": "nc:ItemColorDescriptionText",
    "j:CourtOrderIssuingCourt/j:CourtName": "j:CourtOrderIssuingCourt/nc:OrganizationName",
    "j:ChargeUCRCode": "j:OffenseUCRCode",
    "nc:EntityPerson/nc:PersonName": "victim",
    "nc:PersonPhysicalFeature": "nc:PersonPhysicalFeature/nc:PhysicalFeatureDescriptionText",
    "nc:ActivityReportedDate": "nc:ActivityDate",
}


def columns_of(field: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    path = str(field["to"]).partition("/")[2]
    path = ALIKE.get(path, path)
    if "link" in field or "value" in field:
        return
    name = field.get("name")
    columns = [*name.values()] if isinstance(name, Mapping) else field.get("column", [])
    for column in [columns] if isinstance(columns, str) else columns:  # type: ignore[attr-defined]
        yield str(column), path


def drafted_of(text: str, folder: Path) -> dict[str, tuple[str, bool]]:
    """Give where each column goes, and whether a doubt is marked."""
    path = folder / "d.yaml"
    path.write_text(text, encoding="utf-8")
    document = Document(path)
    lines = text.splitlines()
    found: dict[str, tuple[str, bool]] = {}
    for number, field in enumerate(document.content["records"][0]["fields"]):
        doubtful = "# CHECK" in lines[document.line("records", 0, "fields", number) - 1]
        for column, to in columns_of(field):
            found[column] = (to, doubtful)
    return found


def judged_as(truth: frozenset[str] | None, drafted: tuple[str, bool] | None) -> str:
    if drafted is None:
        return "left" if truth else "left, rightly"
    path, doubtful = drafted
    mark = "doubtful" if doubtful else "sure"
    return f"{'right' if truth and path in truth else 'wrong'}, {mark}"
