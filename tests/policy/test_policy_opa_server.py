"""The OPA server as engine: one bundle, its revision in every decision, absence is a refusal."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy import opa_bundle
from gateway.policy.opa_server import OpaServer, OpaServerEngine
from gateway.policy.sets import make_set
from tests.policy.conftest import RunningOpa, StartOpa
from tests.policy.switching import CANARY, ONE, TWO, set_that_says

TAKES_NO_BUNDLE = make_set({"x.rego": "package x\ny := nosuch(1)\n"}, {})


@asynccontextmanager
async def engine_at(server: OpaServer) -> AsyncIterator[OpaServerEngine]:
    engine = OpaServerEngine(server)
    try:
        yield engine
    finally:
        await engine.close()


@pytest.mark.opa
async def test_it_decides_by_the_bundle_and_names_its_revision(start_opa: StartOpa) -> None:
    async with engine_at(start_opa(ONE)) as engine:
        await engine.activate(ONE)
        decided = await engine.decide("ask", b'{"a":1}')
        assert decided.outcome == {"word": "one", "data": "one", "input": {"a": 1}}
        assert decided.revision == ONE.revision
        assert engine.trouble() is None


@pytest.mark.opa
async def test_a_failing_builtin_is_a_refusal_and_not_an_open_door(start_opa: StartOpa) -> None:
    async with engine_at(start_opa(ONE)) as engine:
        await engine.activate(ONE)
        question = f'{{"undefined":"error","text":"{CANARY}"}}'.encode()
        with pytest.raises(PolicyUnavailable) as caught:
            await engine.decide("ask", question)
        assert CANARY not in f"{caught.value.detail} {caught.value.__cause__}"
        with pytest.raises(PolicyUnavailable):
            await engine.decide("ask", b'{"undefined":true}')
        assert (await engine.decide("ask", b"{}")).outcome["word"] == "one"


@pytest.mark.opa
async def test_a_new_set_is_switched_to_under_load_with_no_wrong_decision(
    start_opa: StartOpa,
) -> None:
    sets = {ONE.revision: "one", TWO.revision: "two"}
    async with engine_at(start_opa(ONE)) as engine:
        await engine.activate(ONE)
        stop = False
        decisions = 0

        async def ask() -> None:
            nonlocal decisions
            while not stop:
                decided = await engine.decide("ask", b"{}")
                # Policy and data of the set that the decision names, never a mixture.
                word = sets[decided.revision]
                assert (decided.outcome["word"], decided.outcome["data"]) == (word, word)
                decisions += 1

        askers = [asyncio.create_task(ask()) for _ in range(4)]
        for target in (TWO, ONE, TWO, ONE, TWO):
            before = time.monotonic()
            await engine.activate(target)
            assert time.monotonic() - before < 2.0
            assert (await engine.decide("ask", b"{}")).revision == target.revision
        stop = True
        await asyncio.gather(*askers)
        assert decisions > 20


@pytest.mark.opa
async def test_a_switch_outlives_the_patience_with_the_set_before_the_last(
    start_opa: StartOpa,
) -> None:
    # Decisions of the set before are taken for a moment after a switch. That moment may end while
    # the next switch goes on: the set that is coming counts all the same.
    async with engine_at(replace(start_opa(ONE), timeout_s=0.3)) as engine:
        await engine.activate(ONE)
        for number in range(4):
            target = set_that_says(f"set {number}")
            before = time.monotonic()
            switch = asyncio.create_task(engine.activate(target))
            while not switch.done():
                await engine.decide("ask", b"{}")
            await switch
            while (await engine.decide("ask", b"{}")).revision != target.revision:
                assert time.monotonic() - before < 10
            # The next one begins before this one's moment is over, or behind it.
            await asyncio.sleep(0.25 if number % 2 else 0.4)


@pytest.mark.opa
async def test_absence_is_a_refusal_and_return_is_noticed(
    opa: RunningOpa, start_opa: StartOpa
) -> None:
    async with engine_at(start_opa(ONE)) as engine:
        await engine.activate(ONE)
        opa.stop()
        before = time.monotonic()
        for _ in range(3):
            with pytest.raises(PolicyUnavailable):
                await engine.decide("ask", b"{}")
        assert time.monotonic() - before < 1.0
        assert engine.trouble() is not None
        opa.start()
        assert (await engine.decide("ask", b"{}")).revision == ONE.revision
        assert engine.trouble() is None


@pytest.mark.opa
async def test_the_first_set_counts_as_soon_as_the_server_comes(opa: RunningOpa) -> None:
    async with engine_at(opa.server) as engine:
        await engine.activate(ONE)
        assert engine.trouble() is not None
        with pytest.raises(PolicyUnavailable):
            await engine.decide("ask", b"{}")
        opa.start()
        assert (await engine.decide("ask", b"{}")).revision == ONE.revision


@pytest.mark.opa
async def test_another_set_than_ours_is_a_refusal(start_opa: StartOpa) -> None:
    async with engine_at(start_opa(ONE)) as engine:
        await engine.activate(ONE)
        opa_bundle.write_bundle(engine._server.bundles, TWO)
        deadline = time.monotonic() + 5
        refused = False
        while not refused and time.monotonic() < deadline:
            try:
                decided = await engine.decide("ask", b"{}")
            except PolicyUnavailable:
                refused = True
            else:
                assert decided.outcome["word"] == "one"
                await asyncio.sleep(0.01)
        assert refused
        assert engine.trouble() == "the OPA server decides by another policy set"


@pytest.mark.opa
async def test_a_bundle_that_opa_refuses_leaves_the_old_one(
    opa: RunningOpa, start_opa: StartOpa
) -> None:
    server = start_opa(ONE)
    async with engine_at(
        OpaServer(server.url, server.bundles, timeout_s=5, switch_s=0.7)
    ) as engine:
        await engine.activate(ONE)
        with pytest.raises(PolicyRejected):
            await engine.activate(TAKES_NO_BUNDLE)
        assert (await engine.decide("ask", b"{}")).revision == ONE.revision
        # And the file is the old one again, for an OPA that starts anew.
        opa.stop()
        opa.start()
        assert (await engine.decide("ask", b"{}")).revision == ONE.revision


@pytest.mark.opa
async def test_nobody_can_put_data_beside_the_bundle(start_opa: StartOpa) -> None:
    server = start_opa(ONE)
    async with aiohttp.ClientSession() as http:
        for path in ("data/word", "data/elsewhere", "policies/more"):
            body = b"package more" if path.startswith("policies") else b'"two"'
            async with http.put(f"{server.url}/v1/{path}", data=body) as response:
                assert response.status == 400


async def test_the_bundle_is_the_same_each_time_and_holds_no_test(tmp_path: Path) -> None:
    with_tests = make_set({**ONE.modules, "a_test.rego": "package a_test\n"}, dict(ONE.data))
    assert opa_bundle.bundle(with_tests) == opa_bundle.bundle(with_tests)
    path = opa_bundle.write_bundle(tmp_path / "opa", with_tests)
    assert path.read_bytes() == opa_bundle.bundle(with_tests)
    assert [p.name for p in (tmp_path / "opa" / ".staging").iterdir()] == []


# -- a server that is not what it should be ---------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server_that(
    handler: Handler, port: int, tmp_path: Path
) -> AsyncIterator[OpaServerEngine]:
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server = OpaServer(f"http://127.0.0.1:{port}", tmp_path, timeout_s=0.3, switch_s=0.2)
    try:
        async with engine_at(server) as engine:
            await engine.activate(ONE)
            yield engine
    finally:
        await runner.cleanup()


def saying(body: str, status: int = 200) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="application/json")

    return handler


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(saying("{}"), id="empty"),
        pytest.param(saying('{"result":{"allow":true}}'), id="no provenance"),
        pytest.param(saying('{"result":{},"provenance":{"bundles":{}}}'), id="no bundle"),
        pytest.param(saying('{"result":{},"provenance":{"bundles":[]}}'), id="bundles no object"),
        pytest.param(
            saying('{"result":{},"provenance":{"bundles":{"a":{"revision":1}}}}'), id="no text"
        ),
        pytest.param(
            saying(
                f'{{"result":{{}},"provenance":{{"bundles":{{"a":{{"revision":"{ONE.revision}"}},'
                '"b":{}}}}'
            ),
            id="two bundles",
        ),
        pytest.param(saying("[]"), id="no object"),
        pytest.param(saying("<html>"), id="no JSON"),
        pytest.param(saying("{}", 500), id="500"),
        pytest.param(saying("{}", 401), id="401"),
        pytest.param(saying("{}", 404), id="404"),
    ],
)
async def test_whatever_is_no_decision_of_our_set_is_a_refusal(
    handler: Handler, free_port: int, tmp_path: Path
) -> None:
    async with server_that(handler, free_port, tmp_path) as engine:
        with pytest.raises(PolicyUnavailable):
            await engine.decide("ask", b"{}")


async def test_undefined_is_a_refusal(free_port: int, tmp_path: Path) -> None:
    body = f'{{"provenance":{{"bundles":{{"a":{{"revision":"{ONE.revision}"}}}}}}}}'
    async with server_that(saying(body), free_port, tmp_path) as engine:
        with pytest.raises(PolicyUnavailable, match="no decision for 'ask'"):
            await engine.decide("ask", b"{}")


async def test_a_late_decision_is_a_refusal(free_port: int, tmp_path: Path) -> None:
    async def late(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response(text="{}")

    async with server_that(late, free_port, tmp_path) as engine:
        before = time.monotonic()
        with pytest.raises(PolicyUnavailable, match="does not answer"):
            await engine.decide("ask", b"{}")
        assert time.monotonic() - before < 0.9


async def test_a_url_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        OpaServerEngine(OpaServer("ftp://127.0.0.1", tmp_path))
