"""What asking sixteen peers costs: processor time for each, and time added to the slowest.

    python -m bench.fanout [--peers 16] [--searches 200] [--delay-ms 100]

One real gateway asks. The peers are sixteen identities in one process, each with keys and an
address of its own: they verify the question, wait as long as told, and sign an answer. "bare" is
one FastAPI process that posts the same bodies to the same peers, on the same transport, without
signature, policy or log.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import socket
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
from demo.world import World, an_officer
from gateway.cli import agreement_work, setup
from gateway.model import Ori
from gateway.peers import PATH
from gateway.policy.sets import load_set
from gateway.trust import keys as key_files
from gateway.trust import registry as registries
from gateway.trust.signatures import Signer, Verifier

ASKER, OTHER = "CA9990000", "TX9990000"
SUBJECT = {
    "person": {
        "names": [{"given": "ZENOBIA", "surname": "HOLLOWQUIST"}],
        "birth_date": "1949-09-09",
    }
}


def peer_ori(number: int) -> str:
    return f"CA98{number:03d}00"


async def serve(homes: list[tuple[str, Path, int]], delay_s: float) -> None:
    """Answer as every one of the peers."""
    for ori, home, port in homes:
        keys = key_files.load(home)
        registry = registries.load(home / registries.FILE, own_ori=Ori(ori))
        signer, verifier = Signer(keys.message), Verifier(registry, count=lambda _: None)
        app = web.Application()

        async def answer(
            request: web.Request,
            *,
            ori: str = ori,
            port: int = port,
            signer: Signer = signer,
            verifier: Verifier = verifier,
        ) -> web.Response:
            body = await request.read()
            signed = "signature" in request.headers
            asked = orjson.loads(body)
            content = orjson.dumps(
                {
                    "version": 1,
                    "transaction": asked["transaction"],
                    "owner": ori,
                    "asker": ASKER,
                    "status": "answered",
                    "granularity": {"asked": "record", "given": "record"},
                    "data_as_of": "2026-11-23T00:00:00.00Z",
                    "matches": [],
                    "leaf": "sha-256:" + "0" * 64,
                    "policy": "sha-256:" + "0" * 64,
                }
            )
            headers = {"content-type": "application/json"}
            if signed:
                verified = verifier.verify_request(
                    method="POST",
                    target_uri=f"http://127.0.0.1:{port}{PATH}",
                    headers=[(k.lower(), v) for k, v in request.raw_headers],
                    body=body,
                    now=datetime.now(UTC),
                )
                made = signer.sign_response(
                    verified.binding, status=200, body=content, now=datetime.now(UTC)
                )
                headers = dict(made.headers)
            await asyncio.sleep(delay_s)
            return web.Response(body=content, headers=headers)

        app.router.add_post(PATH, answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def run_peers(homes: list[tuple[str, Path, int]], delay_s: float) -> None:
    os.sched_setaffinity(0, {1})
    asyncio.run(serve(homes, delay_s))


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


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


def measure(url: str, pid: int, searches: int, ask: Any) -> dict[str, float]:
    with httpx.Client(base_url=url, timeout=30) as client:
        for _ in range(10):
            ask(client)
        before = cpu(pid)
        walls, slowest = [], []
        for _ in range(searches):
            began = time.perf_counter()
            outcome = ask(client)
            walls.append((time.perf_counter() - began) * 1000)
            slowest.append(max(a.get("ms", 0) for a in outcome["agencies"]))
        used = (cpu(pid) - before) * 1000
    return {
        "wall_ms": statistics.median(walls),
        "slowest_ms": statistics.median(slowest),
        "cpu_ms": used / searches,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=16)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--delay-ms", type=float, default=100)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp())
    world, homes = build(root / "world", given.peers)
    peers = multiprocessing.get_context("spawn").Process(
        target=run_peers, args=(homes, given.delay_ms / 1000), daemon=True
    )
    peers.start()
    gateway = world[ASKER]
    gateway.cpu = 0
    body = question(SUBJECT, "person", agencies=[o for o, _, _ in homes])
    try:
        gateway.start()
        gateway.ready()
        headers = {"authorization": f"Bearer {gateway.token(an_officer(), 'search')}"}

        def full(client: httpx.Client) -> Any:
            answer = client.post("/v1/searches", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            outcome = answer.json()
            assert outcome["receipt"]["answered"] == given.peers, answer.text
            return outcome

        assert gateway.process is not None
        results = {"everything on": measure(gateway.url, gateway.process.pid, given.searches, full)}
        gateway.stop()
        results["bare"] = bare(gateway.port, homes, given.searches)
    finally:
        gateway.stop()
        peers.terminate()
        shutil.rmtree(root)
    for name, r in results.items():
        print(
            f"{name:14} {r['wall_ms']:6.1f} ms a search, slowest peer {r['slowest_ms']:6.1f} ms, "
            f"{r['cpu_ms']:5.1f} ms CPU a search = {r['cpu_ms'] / given.peers:.2f} ms a peer"
        )
    added = results["everything on"]["wall_ms"] - given.delay_ms
    print(f"added to the peers' own {given.delay_ms:.0f} ms: {added:.1f} ms")


def bare(port: int, homes: list[tuple[str, Path, int]], searches: int) -> dict[str, float]:
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
        return measure(url, process.pid, searches, lambda c: c.post("/v1/searches", json={}).json())
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
