from datetime import date

import pytest

from bench.people import FACTS
from gateway.model import (
    Band,
    IncidentQuery,
    ItemQuery,
    Message,
    Record,
    RecordQuery,
    VehicleQuery,
)
from gateway.records.index import ask, index_of
from gateway.records.match import Match, Threshold

TODAY = date(2026, 11, 23)
VIN = "1ZZTE57X6K0000417"


def vehicle(number: int, plate: str, state: str, vin: str = "", day: str = "") -> Record:
    plate_id = {
        "nc:IdentificationID": plate,
        "nc:IdentificationJurisdiction": {"nc:JurisdictionText": state},
    }
    message: Message = {
        "nc:Vehicle": {
            "@id": "#V1",
            "ncic:VehicleMakeCode": "TOYT",
            "ncic:ConveyanceColorPrimaryCode": "BLK",
            "nc:ItemModelYearDate": "2014",
            "j:ItemCategoryNIBRSPropertyCategoryCode": "automobile",
        },
        "j:ConveyanceRegistration": {
            "j:ConveyanceRegistrationPlateIdentification": plate_id,
            "j:RegistrationItem": {"@id": "#V1"},
        },
    }
    if vin:
        message["nc:Vehicle"]["nc:VehicleIdentification"] = {"nc:IdentificationID": vin}
    if day:
        message["nc:Incident"] = {"nc:ActivityDate": {"nc:Date": day}}
    return Record(f"V-{number}", "vehicle", message, FACTS)


def incident(number: str, day: str, *offenses: str) -> Record:
    message: Message = {
        "nc:Incident": {
            "nc:ActivityIdentification": {"nc:IdentificationID": number},
            "nc:ActivityDate": {"nc:Date": day},
        },
        "j:Offense": [{"j:OffenseUCRCode": o} for o in offenses],
    }
    return Record(number, "incident", message, FACTS)


RECORDS = [
    vehicle(0, "ZZB-0417", "TX", VIN, "2026-03-01"),
    vehicle(1, "ZZB0417", "NM"),
    vehicle(2, "ZZB0418", "TX", "1ZZTE57X6K0000999", "2026-03-05"),
    incident("26-000417", "2026-03-01", "ROBBERY"),
    incident("26-000418", "2026-03-04", "ROBBERY", "ARSON"),
    incident("26-999999", "2026-06-01", "ARSON"),
    Record(
        "G-1",
        "incident",
        {
            "j:Firearm": {
                "nc:ItemSerialIdentification": {"nc:IdentificationID": "ZX-40417"},
                "ncic:FirearmMakeCode": "TST",
            }
        },
        FACTS,
    ),
]
INDEX = index_of(RECORDS)
ALL = frozenset({"vehicle", "incident"})


def search(query: VehicleQuery | IncidentQuery | ItemQuery, limit: int = 10) -> list[Match]:
    return INDEX.search(ask(query, TODAY), ALL, Threshold(limit))


def ids(found: list[Match]) -> list[str]:
    return [RECORDS[m.number].record_id for m in found]


def test_a_plate_with_its_state() -> None:
    found = search(VehicleQuery(plate="zzb 0417", plate_state="TX"))
    assert ids(found) == ["V-0", "V-2", "V-1"] or ids(found) == ["V-0", "V-1", "V-2"]
    assert found[0].band is Band.EXACT
    assert found[0].compared == {"plate": "same", "plate_state": "same"}
    words = {RECORDS[m.number].record_id: m.compared for m in found}
    assert words["V-1"]["plate_state"] == "different"
    assert words["V-2"]["plate"] == "one_digit_off"
    assert {m.band for m in found[1:]} == {Band.POSSIBLE}


def test_confused_characters_of_a_plate() -> None:
    found = search(VehicleQuery(plate="ZZ8O4I7", plate_state="TX"))
    assert ids(found)[0] == "V-0"
    assert found[0].compared["plate"] == "similar"
    assert found[0].band is Band.PROBABLE


def test_vin_exact_and_close() -> None:
    assert search(VehicleQuery(vin=VIN))[0].band is Band.EXACT
    close = search(VehicleQuery(vin=VIN[:8] + "Z" + VIN[9:]))
    assert ids(close) == ["V-0"]
    assert close[0].compared["vin"] == "one_digit_off"
    assert search(VehicleQuery(vin="9" * 17)) == []


@pytest.mark.parametrize("make", ["TOYT", "Toyota"])
def test_a_description_finds_possible_matches_only(make: str) -> None:
    query = VehicleQuery(
        make=make,
        color="black",
        year=2014,
        category="automobile",
        date_from=date(2026, 2, 27),
        date_to=date(2026, 3, 2),
    )
    found = search(query)
    assert ids(found) == ["V-0"]
    assert found[0].band is Band.POSSIBLE
    assert set(found[0].compared.values()) == {"same"}
    assert search(VehicleQuery(category="truck", date_from=date(2026, 3, 1))) == []
    assert search(VehicleQuery(color="red", date_from=date(2026, 3, 1))) == []


def test_an_incident_by_number() -> None:
    found = search(IncidentQuery(number="26000417"))
    assert ids(found)[0] == "26-000417"
    assert found[0].band is Band.EXACT
    assert all(m.compared["number"] == "one_digit_off" for m in found[1:])
    assert search(IncidentQuery(number="11-111111")) == []


def test_incidents_by_days_and_offense() -> None:
    days = IncidentQuery(date_from=date(2026, 3, 1), date_to=date(2026, 3, 31))
    assert ids(search(days)) == ["V-2", "26-000418", "V-0", "26-000417"]
    robbery = IncidentQuery(date_from=date(2026, 3, 1), offense="ARSON", date_to=date(2026, 3, 31))
    found = search(robbery)
    assert ids(found) == ["26-000418"]
    assert found[0].compared == {"date": "same", "offense": "same"}
    assert search(IncidentQuery(date_from=date(2026, 3, 1), offense="FRAUD")) == []


def test_an_item_by_serial() -> None:
    found = search(ItemQuery(serial="zx40417", type="firearm", make="TST"))
    assert found[0].band is Band.EXACT
    assert set(found[0].compared.values()) == {"same"}
    assert search(ItemQuery(serial="ZX40418"))[0].compared["serial"] == "one_digit_off"
    assert search(ItemQuery(serial="QQQQQQ")) == []


def test_limits_and_types() -> None:
    assert len(search(IncidentQuery(date_from=date(2026, 3, 1), date_to=date(2026, 3, 9)), 2)) == 2
    asked = ask(VehicleQuery(plate="ZZB0417"), TODAY)
    assert INDEX.search(asked, frozenset({"incident"}), Threshold(5)) == []


def test_a_record_id_is_not_matched() -> None:
    with pytest.raises(TypeError):
        ask(RecordQuery("V-1"), TODAY)
