"""What mappings and policies may ask of the release, and how they are told that they err."""

import subprocess
import sys
from typing import Any

import pytest

from gateway import niem
from gateway.errors import Misconfigured


def test_a_path_says_what_stands_there() -> None:
    given = niem.resolve("nc:Person/nc:PersonName/nc:PersonGivenName")
    assert (given.kind, given.repeats, given.codes) == ("text", True, None)
    sex = niem.resolve("nc:Person/j:PersonSexCode")
    assert (sex.kind, sex.codes) == ("code", frozenset("FMUX"))
    assert niem.resolve("nc:Person").kind == niem.OBJECT
    born = "nc:Person/nc:PersonBirthDate"
    assert not niem.resolve(f"{born}/nc:DateMarginOfErrorDuration").repeats
    comment = niem.resolve("nc:Person/nc:PersonName/nc:personNameCommentText")
    assert (comment.attribute, comment.repeats) == (True, False)
    corner = niem.resolve("nc:Location2DGeospatialCoordinate")
    assert "nc:GeographicCoordinateLongitude" in corner.required


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("nc:Person/nc:PersonBirthDate/nc:Date", "date"),
        ("nc:Incident/nc:ActivityDate/nc:DateTime", "dateTime"),
        ("nc:Vehicle/nc:ItemModelYearDate", "gYear"),
        ("nc:Vehicle/j:VehicleWantedIndicator", "boolean"),
        ("nc:Person/nc:PersonHeightMeasure/nc:MeasureIntegerValue", "integer"),
        ("nc:Drug/nc:SubstanceQuantityMeasure/nc:MeasureDecimalValue", "decimal"),
        ("nc:Image/nc:BinaryURI", "uri"),
        ("nc:Vehicle/ncic:VehicleMakeCode", "token"),
        ("nc:Person/j:PersonFBIIdentification/nc:IdentificationID", "text"),
        ("nc:PersonResidenceAddress/nc:AddressState/usps:StateCode", "code"),
        ("cui:PortionMarkingMetadata/cui:PortionMarkingLDC", "object"),
    ],
)
def test_kinds(path: str, kind: str) -> None:
    assert niem.kind_of(path) == kind


def test_code_lists_are_the_releases() -> None:
    assert "FELONY_ARREST" in (niem.code_list("j:Warrant/j:WarrantCategoryCode") or ())
    assert "AGGRAVATED_ASSAULT" in (niem.code_list("j:OffenseUCRCode") or ())
    assert "INH" in (niem.code_list("unece:LengthUnitCode") or ())
    assert niem.code_list("ncic:VehicleMakeCode") is None
    assert niem.code_list("nc:PersonGivenName") is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nc:Persn", "nc:Persn is not a NIEM 6.0 property; did you mean nc:Person"),
        ("nc:Person/nc:PersonNam", "did you mean nc:PersonName"),
        ("nc:Person/nc:PersonNam/nc:Date", "nc:Person: nc:PersonNam is not"),
        ("j:Arrest/nc:PersonName", "j:Arrest: nc:PersonName is not allowed here"),
        ("nc:Person/nc:PersonName/nc:Date", "nc:Person/nc:PersonName: nc:Date is not allowed here"),
        ("nc:Person/nc:PersonBirthDate/nc:DateRepresentation", "is abstract; use one of nc:Date"),
        ("nc:DateRepresentation", "is abstract"),
        # What is abstract is no advice, and where nothing is alike the few that there are stand.
        ("j:ProtectionOrder/j:ProtectionOrderConditionAbs", "mean j:ProtectionOrderConditionText"),
        ("nc:Person/nc:PersonNationality/genc:Alpha3", "; there are nc:PersonNationalityCountry"),
        ("nc:Person/nc:PersonName/nc:personNameCommentText/nc:Date", "is an attribute"),
        ("", "is not a NIEM 6.0 property"),
    ],
)
def test_a_wrong_path_names_the_step_and_the_nearest(path: str, told: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        niem.resolve(path)
    assert told in caught.value.detail


def test_what_may_stand_in_what() -> None:
    assert niem.allows("", "nc:Person")
    assert not niem.allows("", "nc:DateRepresentation")
    assert not niem.allows("", "nc:personNameCommentText")
    assert niem.allows("nc:Person", "j:PersonSexCode")
    assert niem.allows("nc:Person/nc:PersonName", "nc:personNameCommentText")
    assert not niem.allows("nc:Person", "j:PersonAugmentation")
    assert not niem.allows("nc:Person", "nc:ItemMakeName")
    with pytest.raises(Misconfigured):
        niem.allows("nc:Nobody", "nc:PersonName")


def test_the_context_is_for_the_prefixes_used() -> None:
    used: dict[str, Any] = {"nc:Person": [{"j:PersonSexCode": "F", "sp:x": {"y:z": 1}}]}
    with pytest.raises(Misconfigured, match=r"^y: "):
        niem.context_for(used)
    used["nc:Person"][0]["sp:x"] = 1
    base = "https://docs.oasis-open.org/niemopen/ns/model/"
    assert niem.context_for({"@context": {}, **used}) == {
        "j": base + "domains/justice/6.0/",
        "nc": base + "niem-core/6.0/",
        "sp": "urn:sallyport:ns:1",
    }


def test_the_room_loads_without_xml_or_anything_beside_it() -> None:
    program = (
        "import sys; from gateway import niem; niem.release();"
        "print([m for m in ('lxml', 'xml.etree', 'sqlalchemy', 'fastapi') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
