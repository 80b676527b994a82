"""A row of a live source that can't be translated: no search gives it, and the agency is told."""

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import orjson
import pytest

from demo.__main__ import question
from demo.world import Gateway, World, an_officer
from gateway.cli import admin_client
from tests.scenarios.two import POLICE

SOURCE = "records"
Spoilt = tuple[Gateway, str, dict[str, Any]]
"""The police, a warrant's key, and the person it names."""
METRIC = f'sallyport_source_incomplete{{source="{SOURCE}"}}'


@pytest.fixture
def spoilt(two: World) -> Iterator[Spoilt]:
    """The police, one of whose warrants has a day that there is not."""
    gateway = two[POLICE]
    file = gateway.home / "sources" / "legacy.db"
    before = file.read_bytes()
    with closing(sqlite3.connect(file)) as db:
        found = (
            "SELECT WARR_ID, NM_LAST, NM_FIRST, DOB_DT FROM WARR JOIN NAME_MST USING (NAME_ID)"
            " WHERE NM_LAST > '' AND DOB_DT > 0 LIMIT 1"
        )
        key, surname, given, born = map(str, db.execute(found).fetchone())
        db.execute("UPDATE WARR SET ISS_DT = 20269999 WHERE WARR_ID = ?", (key,))
        db.commit()
    person = {
        "names": [{"given": given.strip(), "surname": surname.strip()}],
        "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}",
    }
    yield gateway, key.strip(), {"person": person}
    file.write_bytes(before)
    gateway.command("source", "set-aside", SOURCE, "--json")


def told(gateway: Gateway) -> dict[str, Any]:
    found = admin_client.call(gateway.home, "GET", "/v1/admin/sources")
    return dict(found["sources"][SOURCE])


def listed(gateway: Gateway) -> dict[str, Any]:
    rows = orjson.loads(gateway.command("source", "list", "--json").stdout)
    return dict(next(r for r in rows if r["source"] == SOURCE))


def shown(gateway: Gateway) -> tuple[str, str]:
    """Give what anybody may see: the source in /readyz, and its metric."""
    state = httpx.get(f"{gateway.inside}/readyz").json()["components"]["records"]["sources"][SOURCE]
    lines = httpx.get(f"{gateway.inside}/metrics").text.splitlines()
    return orjson.dumps(state).decode(), next((x for x in lines if x.startswith(METRIC)), "")


def test_a_row_that_no_search_gives_is_counted_and_listed(two: World, spoilt: Spoilt) -> None:
    gateway, key, person = spoilt
    before, open_before = told(gateway), shown(gateway)
    body = question(person, "person", "warrant", agencies=[POLICE])
    with two[POLICE].client(an_officer(), "search") as client:
        [part] = client.post("/v1/searches", json=body).json()["agencies"]
    assert part["status"] == "answered"
    assert key not in [m["record_id"] for m in part["matches"]]
    met = told(gateway)["passed_over"]
    assert met > before["passed_over"]
    assert listed(gateway)["passed_over"] == met
    assert "searches passed over a row" in gateway.command("source", "list").stdout
    assert shown(gateway) == open_before  # who asks for it could tell a hidden row by it
    log = gateway.log.read_text()
    assert "records.passed_over" in log
    assert key not in log

    found = orjson.loads(gateway.command("source", "set-aside", SOURCE, "--json").stdout)
    [row] = [f for f in found if f["key"] == f"WARR {key}"]
    assert (row["column"], row["value"]) == ("ISS_DT", "20269999")
    after = told(gateway)
    assert after["set_aside"] == len(found) < after["rows"]
    assert after["checked"] != before.get("checked")
    assert listed(gateway)["set_aside"] == len(found)
    state, metric = shown(gateway)
    assert metric == f"{METRIC} 1.0"
    assert orjson.loads(state)["complete"] is False
    assert "set_aside" not in state
    assert "passed_over" not in state

    file = gateway.home / "aside.csv"
    gateway.command("source", "set-aside", SOURCE, "--export", str(file))
    with file.open(newline="") as written:
        lines = list(csv.DictReader(written))
    file.unlink()
    assert len(lines) == len(found)
    assert [x["WARR_ID"] for x in lines if x["#value"] == "20269999"] == [key]
    refused = gateway.command("source", "set-aside", SOURCE, "--retry", str(file), check=False)
    assert refused.returncode == 1
    assert "in its own database" in refused.stderr


def test_rows_of_one_id_that_disagree_are_in_the_list(spoilt: Spoilt) -> None:
    gateway, key, _ = spoilt
    with closing(sqlite3.connect(gateway.home / "sources" / "legacy.db")) as db:
        columns = [r[1] for r in db.execute("PRAGMA table_info(WARR)")]
        other = str(
            db.execute("SELECT WARR_ID FROM WARR WHERE ISS_DT < 20269999 LIMIT 1").fetchone()[0]
        )
        values = {c: c for c in columns} | {"WARR_ID": "WARR_ID || ' '", "SEAL_CD": "1 - SEAL_CD"}
        db.execute(
            f"INSERT INTO WARR SELECT {', '.join(values.values())} FROM WARR WHERE WARR_ID = ?",  # noqa: S608 - names of columns
            (other,),
        )
        db.commit()
    found = orjson.loads(gateway.command("source", "set-aside", SOURCE, "--json").stdout)
    differing = [f for f in found if f["code"] == "record.twins_differ"]
    assert [f["value"] for f in differing] == [other.strip()] * 2
    assert key in {str(f["key"]).removeprefix("WARR ") for f in found}
