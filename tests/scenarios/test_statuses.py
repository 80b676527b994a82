"""What becomes of a question at an agency that does not answer as it should; what a cap leaves."""

import http.server
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from demo.__main__ import question
from demo.world import World, an_officer
from tests.scenarios.two import MARISOL, POLICE, SHERIFF, until


def outcome(world: World, *types: str, **more: Any) -> dict[str, Any]:
    with world[POLICE].client(an_officer(), "search") as client:
        body = question(MARISOL, *types, agencies=[SHERIFF], **more)
        response = client.post("/v1/searches", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def asked(world: World, **more: Any) -> dict[str, Any]:
    """Ask, once the agency is asked at all: after a failure it is let alone for some seconds."""
    end = time.monotonic() + 60
    while True:
        found = outcome(world, "person", **more)
        if found["agencies"][0]["status"] != "backing_off" or time.monotonic() > end:
            return found
        time.sleep(0.3)


@contextmanager
def in_its_place(port: int, status: int, sent: bytes) -> Iterator[None]:
    """Answer on the agency's address what it would not."""

    class Impostor(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if not status:
                self.wfile.write(sent)
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Location", "/livez")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Impostor)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


@pytest.fixture
def again(two: World) -> Iterator[World]:
    """The two, and both in order again afterwards."""
    yield two
    if two[SHERIFF].process is None:
        two[SHERIFF].start()
        two[SHERIFF].ready()
    assert asked(two)["status"] == "complete"


def test_one_that_hangs_is_a_timeout_and_not_waited_for(again: World) -> None:
    process = again[SHERIFF].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        found = asked(again, deadline_ms=700)
    finally:
        process.send_signal(signal.SIGCONT)
    (part,) = found["agencies"]
    assert part["status"] == "timeout"
    assert part["retry_after_s"] >= 1
    assert "matches" not in part  # no record is something else than not asked
    assert found["status"] == "none"
    receipt = found["receipt"]
    assert (receipt["asked"], receipt["timed_out"], receipt["complete"]) == (1, 1, False)


def test_whoever_answers_in_its_place_is_not_believed(again: World) -> None:
    again[SHERIFF].stop()
    # After each failure it is let alone for longer: whoever asks meanwhile is told, and how long.
    for _ in range(2):
        (part,) = asked(again)["agencies"]
        assert part["status"] == "unreachable"
        assert part["retry_after_s"] >= 1
    for _ in range(5):  # on a busy machine the wait may be over before it is asked
        alone = outcome(again, "person")
        (part,) = alone["agencies"]
        if part["status"] == "backing_off":
            break
    assert part["status"] == "backing_off"
    assert part["retry_after_s"] >= 1
    assert "matches" not in part
    assert (alone["status"], alone["receipt"]["failed"]) == ("none", 1)
    told = b'{"status":"answered","matches":[]}'
    for status, sent, becomes in (
        (200, told, "bad_signature"),
        (302, told, "bad_signature"),
        (500, told, "bad_signature"),
        (0, b"\x16\x03\x01 no HTTP", "bad_answer"),
        # What a proxy says where there is no gateway: it is believed as far as a closed port is.
        (502, told, "unreachable"),
    ):
        with in_its_place(again[SHERIFF].port, status, sent):
            found = asked(again)
        (part,) = found["agencies"]
        assert part["status"] == becomes, (status, part)
        assert "matches" not in part
        assert (found["status"], found["receipt"]["failed"]) == ("none", 1)


@contextmanager
def seated(url: str, number: int) -> Iterator[list[int]]:
    """Take so many of a gateway's places, and keep them by asking on each. Gives what it says."""
    lasting = httpx.Limits(keepalive_expiry=120)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=url, limits=lasting, timeout=30))
            for _ in range(number)
        ]
        said = [client.get("/livez").status_code for client in clients]
        ended = threading.Event()

        def stay() -> None:
            while not ended.wait(1):
                said.extend(client.get("/livez").status_code for client in clients)

        staying = threading.Thread(target=stay)
        staying.start()
        try:
            yield said
        finally:
            ended.set()
            staying.join()


def test_one_that_has_no_place_left_is_unreachable_until_it_has(again: World) -> None:
    """All its connections are taken: who comes then is told so, and what there was goes on."""
    sheriff = again[SHERIFF]
    sheriff.stop()
    again[POLICE].stop()  # so that it has no connection to the sheriff left
    sheriff.env["SALLYPORT_MAX_CONNECTIONS"] = "16"
    sheriff.start()
    try:
        sheriff.ready()
        with seated(sheriff.inside, 16) as said:
            again[POLICE].start()
            again[POLICE].ready()
            refused = httpx.get(f"{sheriff.inside}/livez")
            assert (refused.status_code, refused.json()["code"]) == (503, "gateway.busy")
            (part,) = outcome(again, "person")["agencies"]
            assert part["status"] == "unreachable"
            assert part["retry_after_s"] >= 1
            before = len(said)
            assert until(lambda: len(said) >= before + 32, 60)  # each of them, meanwhile
            assert set(said) == {200}
        assert asked(again)["status"] == "complete"
    finally:
        del sheriff.env["SALLYPORT_MAX_CONNECTIONS"]
        sheriff.stop()  # `again` starts it as it was


def test_a_cap_is_told_and_makes_the_answer_incomplete(two: World) -> None:
    everything = outcome(two, "person", "warrant", "arrest", "incident")
    assert len(everything["agencies"][0]["matches"]) > 1
    assert everything["receipt"]["complete"]
    capped = outcome(two, "person", "warrant", "arrest", "incident", max_matches=1)
    (part,) = capped["agencies"]
    assert len(part["matches"]) == 1
    assert part["more"] is True
    assert (capped["receipt"]["capped"], capped["receipt"]["complete"]) == (1, False)
