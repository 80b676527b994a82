"""The load that `bench.answers` makes looks at what it gets, and fails on a wrong signature."""

import argparse
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from bench import load
from bench.fanout import Party
from demo import agreements
from demo.ports import free_ports
from gateway.cli import setup
from gateway.errors import PeerBadSignature
from gateway.peers import PATH

ROOT = Path(__file__).resolve().parents[2]
OWNER, ASKER = "TX9990000", "CA9990000"


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for ori, port in zip((OWNER, ASKER), free_ports(2), strict=True):
        made[ori] = tmp_path / ori
        setup.init_home(made[ori], ori=ori, name=ori, url=f"http://127.0.0.1:{port}", port=port)
        shutil.copytree(ROOT / "policies", made[ori] / "policies", dirs_exist_ok=True)
    setup.add_peer(made[OWNER], setup.own_entry(made[ASKER]))
    setup.add_peer(made[ASKER], setup.own_entry(made[OWNER]))
    agreements.agree_all(made, ROOT / "policies")
    return made


@asynccontextmanager
async def answering(home: Path, spoilt: bytes | None = None) -> AsyncIterator[str]:
    """Sign an answer to whatever comes, and then say something else, if so told."""
    [port] = free_ports(1)
    party = Party(OWNER, home, port)

    async def answer(request: web.Request) -> web.Response:
        response = await party.answered(request, orjson.dumps({"status": "answered"}))
        if spoilt is not None:
            response.body = spoilt
        return response

    app = web.Application()
    app.router.add_post(PATH, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def given(homes: dict[str, Path], url: str) -> argparse.Namespace:
    asked = homes[ASKER].parent / "questions"
    asked.write_text('{"names": [{"surname": "HOLLOWQUIST"}], "birth_date": "1949-09-09"}\n')
    found: dict[str, Any] = {"home": homes[ASKER], "url": url, "ori": OWNER, "asker": ASKER}
    found |= {"questions": asked, "seconds": 0.3, "concurrency": 2, "units": 2, "bare": False}
    return argparse.Namespace(**found, types="person")


async def test_answers_are_verified(
    homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "KEPT_EVERY", 2)
    async with answering(homes[OWNER]) as url:
        found = await load.ask(given(homes, url))
    assert found["statuses"] == {"answered": found["answers"]}
    assert found["verified"] == (found["answers"] + 1) // 2 > 0


async def test_a_wrong_signature_ends_the_bench(homes: dict[str, Path]) -> None:
    async with answering(homes[OWNER], spoilt=b'{"status":"answered","matches":[]}') as url:
        with pytest.raises(PeerBadSignature):
            await load.ask(given(homes, url))
