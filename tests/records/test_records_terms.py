from gateway.records.normalise import person_name
from gateway.records.terms import IdentifierTerm, ItemTerms, extract

PERSON = {
    "@id": "#P1",
    "nc:PersonName": [
        {"nc:PersonGivenName": "MARISOL", "nc:PersonSurName": "QUEZADA"},
        {"nc:PersonFullName": "LA MARI", "j:PersonNameCategoryCode": "MONIKER"},
    ],
    "nc:PersonBirthDate": {"nc:Date": "1987-03-12"},
    "j:PersonSexCode": "F",
    "j:DriverLicense": {
        "nc:IdentificationID": "999-00417",
        "nc:IdentificationJurisdiction": {"nc:JurisdictionText": "TX"},
    },
    "nc:PersonOtherIdentification": {
        "nc:IdentificationID": "A 000 000 001",
        "j:IdentificationCategoryCode": "ALIEN_REGISTRATION",
    },
}


def test_a_person_with_aliases_and_numbers() -> None:
    found = extract({"@context": {"nc": "x"}, "nc:Person": PERSON})
    (person,) = found.persons
    assert person.names == (
        person_name("MARISOL", "", "QUEZADA", ""),
        person_name("", "", "", "LA MARI"),
    )
    assert person.births == (19_870_312,)
    assert person.sex == "F"
    assert person.identifiers == (
        IdentifierTerm("driver_license", "99900417", "TX"),
        IdentifierTerm("alien_registration", "A000000001"),
    )
    assert dict(found.held()).keys() == {"record", "person"}


def test_pieces_with_one_id_are_one_person_and_references_none() -> None:
    more = {"@id": "#P1", "nc:PersonBirthDate": {"nc:Date": "1987-12-03"}}
    subject = {"nc:EntityPerson": {"@id": "#P1"}}
    found = extract({"nc:Person": [PERSON, more], "j:Arrest": {"j:ArrestSubject": subject}})
    (person,) = found.persons
    assert person.births == (19_870_312, 19_871_203)
    assert len(person.names) == 2


def test_a_person_inside_an_arrest_is_found() -> None:
    inner = {"nc:EntityPerson": {"nc:PersonName": {"nc:PersonSurName": "TESTER"}}}
    found = extract({"j:Arrest": {"j:ArrestSubject": inner}})
    assert found.persons[0].names[0].surname == "tester"


def test_a_vehicle_with_its_plate_by_reference() -> None:
    found = extract(
        {
            "nc:Vehicle": {
                "@id": "#V1",
                "nc:VehicleIdentification": {"nc:IdentificationID": "1ZZ-TEST"},
                "ncic:VehicleMakeCode": "TOYT",
                "nc:ItemMakeName": "Toyota",
                "nc:ItemModelYearDate": "2014",
            },
            "j:ConveyanceRegistration": {
                "j:ConveyanceRegistrationPlateIdentification": {
                    "nc:IdentificationID": "zz 0042",
                    "nc:IdentificationJurisdiction": {"nc:JurisdictionText": "TX"},
                },
                "j:RegistrationItem": {"@id": "#V1"},
            },
        }
    )
    (vehicle,) = found.vehicles
    assert (vehicle.vin, vehicle.plate, vehicle.plate_state) == ("1ZZTEST", "ZZ0042", "TX")
    assert vehicle.makes == ("TOYT", "TOYOTA")
    assert vehicle.year == 2014


def test_a_plate_without_its_vehicle_is_a_vehicle() -> None:
    plate = {"j:ConveyanceRegistrationPlateIdentification": {"nc:IdentificationID": "ZZ1"}}
    assert extract({"j:ConveyanceRegistration": plate}).vehicles[0].plate == "ZZ1"


def test_an_incident_with_offenses_and_a_firearm() -> None:
    found = extract(
        {
            "nc:Incident": {
                "nc:ActivityIdentification": {"nc:IdentificationID": "26-000417"},
                "nc:ActivityDate": {"nc:DateTime": "2026-03-01T22:10:00Z"},
            },
            "j:Offense": [{"j:OffenseUCRCode": "ROBBERY"}, {"j:OffenseUCRCode": "ARSON"}],
            "j:Firearm": {"nc:ItemSerialIdentification": {"nc:IdentificationID": "ab-12"}},
        }
    )
    (incident,) = found.incidents
    assert (incident.number, incident.dates) == ("26000417", (20_260_301,))
    assert incident.offenses == ("ARSON", "ROBBERY")
    assert found.items == (ItemTerms("AB12", "firearm", ""),)


def test_odd_shapes_are_passed_over() -> None:
    odd = {
        "nc:Person": [
            None,
            3,
            {"nc:PersonName": [None, "x"], "nc:PersonBirthDate": {"nc:Date": 5}},
        ],
        "nc:Vehicle": {"nc:ItemModelYearDate": "unknown"},
        "j:ConveyanceRegistration": [],
    }
    found = extract(odd)
    assert found.persons == ()
    deep: dict[str, object] = {}
    for _ in range(2_000):
        deep = {"nc:Person": deep}
    assert extract(deep).persons == ()


def test_nobody_is_found_as_a_victim_or_witness() -> None:
    named = {"nc:PersonName": {"nc:PersonGivenName": "ODA", "nc:PersonSurName": "FENWRAITH"}}
    nested = {"nc:Incident": {"j:Victim": {"nc:EntityPerson": named}}, "j:Witness": [named]}
    assert extract(nested).persons == ()
    referred = {
        "nc:Person": [{"@id": "#v", **named}, {"@id": "#s", **named}],
        "nc:Incident": {
            "j:Victim": {"nc:EntityPerson": {"@id": "#v"}},
            "j:Subject": {"nc:EntityPerson": {"@id": "#s"}},
        },
    }
    assert len(extract(referred).persons) == 1


def test_nobody_is_found_as_the_one_whom_an_order_protects() -> None:
    """The standard calls "restricted" whom the subject must not contact: not the respondent."""
    named = {"nc:PersonName": {"nc:PersonGivenName": "ODA", "nc:PersonSurName": "FENWRAITH"}}
    bound = {"nc:PersonName": {"nc:PersonGivenName": "IVO", "nc:PersonSurName": "MARROWBY"}}
    message = {
        "nc:Person": [{"@id": "#p", **named}, {"@id": "#r", **bound}],
        "j:ProtectionOrder": {"@id": "#o", "j:ProtectionOrderRestrictedPerson": {"@id": "#p"}},
        "j:ProtectionOrderRespondentPersonAssociation": {
            "nc:Activity": {"@id": "#o"},
            "nc:Person": {"@id": "#r"},
        },
        "j:ProtectionOrderProtectedPersonAssociation": {"nc:Person": named},
        "j:ProtectionOrderPetitionerPersonAssociation": {"nc:Person": named},
    }
    (found,) = extract(message).persons
    assert [name.surname for name in found.names] == ["marrowby"]


def test_nobody_is_found_as_a_cases_witness_juror_or_complainant() -> None:
    """Policy holds them for victims, so a match by their name must not tell of them either."""
    named = {"nc:PersonName": {"nc:PersonGivenName": "ODA", "nc:PersonSurName": "FENWRAITH"}}
    case = {
        "j:CaseWitness": named,
        "j:CaseJuror": [named],
        "j:CaseInitiatingParty": {"nc:EntityPerson": named},
        "j:CaseDefendantParty": {
            "nc:EntityPerson": {"nc:PersonName": {"nc:PersonSurName": "MARROWBY"}}
        },
    }
    message = {"nc:Case": case, "j:ProtectionOrder": {"j:CourtOrderRequestEntity": case}}
    assert [p.names[0].surname for p in extract(message).persons] == ["marrowby"]
