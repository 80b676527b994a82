"""A running gateway keeps a source up to date by itself, and says so where it can't."""

import csv
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from demo.__main__ import question
from demo.world import Gateway, World, an_officer
from gateway.model import parse_stamp, stamp
from tests.scenarios.two import MARISOL, POLICE, SHERIFF, until

SOURCE = "warrants"
WARRANT = "W-26-00417"
NEW = {"names": [{"given": "Odalys", "surname": "Quillfeather"}], "birth_date": "1979-05-06"}


class Polled:
    """The sheriff's warrants, polled each second, and the police who ask for them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.gateway: Gateway = world[SHERIFF]
        self.mapping = self.gateway.home / "mappings" / f"{SOURCE}.yaml"
        self.file = self.gateway.home / "sources" / f"{SOURCE}.csv"

    def readiness(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.gateway.inside}/readyz").json()["components"]
        return dict(found["records"])

    def state(self) -> dict[str, Any]:
        return dict(self.readiness()["sources"][SOURCE])

    def listed(self) -> dict[str, Any]:
        rows = orjson.loads(self.gateway.command("source", "list", "--json").stdout)
        return dict(next(r for r in rows if r["source"] == SOURCE))

    def metric(self, name: str) -> float:
        """Give one of the source's metrics; 0 if it is not there yet."""
        for line in httpx.get(f"{self.gateway.inside}/metrics").text.splitlines():
            if line.startswith(name):
                return float(line.split()[-1])
        return 0.0

    def failing(self) -> float:
        return self.metric(f'sallyport_source_failing{{source="{SOURCE}"}}')

    def ask(self, subject: dict[str, Any], *types: str) -> dict[str, Any]:
        body = question(subject, *types, agencies=[SHERIFF])
        with self._world[POLICE].client(an_officer(), "search") as client:
            response = client.post("/v1/searches", json=body)
        assert response.status_code == 200, response.text
        [part] = response.json()["agencies"]
        return dict(part)

    def warrant(self, subject: dict[str, Any] = MARISOL, number: str = WARRANT) -> dict[str, Any]:
        """Ask for it once; give the match."""
        matches = self.ask(subject, "warrant")["matches"]
        return dict(next(m for m in matches if m["record_id"] == number))

    def put(self, content: bytes, age_s: float = 600) -> None:
        """Put an export in the place of the one before, as it should be done."""
        new = self.file.with_suffix(".tmp")
        new.write_bytes(content)
        then = time.time() - age_s
        os.utime(new, (then, then))
        new.replace(self.file)

    @contextmanager
    def switching(self) -> Iterator[None]:
        """Wait at the end until a new generation serves."""
        before = self.state()["generation"]
        yield
        assert until(lambda: bool(self.state()["generation"] != before), 30), self.state()


@pytest.fixture
def polled(two: World) -> Iterator[Polled]:
    found = Polled(two)
    mapping, content = found.mapping.read_bytes(), found.file.read_bytes()
    written = found.file.stat().st_mtime
    began = stamp(datetime.now(UTC))
    found.mapping.write_bytes(mapping + b"poll: {every: 1s, settle: 1s}\n")
    try:
        # The changed mapping is an import of its own.
        assert until(lambda: found.state().get("last_import", "") > began, 30), found.state()
        yield found
    finally:
        found.mapping.write_bytes(mapping)
        found.put(content, time.time() - written)
        found.gateway.command("import", SOURCE, "--allow-shrink", check=False)


def added(content: bytes) -> bytes:
    """Give the export with one more warrant, for somebody new."""
    text = content.decode("windows-1252")
    rows = list(csv.DictReader(io.StringIO(text)))
    row = next(r for r in rows if r["WARRANT_NO"] == WARRANT)
    more = {"WARRANT_NO": "W-26-99001", "NAME": "QUILLFEATHER, ODALYS", "DOB": "05/06/1979"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row))
    writer.writeheader()
    writer.writerows([*rows, row | more | {"PERSON_NO": ""}])
    return out.getvalue().encode("windows-1252")


def test_a_changed_export_comes_in_by_itself_and_the_next_search_finds_it(polled: Polled) -> None:
    assert not polled.ask({"person": NEW}, "warrant")["matches"]
    counted = 'sallyport_scheduled_imports_total{outcome="imported",source="warrants"}'
    before = polled.metric(counted)
    with polled.switching():
        polled.put(added(polled.file.read_bytes()), age_s=3_600)
    answer = polled.ask({"person": NEW}, "warrant")
    assert [m["record_id"] for m in answer["matches"]] == ["W-26-99001"]
    written = datetime.fromtimestamp(polled.file.stat().st_mtime, UTC)
    assert answer["data_as_of"] == stamp(written)
    assert until(lambda: polled.metric(counted) == before + 1)
    assert polled.state()["last_result"] == "imported"


def test_an_export_that_cant_be_read_is_told_and_waited_for(polled: Polled) -> None:
    before = polled.state()
    away = polled.file.rename(polled.file.with_suffix(".away"))
    polled.put(away.read_bytes().replace(b"WARRANT_NO", b"WRNT", 1))
    assert until(lambda: polled.state()["last_result"] == "failed", 30)
    assert "WARRANT_NO" in polled.listed()["last_text"]
    polled.file.unlink()

    def wait() -> float:
        state = polled.state()
        later = parse_stamp(state["next_poll"]) - parse_stamp(state["last_import"])
        return later.total_seconds()

    # It was 1 after the first; a second may have begun while the file was there.
    assert until(lambda: polled.state()["last_code"] == "source.missing" and wait() >= 2, 60)
    readiness = polled.readiness()
    assert readiness["status"] == "degraded"
    state = readiness["sources"][SOURCE]
    assert state["last_code"] == "source.missing"
    assert (state["generation"], state["as_of"]) == (before["generation"], before["as_of"])
    assert polled.file.name in polled.listed()["last_text"]
    assert polled.failing() == 1
    failed = f'sallyport_scheduled_imports_total{{outcome="failed",source="{SOURCE}"}}'
    assert polled.metric(failed) >= 2
    assert polled.warrant()["record"]
    # The very file as it was: nothing is new, and still the trouble is over.
    away.replace(polled.file)
    assert until(lambda: polled.state()["last_result"] == "unchanged", 30), polled.state()
    assert polled.readiness()["status"] == "ok"
    assert polled.failing() == 0
    assert "last_text" not in polled.listed()


def test_a_mapping_that_goes_wrong_is_told_until_it_is_right(polled: Polled) -> None:
    right = polled.mapping.read_bytes()
    polled.mapping.write_bytes(right.replace(b"    id:", b"    idd:", 1))
    assert until(lambda: polled.state().get("fault") == "mapping.wrong")
    assert polled.readiness()["status"] == "degraded"
    assert polled.failing() == 1
    row = polled.listed()
    assert row["fault"] == "mapping.wrong"
    assert "warrants.yaml:" in row["fault_text"]
    assert "id must be there" in row["fault_text"]
    assert polled.warrant()["record"]
    with polled.switching():
        polled.mapping.write_bytes(right + b"# mended\n")
        polled.put(added(polled.file.read_bytes()))
    assert "fault" not in polled.state()
    assert polled.failing() == 0
    assert polled.warrant({"person": NEW}, "W-26-99001")["record"]


def test_a_poll_that_would_open_many_records_stops_and_says_so(polled: Polled) -> None:
    right, before = polled.mapping.read_bytes(), polled.state()["generation"]
    # An edit by which none is criminal history any more.
    words = b"criminal_history: true"
    assert words in right
    polled.mapping.write_bytes(right.replace(words, b"criminal_history: false", 1))
    assert until(lambda: polled.state().get("last_code") == "import.opens", 30), polled.state()
    assert polled.readiness()["status"] == "degraded"
    assert polled.state()["generation"] == before
    assert polled.failing() == 1
    row = polled.listed()
    assert row["last_result"] == "refused"
    assert "with criminal_history true (warrant)" in row["last_text"]
    assert polled.warrant()["record"]
    polled.mapping.write_bytes(right)
    assert until(lambda: polled.state()["last_result"] == "unchanged", 30), polled.state()
    assert polled.failing() == 0


def test_past_the_agreements_limit_a_warrant_never_says_that_it_is_active(polled: Polled) -> None:
    fresh = polled.ask(MARISOL, "warrant")
    assert not fresh.get("stale")
    assert "ACTIVE" in orjson.dumps(polled.warrant()).decode()
    content = polled.file.read_bytes()
    polled.put(content, age_s=8 * 86_400)  # the agreement allows a week for warrants
    assert until(lambda: polled.state()["stale"] is True, 30)
    assert polled.metric(f'sallyport_source_stale{{source="{SOURCE}"}}') == 1
    answer = polled.ask(MARISOL, "warrant", "person")
    assert answer["stale"] is True
    assert answer["data_as_of"] == polled.state()["as_of"]
    [match] = [m for m in answer["matches"] if m["record_id"] == WARRANT]
    assert {"type": "stale_data"} in answer["obligations"]
    assert "j:CourtOrderStatus" not in match["record"]["j:Warrant"]
    assert "ACTIVE" not in orjson.dumps(answer).decode()
    assert match["confirm"]["required"] is True
    assert not polled.ask(MARISOL, "person").get("stale")  # no limit was agreed for these
    polled.put(content)
    assert until(lambda: polled.state()["stale"] is False, 30)
    assert "ACTIVE" in orjson.dumps(polled.warrant()).decode()


def test_a_source_that_was_removed_is_in_no_metric_any_more(polled: Polled) -> None:
    age = f'sallyport_source_age_seconds{{source="{SOURCE}"}}'
    stale = f'sallyport_source_stale{{source="{SOURCE}"}}'
    polled.put(polled.file.read_bytes(), age_s=8 * 86_400)
    assert until(lambda: polled.metric(stale) == 1, 30)
    assert polled.metric(age) > 7 * 86_400
    polled.mapping.unlink()  # the fixture puts it back, and imports anew
    polled.gateway.command("source", "remove", SOURCE, "--yes")
    assert until(lambda: polled.metric(stale) == 0, 30)
    assert polled.metric(age) == 0
