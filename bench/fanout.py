"""What asking sixteen peers costs: processor time for each, and time added to the slowest.

    python -m bench.fanout [--peers 16] [--searches 200] [--delay-ms 100]

One real gateway asks. The peers are sixteen identities in one process, each with keys and an
address of its own: they verify the question and sign an answer, and give it as long after the
question came as told. They note when a question came and when its answer went, on the clock that
all processes share: what the gateway adds is the time of a search without that of the peer that
took longest, in two parts, before the last question came and after the last answer went. "bare" is
an application of its own, bench/bare_fanout.py: one FastAPI process that posts such questions to
the same peers, on the same transport, without signature, policy or log.
"""

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
from aiohttp import web

from bench.answers import cpu
from demo import agreements
from demo.__main__ import question
from demo.ports import free_ports
from demo.world import World, an_officer
from gateway.cli import agreement_work, setup
from gateway.exchange.agreements import PATH as AGREEMENTS
from gateway.model import Ori
from gateway.peers import PATH
from gateway.policy.sets import load_set
from gateway.trust import keys as key_files
from gateway.trust import registry as registries
from gateway.trust.signatures import Signer, Verifier

ASKER, OTHER = "CA9990000", "TX9990000"
WARM = 10
JSON = {"content-type": "application/json"}
SUBJECT = {
    "person": {
        "names": [{"given": "ZENOBIA", "surname": "HOLLOWQUIST"}],
        "birth_date": "1949-09-09",
    }
}


def peer_ori(number: int) -> str:
    return f"CA98{number:03d}00"


class Party:
    """One of the peers: verifies what comes to its address, and signs what goes back."""

    def __init__(self, ori: str, home: Path, port: int) -> None:
        registry = registries.load(home / registries.FILE, own_ori=Ori(ori))
        self.ori = ori
        self._url = f"http://127.0.0.1:{port}"
        self._signer = Signer(key_files.load(home).message)
        self._verifier = Verifier(registry, count=lambda _: None)

    async def answered(self, request: web.Request, content: bytes) -> web.Response:
        """Answer a signed message."""
        verified = self._verifier.verify_request(
            method="POST",
            target_uri=self._url + request.path,
            headers=[(k.lower(), v) for k, v in request.raw_headers],
            body=await request.read(),
            now=datetime.now(UTC),
        )
        made = self._signer.sign_response(
            verified.binding, status=200, body=content, now=datetime.now(UTC)
        )
        return web.Response(body=content, headers=dict(made.headers))


async def serve(homes: list[tuple[str, Path, int]], delay_s: float, times: Any) -> None:
    """Answer as every one of the peers. `times`: two places for each, came and went, seconds."""
    for number, (ori, home, port) in enumerate(homes):
        party = Party(ori, home, port)
        app = web.Application()

        async def answer(
            request: web.Request, *, number: int = number, party: Party = party
        ) -> web.Response:
            body = await request.read()
            times[2 * number] = came = time.monotonic()
            # Sixteen machines would do this side by side: here, while all of them wait anyway.
            await asyncio.sleep(delay_s / 3)
            asked = orjson.loads(body)
            content = orjson.dumps(
                {
                    "version": 1,
                    "transaction": asked["transaction"],
                    "owner": party.ori,
                    "asker": ASKER,
                    "status": "answered",
                    "granularity": {"asked": "record", "given": "record"},
                    "data_as_of": "2026-11-23T00:00:00.00Z",
                    "matches": [],
                    "leaf": "sha-256:" + "0" * 64,
                    "policy": "sha-256:" + "0" * 64,
                }
            )
            response = (
                await party.answered(request, content)
                if "signature" in request.headers
                else web.Response(body=content, headers=JSON)
            )
            await asyncio.sleep(came + delay_s - time.monotonic())
            times[2 * number + 1] = time.monotonic()
            return response

        async def agree(request: web.Request, *, party: Party = party) -> web.Response:
            """Take what the asker tells of agreements, so that it does not tell it again."""
            reply = {"version": 1, "sender": party.ori, "owner": ASKER, "taken": True}
            held = orjson.loads(await request.read())["held"]
            return await party.answered(request, orjson.dumps(reply | {"held": held}))

        app.router.add_post(PATH, answer)
        app.router.add_post(AGREEMENTS, agree)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def run_peers(homes: list[tuple[str, Path, int]], delay_s: float, times: Any) -> None:
    os.sched_setaffinity(0, {1})
    asyncio.run(serve(homes, delay_s, times))


def build(root: Path, peers: int) -> tuple[World, list[tuple[str, Path, int]]]:
    world = World(root)
    world.build(people=60, agencies=(ASKER,))
    home = world[ASKER].home
    homes = []
    for number, port in enumerate(free_ports(peers)):
        ori, folder = peer_ori(number), root / f"peer{number}"
        setup.init_home(folder, ori=ori, name=ori, url=f"http://127.0.0.1:{port}", port=port)
        setup.add_peer(folder, setup.own_entry(home))
        setup.add_peer(home, setup.own_entry(folder))
        homes.append((ori, folder, port))
    more_agencies(home / "policies", {ori: folder for ori, folder, _ in homes}, home)
    return world, homes


def more_agencies(policies: Path, folders: dict[str, Path], home: Path) -> None:
    """Add agencies of the asker's own kind, and one agreement with each, signed by both."""
    # What tests say of the demo's own directory no longer holds in a larger one.
    for name in ("agencies", "ask"):
        (policies / "sallyport" / name / f"{name}_test.rego").unlink()
    for ori in folders:
        shutil.copytree(policies / "agencies" / ASKER, policies / "agencies" / ori)
    words = load_set(policies)
    known = next(p for p in agreements.examples(words) if p["parties"] == [ASKER, OTHER])
    mine = agreement_work.open_desk(home, words)
    for ori, folder in folders.items():
        shares = {ASKER: known["shares"][ASKER], ori: known["shares"][OTHER]}
        paper = {**known, "id": f"bench-{ori.lower()}", "parties": [ASKER, ori], "shares": shares}
        theirs = agreement_work.open_desk(folder, words)
        agreements.agree([mine, theirs], agreements.text_of(paper))


def measure(
    port: int, pid: int, searches: int, times: Any, asked: dict[str, Any], *, token: str = ""
) -> dict[str, float]:
    """Search one after another on one connection. Medians in ms, and the CPU of one search."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = JSON | ({"authorization": f"Bearer {token}"} if token else {})
    found: dict[str, list[float]] = {"wall": [], "added": [], "before": [], "after": []}
    used = 0.0
    for number in range(-WARM, searches):
        if number == 0:
            used = cpu(pid)
        # Another case each time: equal questions would share their decisions for a second.
        case = {"type": "case", "number": f"26-{number + WARM:06d}"}
        body = orjson.dumps({**asked, "reference": case})
        began = time.monotonic()
        connection.request("POST", "/v1/searches", body, headers)
        answer = connection.getresponse()
        body = answer.read()
        ended = time.monotonic()
        if answer.status != httpx.codes.OK:
            raise RuntimeError(body.decode())
        receipt = orjson.loads(body).get("receipt")
        if receipt is not None and receipt["answered"] != len(times) // 2:
            raise RuntimeError(body.decode())
        if number >= 0:
            came, went = times[::2], times[1::2]
            longest = max(w - c for c, w in zip(came, went, strict=True))
            found["wall"].append(ended - began)
            found["added"].append(ended - began - longest)
            found["before"].append(max(came) - began)
            found["after"].append(ended - max(went))
    used = cpu(pid) - used
    connection.close()
    medians = {name: statistics.median(values) * 1000 for name, values in found.items()}
    return medians | {"cpu": used * 1000 / searches}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=16)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--delay-ms", type=float, default=100)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp())
    world, homes = build(root / "world", given.peers)
    spawn = multiprocessing.get_context("spawn")
    times = spawn.Array("d", 2 * given.peers, lock=False)
    peers = spawn.Process(target=run_peers, args=(homes, given.delay_ms / 1000, times), daemon=True)
    peers.start()
    gateway = world[ASKER]
    gateway.cpu = 0
    body = question(SUBJECT, "person", agencies=[o for o, _, _ in homes])
    try:
        gateway.start()
        gateway.ready()
        token = gateway.token(an_officer(), "search")
        assert gateway.process is not None
        pid = gateway.process.pid
        results = {
            "everything on": measure(gateway.port, pid, given.searches, times, body, token=token)
        }
        gateway.stop()
        results["bare"] = bare(gateway.port, homes, given.searches, times)
    finally:
        gateway.stop()
        peers.terminate()
        shutil.rmtree(root)
    for name, r in results.items():
        print(
            f"{name:14} {r['wall']:6.1f} ms a search, {r['added']:5.1f} ms added to the slowest "
            f"peer ({r['before']:.1f} before the last question came, {r['after']:.1f} after the "
            f"last answer went), {r['cpu']:5.1f} ms CPU = {r['cpu'] / given.peers:.2f} ms a peer"
        )


def bare(
    port: int, homes: list[tuple[str, Path, int]], searches: int, times: Any
) -> dict[str, float]:
    urls = json.dumps([f"http://127.0.0.1:{p}{PATH}" for _, _, p in homes])
    process = subprocess.Popen(
        ["taskset", "-c", "0", sys.executable, "-m", "bench.bare_fanout", str(port), urls]
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                httpx.get(url + "/readyz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        return measure(port, process.pid, searches, times, {})
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
