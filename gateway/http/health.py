"""Liveness, readiness by component, metrics. No personal data, and nothing that needs a token."""

from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request
from prometheus_client import generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from gateway.errors import PolicyUnavailable
from gateway.http.composed import Gateway, gateway_of
from gateway.model import parse_stamp, stamp
from gateway.records.freshness import Freshness, freshness
from gateway.records.schedule import TROUBLE

router = APIRouter(tags=["health"])

# Without these nothing may be asked or answered. The others only lessen what comes back.
_ESSENTIAL = frozenset({"ledger", "policy"})
# Whoever may ask for these could watch a hidden record come or go: they are the administrator's.
_COUNTS = frozenset({"records", "rows", "set_aside", "passed_over", "records_withheld_as_invalid"})


class Readiness(BaseModel):
    """`components` maps each to its status and what an administrator needs to mend it."""

    status: Literal["ok", "degraded", "failed"]
    time: str
    components: dict[str, dict[str, Any]]


@router.get("/livez", summary="Is the process alive?")
async def livez() -> dict[str, str]:
    """Answer, as long as the event loop turns."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    responses={200: {"model": Readiness}, 503: {"model": Readiness}},
    summary="Can it serve? By component",
)
async def readyz(request: Request) -> Response:
    """Tell for each component whether it is ok, degraded or failed. 503 if an essential failed."""
    gateway = gateway_of(request)
    components: dict[str, dict[str, Any]] = {
        "ledger": await gateway.ledger.status(),
        "policy": await _policy(gateway),
        "records": _records(gateway),
        "peers": {**gateway.peers.status(), "policies": gateway.peer_policies.listing()},
        "agreements": gateway.agreeing.status(),
    }
    states = {name: str(c["status"]) for name, c in components.items()}
    for name, state in states.items():
        gateway.metrics.degraded.labels(name).set(state != "ok")
    if any(states[name] == "failed" for name in _ESSENTIAL):
        status = "failed"
    else:
        status = "ok" if set(states.values()) == {"ok"} else "degraded"
    body = {"status": status, "time": stamp(datetime.now(UTC)), "components": components}
    return Response(
        orjson.dumps(body), 503 if status == "failed" else 200, media_type="application/json"
    )


def _records(gateway: Gateway) -> dict[str, Any]:
    """Tell the sources' state; degraded where one can't be read, or none is there."""
    found = gateway.records.status()
    sources = {
        name: {k: v for k, v in source.items() if k not in _COUNTS}
        for name, source in found["sources"].items()
    }
    for name, source in found["sources"].items():
        if source.get("checked") is not None:
            # By the last check of a live source's whole table: a search never moves it.
            sources[name]["complete"] = source["set_aside"] == 0
    for name, fresh in _freshness(gateway, found["sources"]).items():
        sources[name] |= {"age_minutes": fresh.age, "stale": fresh.stale}
        if fresh.limit is not None:
            sources[name] |= {"limit_minutes": fresh.limit, "limit_of": fresh.limited}
    scheduled = gateway.schedule.status() if gateway.schedule is not None else {}
    for name, state in scheduled.items():
        sources.setdefault(name, {"kind": "not imported"}).update(state)
    troubled = any(s.get("stale") or _fails(s) for s in sources.values())
    well = found["ok"] and bool(found["sources"]) and not troubled
    return {"status": "ok" if well else "degraded", "sources": sources}


def _fails(source: dict[str, Any]) -> bool:
    """Whether its last import went wrong, or its mapping is wrong."""
    return "fault" in source or source.get("last_result") in TROUBLE


def _freshness(gateway: Gateway, sources: dict[str, dict[str, Any]]) -> dict[str, Freshness]:
    """Hold each mirror's age against the strictest limit of the policy set."""
    now = datetime.now(UTC)
    try:
        limits = gateway.policy.freshness_limits()
    except PolicyUnavailable:
        limits = {}
    found = {}
    for name, source in sources.items():
        if "as_of" in source:
            as_of = None if source["as_of"] is None else parse_stamp(source["as_of"])
            found[name] = freshness(as_of, source["record_types"], limits, now)
    return found


async def _policy(gateway: Gateway) -> dict[str, Any]:
    """Tell the policy's state; failed where no decision can be had."""
    try:
        await gateway.policy.probe()
    except PolicyUnavailable as error:
        return {**_without_counts(gateway), "status": "failed", "reason": error.detail}
    return _without_counts(gateway)


def _without_counts(gateway: Gateway) -> dict[str, Any]:
    return {k: v for k, v in gateway.policy.status().items() if k not in _COUNTS}


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Give the metrics in Prometheus' text format."""
    gateway = gateway_of(request)
    gateway.agreeing.measure()
    shown = gateway.metrics
    # A source that was removed, or whose age is not known any more, shows nothing old.
    for gauge in (
        shown.source_incomplete,
        shown.source_stale,
        shown.source_age,
        shown.source_failing,
    ):
        gauge.clear()
    sources = gateway.records.status()["sources"]
    for name, source in sources.items():
        if source["kind"] == "live" and source["checked"] is not None:
            shown.source_incomplete.labels(name).set(source["set_aside"] > 0)
    measured = _freshness(gateway, sources)
    for name, fresh in measured.items():
        shown.source_stale.labels(name).set(fresh.stale)
        if fresh.age is not None:
            shown.source_age.labels(name).set(fresh.age * 60)
    for name, state in (gateway.schedule.status() if gateway.schedule is not None else {}).items():
        shown.source_failing.labels(name).set(_fails(state))
    return Response(
        generate_latest(shown.registry),
        media_type="text/plain; version=0.0.4; charset=utf-8",
    )
