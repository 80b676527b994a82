"""The parts that routes may use, put together by `app`, reached through the request."""

from dataclasses import dataclass

from fastapi import Request

from gateway.exchange import Answering, Asking, RefusedReadings, Releases, Searches
from gateway.exchange.agreements import Agreeing
from gateway.exchange.applying import Applying
from gateway.exchange.confirmations import Confirmations
from gateway.exchange.duties import Duties
from gateway.exchange.peer_policies import PeerPolicies
from gateway.ledger import Ledger
from gateway.model import Ori
from gateway.peers import Peers
from gateway.policy import Policy
from gateway.records.find import Records
from gateway.records.schedule import Schedule
from gateway.telemetry import Metrics
from gateway.trust.signatures import Signer, Verifier
from gateway.trust.tokens import TokenService


@dataclass(frozen=True, slots=True)
class Gateway:
    """One running gateway. `base_url` without a slash at its end."""

    ori: Ori
    name: str
    base_url: str
    tokens: TokenService
    signer: Signer
    verifier: Verifier
    policy: Policy
    ledger: Ledger
    records: Records
    peers: Peers
    peer_policies: PeerPolicies
    searches: Searches
    confirmations: Confirmations
    duties: Duties
    releases: Releases
    asking: Asking
    answering: Answering
    agreeing: Agreeing
    applying: Applying
    refused_readings: RefusedReadings
    metrics: Metrics
    schedule: Schedule | None = None
    """Who polls the sources; None where nobody does."""


def gateway_of(request: Request) -> Gateway:
    """Give the gateway that serves this request."""
    gateway: Gateway = request.app.state.gateway
    return gateway
