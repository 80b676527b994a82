"""The other gateways: a client for permitted questions, fan-out, back-off."""

from gateway.peers.backoff import BackOff
from gateway.peers.client import (
    ANSWER,
    PATH,
    QUESTION,
    Failure,
    Peers,
    Prepared,
    Reply,
    Signed,
    prepare,
)
from gateway.peers.transport import AiohttpTransport

__all__ = [
    "ANSWER",
    "PATH",
    "QUESTION",
    "AiohttpTransport",
    "BackOff",
    "Failure",
    "Peers",
    "Prepared",
    "Reply",
    "Signed",
    "prepare",
]
