"""The use cases: search, answer, retrieve. The life of every exchange, in order."""

from gateway.exchange.aggregate import Aggregate
from gateway.exchange.answering import Answering, Received
from gateway.exchange.asking import Asking
from gateway.exchange.outcome import AgencyOutcome, Receipt, SearchOutcome
from gateway.exchange.refused_readings import RefusedReadings
from gateway.exchange.releases import Releases
from gateway.exchange.searches import Overdue, Searches

__all__ = [
    "AgencyOutcome",
    "Aggregate",
    "Answering",
    "Asking",
    "Overdue",
    "Receipt",
    "Received",
    "RefusedReadings",
    "Releases",
    "SearchOutcome",
    "Searches",
]
