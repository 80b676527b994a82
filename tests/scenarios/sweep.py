"""What a gateway shows or keeps in clear, held against the names that scenarios ask for.

Personal data belong in answers and in the agency's own records. Everything else is looked through:
what the process wrote to its standard output and error, its spans, `/metrics`, `/readyz`, and the
databases of the log and of what is kept, which are sealed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from demo.__main__ import question
from demo.cast import CAST
from demo.world import Gateway, World, an_officer

CANARY = "ZEPHYRINEQUILL"
NUMBER = "77CANARY4417"
SHORTEST = 6
"""Letters of a name that is looked for: fewer stand in digests and sealed bytes by chance."""
NAMES = frozenset(
    name.lower()
    for name in (
        *(CANARY, NUMBER, "ZEBULON", "QUILLFEATHER", "HOLLOWQUIST", "IRVENSTRAND"),
        *(part for m in CAST for part in (*m.surname.split(), *(m.native or ()))),
        *("MARISOL", "OKAFOR", "26-004417", "1987-03-12", "555-0100", "Named suspect", "99900417"),
    )
    if len(name) >= SHORTEST
)
"""What scenarios ask with, in lower case: persons, officers, numbers, a birth date, a reason."""
PLAIN = ("sallyport: ",)
"""How a line of the log begins that is no event: what the command says of why it ended."""


def found_in(text: str) -> set[str]:
    """Give the names that stand in a text."""
    text = text.lower()
    return {n for n in NAMES if n in text or n.encode("unicode_escape").decode() in text}


def kept_in(content: bytes) -> set[str]:
    """Give the names that stand in a database, as they may be written."""
    ways = (str.lower, str.upper, str.title, str.capitalize)
    return {n for n in NAMES if any(way(n).encode() in content for way in ways)}


def shown(gateways: Mapping[str, Gateway]) -> None:
    """Look through what each running gateway shows to everybody."""
    for gateway in gateways.values():
        if gateway.process is None or gateway.process.poll() is not None:
            continue
        for path in ("/metrics", "/readyz"):
            text = httpx.get(gateway.inside + path, timeout=20).text
            assert "sallyport_http_seconds" in text or "components" in text
            assert not found_in(text), (gateway.ori, path)


def asked(gateways: Mapping[str, Gateway]) -> None:
    """Ask for a person once, whatever comes of it: a span to look at, also of scenarios without."""
    subject = {"names": [{"given": CANARY, "surname": "Hollowquist"}], "birth_date": "1987-03-12"}
    for gateway in gateways.values():
        if gateway.process is None or gateway.process.poll() is not None:
            continue
        body = question({"person": subject}, "person", agencies=[gateway.ori])
        with gateway.client(an_officer(), "search") as client:
            client.post("/v1/searches", json=body)


def written(gateways: Mapping[str, Gateway]) -> None:
    """Look through what each wrote down: spans are written every five seconds, and at the end."""
    for gateway in gateways.values():
        if not gateway.log.exists():
            continue
        for line in gateway.log.read_text(encoding="utf-8").splitlines():
            assert not found_in(line), (gateway.ori, line)
            assert line.startswith(PLAIN) or isinstance(json.loads(line), dict), line
        data = gateway.home / "data"
        for name in (
            "trace.jsonl",
            *(f"{d}.db{w}" for d in ("ledger", "state") for w in ("", "-wal")),
        ):
            kept = data / name
            if kept.exists():
                found = kept_in(kept.read_bytes())
                assert not found, (gateway.ori, name, found)


@contextmanager
def swept(world: World) -> Iterator[World]:
    """Run a world, with all spans recorded, and look through it at the end."""
    for gateway in world.gateways.values():
        gateway.env["SALLYPORT_TRACE_FILE"] = str(gateway.home / "data" / "trace.jsonl")
        gateway.env["SALLYPORT_TRACE_RATIO"] = "1"
    with world.running():
        yield world
        asked(world.gateways)
        shown(world.gateways)
    written(world.gateways)
    traces = [g.home / "data" / "trace.jsonl" for g in world.gateways.values()]
    assert any('"name"' in t.read_text(encoding="utf-8") for t in traces), "no span was looked at"
