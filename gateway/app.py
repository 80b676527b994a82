"""Puts one gateway together. The only place, beside the command, that knows every room."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine as Database
from starlette.types import ASGIApp

import adapters
from gateway import niem
from gateway.background import ended
from gateway.database import open_sqlite
from gateway.errors import LedgerUnavailable, Misconfigured, PolicyRejected, SallyportError
from gateway.exchange import Aggregate, Answering, Asking, RefusedReadings, Releases, Searches
from gateway.exchange.agreements import Agreeing
from gateway.exchange.applying import Applying, at_start
from gateway.exchange.confirmations import Confirmations
from gateway.exchange.duties import Duties
from gateway.exchange.peer_policies import PeerPolicies
from gateway.exchange.releases import releases_key
from gateway.exchange.searches import sweep_on_time
from gateway.http import (
    admin,
    agreements,
    audit,
    client,
    explanations,
    health,
    peer,
    problems,
    token,
)
from gateway.http import confirmations as hit_confirmations
from gateway.http import duties as person_duties
from gateway.http import releases as person_releases
from gateway.http.composed import Gateway
from gateway.http.direct import Direct
from gateway.http.edge import Edge
from gateway.ledger import Draft, EntryType, Ledger, origin_of
from gateway.ledger.seal import derive_key, ledger_key
from gateway.model import Ori
from gateway.peers import AiohttpTransport, BackOff, Peers
from gateway.policy import Engine, Note, Policy
from gateway.policy.agreements import Agreements
from gateway.policy.approvals import PART as APPROVED
from gateway.policy.approvals import Approvals
from gateway.policy.bundles import FILE as BUNDLE_FILE
from gateway.policy.opa_server import OpaServer, OpaServerEngine
from gateway.policy.signers import load_signers
from gateway.policy.sources import BundleSource, FolderSource, Source
from gateway.records.find import Records
from gateway.records.schedule import Schedule
from gateway.records.source import RecordSource
from gateway.settings import Settings
from gateway.telemetry import Metrics, Tracing
from gateway.trust import clients
from gateway.trust import keys as key_files
from gateway.trust import registry as registries
from gateway.trust.agreement_files import AgreementFolder
from gateway.trust.keys import Keys
from gateway.trust.pairwise import pairwise_subject
from gateway.trust.replays import Replays
from gateway.trust.signatures import Signer, Verifier
from gateway.trust.tickets import Tickets
from gateway.trust.tokens import AGGREGATE_S, LogOn, TokenService

API_VERSION = "1.0.0"
"""The API's own version, whose first number the paths begin with. The product has another one, in
pyproject.toml: a release of it need not change the API."""

_log = structlog.get_logger("sallyport.app")


MakeSchedule = Callable[[Settings, Callable[[str, str], None]], Schedule]
"""Makes what polls the sources; it is told whom to tell each source's result."""


def create_app(settings: Settings, metrics: Metrics, make_schedule: MakeSchedule) -> ASGIApp:
    """Make the application. Nothing is opened before it starts; Misconfigured then ends it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                app.state.gateway = await _compose(settings, metrics, stack, make_schedule)
            except SallyportError as error:
                where = error.where if isinstance(error, PolicyRejected) else None
                _log.error("not started", code=error.code, detail=error.detail, where=where)
                raise
            # What is there now stays: the collector need not go through it again and again, which
            # was a tenth of the time of an answer.
            gc.collect()
            gc.freeze()
            stack.callback(gc.unfreeze)
            _log.info("ready", ori=settings.ori)
            yield

    app = Direct(routes(lifespan))
    return Edge(app, max_body=settings.max_body_bytes, observe=metrics.observe_request)


def routes(lifespan: Any = None) -> FastAPI:
    """Make the routes alone: enough for the OpenAPI document."""
    app = problems.App(
        title="Sallyport",
        version=API_VERSION,
        summary="Federated secure data-exchange gateway",
        description=(
            "Ask the agencies that policy permits; get back only what may be seen.\n\n"
            "The version is the API's: its first number is that of the paths. The gateway that "
            "serves it has a version of its own."
        ),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # would repeat the Host that the caller sent
        generate_unique_id_function=_operation_id,
        responses=problems.responses(*problems.ANYWHERE),
        lifespan=lifespan,
    )
    for router in (
        client.router,
        hit_confirmations.router,
        person_duties.router,
        explanations.router,
        peer.router,
        audit.router,
        admin.router,
        agreements.router,
        person_releases.router,
        token.router,
        health.router,
    ):
        app.include_router(router)
    problems.install(app, sorted(set(_names(client.SearchRequest))))
    return app


def _operation_id(route: APIRoute) -> str:
    """Name an operation for generated clients: `search_again` becomes `searchAgain`."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


async def _compose(
    settings: Settings,
    metrics: Metrics,
    stack: AsyncExitStack,
    make_schedule: MakeSchedule | None,
) -> Gateway:
    """Open every part, in the order in which they need each other."""
    home, ori = settings.home, Ori(settings.ori)
    data = home / "data"
    live = _live(home)
    keys = key_files.load(home)
    registry = registries.load(
        home / registries.FILE, own_ori=ori, own_key_ids=frozenset({keys.key_id})
    )
    signer = Signer(keys.message)
    strangers: Aggregate | None = None

    def count(cause: str) -> None:
        metrics.rejected.labels(cause).inc()
        if strangers is not None and not cause.startswith("response_"):
            strangers.note(cause)

    verifier = Verifier(
        registry,
        count=count,
        max_request=settings.max_body_bytes,
        max_response=settings.max_answer_bytes,
    )
    tracing = Tracing(settings.trace_file, settings.trace_ratio)
    stack.callback(tracing.close)

    niem.findings({})  # reads the release now, not on the first answer
    ledger = await _ledger(settings, keys, stack)
    folder = AgreementFolder(home, own=ori, keyring=registry.keyring(ori, keys.agreement))
    policy = await _policy(settings, keys, folder, at_start(ori, ledger), stack)
    records = await _records(home, live, stack)
    schedule = await _schedule(settings, make_schedule, metrics, stack)

    state = open_sqlite(data / "state.db")
    stack.callback(state.dispose)
    http = await stack.enter_async_context(AiohttpTransport(max_bytes=settings.max_answer_bytes))
    peers = Peers(
        http=http,
        registry=registry,
        signer=signer,
        verifier=verifier,
        backoff=BackOff(state),
    )
    strangers = Aggregate(ledger, "strangers_message")
    await strangers.start()
    stack.push_async_callback(strangers.stop)
    refused_readings = RefusedReadings(ledger, ori)
    await refused_readings.start()
    stack.push_async_callback(refused_readings.stop)
    tokens = await _tokens(settings, keys, ledger=ledger, metrics=metrics, state=state, stack=stack)
    searches = Searches(state, derive_key(keys.sealing, b"sallyport searches"))
    confirmations = Confirmations(
        state, derive_key(keys.sealing, b"sallyport confirmations"), ledger
    )
    duties = Duties(
        state,
        derive_key(keys.sealing, b"sallyport duties"),
        ori=ori,
        ledger=ledger,
        texts=lambda: policy.vocabulary.duties,
        late_for=timedelta(days=settings.searches_keep_days),
    )
    await sweep_on_time(stack, searches, confirmations, duties)
    releases = Releases(state, releases_key(keys.sealing))
    peer_policies = PeerPolicies(state)
    answering = Answering(
        tickets=Tickets(keys.pairwise),
        policy=policy,
        ledger=ledger,
        records=records,
        metrics=metrics,
        tracing=tracing,
        releases=releases,
    )
    stack.push_async_callback(answering.settled)
    asking = Asking(
        ori=ori,
        policy=policy,
        ledger=ledger,
        peers=peers,
        answering=answering,
        searches=searches,
        confirmations=confirmations,
        duties=duties,
        peer_policies=peer_policies,
        sign=signer.sign_detached,
        keep_days=settings.searches_keep_days,
        metrics=metrics,
        tracing=tracing,
    )
    agreeing = Agreeing(
        ori=ori,
        policy=policy,
        ledger=ledger,
        peers=peers,
        folder=folder,
        peer_policies=peer_policies,
        metrics=metrics,
        state=state,
    )
    applying = Applying(ori=ori, policy=policy, ledger=ledger)
    if settings.policy_watch:
        stack.push_async_callback(ended, asyncio.create_task(applying.watch()))
    await agreeing.start()
    stack.push_async_callback(agreeing.stop)
    return Gateway(
        ori=ori,
        name=settings.name,
        base_url=settings.base_url.rstrip("/"),
        tokens=tokens,
        signer=signer,
        verifier=verifier,
        policy=policy,
        ledger=ledger,
        records=records,
        peers=peers,
        peer_policies=peer_policies,
        searches=searches,
        confirmations=confirmations,
        duties=duties,
        releases=releases,
        asking=asking,
        answering=answering,
        agreeing=agreeing,
        applying=applying,
        refused_readings=refused_readings,
        metrics=metrics,
        schedule=schedule,
    )


async def _ledger(settings: Settings, keys: Keys, stack: AsyncExitStack) -> Ledger:
    """Open the access log first: without it nothing may happen."""
    ledger = Ledger(
        settings.home / "data" / "ledger.db",
        origin=origin_of(settings.ori),
        log_key=keys.log,
        sealing_key=ledger_key(keys.sealing),
    )
    await ledger.start()
    stack.push_async_callback(ledger.stop)
    return ledger


async def _policy(
    settings: Settings,
    keys: Keys,
    agreements: AgreementFolder,
    note: Note,
    stack: AsyncExitStack,
) -> Policy:
    """Bring the policy set into force, in the embedded engine or in an OPA server."""
    data = settings.home / "data"

    def pairwise(subject: str, peer: Ori) -> str:
        return pairwise_subject(keys.pairwise, peer, subject)

    engine: Engine | None = None
    if settings.opa_url:
        token = _secret(settings.opa_token_file)
        engine = OpaServerEngine(
            *(
                OpaServer(
                    url=url,
                    bundles=data / "opa",
                    token=token,
                    ca_file=settings.opa_ca_file,
                    timeout_s=settings.opa_timeout_ms / 1000,
                )
                for url in settings.opa_url
            )
        )
    policy = await Policy.start(
        folder=settings.home / "policies",
        data_dir=data,
        self_ori=Ori(settings.ori),
        pairwise=pairwise,
        engine=engine,
        source=_policy_source(settings),
        warn=timedelta(days=settings.policy_warn_days),
        agreements=Agreements(agreements, _approvals(settings)),
        answer_bytes=settings.max_answer_bytes,
        note=note,
    )
    stack.push_async_callback(policy.close)
    # Where the folder is watched, a saved edit is applied at once.
    policy.expect_edits(ahead=not settings.policy_watch)
    return policy


def _approvals(settings: Settings) -> Approvals | None:
    """Give what approves agreements, where two people have to."""
    if APPROVED not in settings.policy_two_persons:
        return None
    return Approvals(settings.home, load_signers(settings.home))


def _policy_source(settings: Settings) -> Source:
    """Give where policy comes from: the edited folder, or the signed bundle alone."""
    signers, two = load_signers(settings.home), settings.policy_two_persons
    if settings.policy_signed and not signers.names:
        raise Misconfigured(
            "policy_signed is on, and policy_signers.yaml names nobody, so no bundle could count; "
            "make a key with `sallyport policy signer`"
        )
    if two and len(signers.names) < 2:  # noqa: PLR2004 - the rule is of two people
        raise Misconfigured(
            "policy_two_persons is set, and policy_signers.yaml names fewer than two people"
        )
    # Agreements are no part of the set: their second person approves each text by itself.
    two = tuple(p for p in two if p != APPROVED)
    if settings.policy_signed:
        return BundleSource(settings.home / BUNDLE_FILE, signers, two)
    return FolderSource(settings.home / "policies", signers, two)


def _live(home: Path) -> list[RecordSource]:
    """Give the live sources that the mappings name. Raises Misconfigured where one's name is not
    its own: nobody could say then which source a search, or its failure, speaks of.
    """  # noqa: D205 - one sentence too long for one line
    mappings = sorted((home / "mappings").glob("*.yaml"))
    named = [(adapters.name_of(path), path) for path in mappings]
    twice = adapters.doubled(named)
    live = [(name, path) for name, path in named if adapters.is_live(path)]
    for name, _ in live:
        if name in twice:
            raise Misconfigured(
                f"{twice[name]}, which is searched live; give one of them a name of its own"
            )
    return [adapters.live(path) for _, path in live]


async def _records(home: Path, live: Sequence[RecordSource], stack: AsyncExitStack) -> Records:
    """Open the mirrors and the live sources."""
    records = Records(home / "data" / "records.db", live)
    await records.start()
    stack.push_async_callback(records.stop)
    return records


async def _schedule(
    settings: Settings, make: MakeSchedule | None, metrics: Metrics, stack: AsyncExitStack
) -> Schedule | None:
    """Poll the sources whose mappings say so."""
    if make is None:
        return None
    schedule = make(settings, lambda source, outcome: metrics.imports.labels(source, outcome).inc())
    stack.push_async_callback(ended, asyncio.create_task(schedule.run(), name="schedule"))
    return schedule


def _secret(file: Path | None) -> str | None:
    return None if file is None else file.read_text(encoding="utf-8").strip()


async def _tokens(
    settings: Settings,
    keys: Keys,
    *,
    ledger: Ledger,
    metrics: Metrics,
    state: Database,
    stack: AsyncExitStack,
) -> TokenService:
    """Open the token service. No log-on without its line in the log."""

    async def report(logon: LogOn) -> None:
        officer = logon.officer
        draft = Draft(
            type=EntryType.NOTICE,
            peer=settings.ori,
            decision="logon" if logon.succeeded else "logon_failed",
            reasons=logon.causes,
            results=logon.count,
            personal={"client": logon.client, "officer": officer.subject if officer else None},
        )
        await ledger.begin([draft])

    service = TokenService(
        keys.token,
        issuer=settings.base_url.rstrip("/"),
        ori=Ori(settings.ori),
        clients=clients.load(settings.home / clients.FILE),
        replays=Replays(state),
        report=report,
        count=lambda outcome: metrics.logons.labels(outcome).inc(),
        token_seconds=settings.token_seconds,
    )

    async def flush_now_and_then() -> None:
        while True:
            await asyncio.sleep(AGGREGATE_S)
            try:
                await service.flush()
            except LedgerUnavailable:
                _log.error("log-ons not logged yet")

    task = asyncio.create_task(flush_now_and_then())
    stack.push_async_callback(service.flush)  # after the task has ended
    stack.push_async_callback(ended, task)
    return service


def _names(kind: Any) -> Iterator[str]:
    """Give every name that a request of this kind may hold, at any depth."""
    if is_dataclass(kind):
        for f in fields(kind):
            yield f.name
            yield from _names(f.type)
    for inner in get_args(kind):
        yield from _names(inner)
