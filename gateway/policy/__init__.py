"""Policy decides; nothing leaves without it. The names that other rooms use stand here.

Rego in `policies/`, evaluated by an embedded engine or by an OPA server. The facade is `Policy`;
only it makes a `Permit`, an `AnswerPermit` or a `Released` (see `proof`).
"""

from gateway.policy.engine import Engine, Limits
from gateway.policy.facade import Policy
from gateway.policy.in_force import Note
from gateway.policy.obligations import DONE_BY_A_PERSON
from gateway.policy.proof import (
    AdmitRefusal,
    AnswerPermit,
    AnswerRefusal,
    AskDecision,
    Evidence,
    Given,
    PeerRefusal,
    Permit,
    Released,
)
from gateway.policy.released import PersonRelease, warrant_input
from gateway.policy.vocabulary import Vocabulary

__all__ = [
    "DONE_BY_A_PERSON",
    "AdmitRefusal",
    "AnswerPermit",
    "AnswerRefusal",
    "AskDecision",
    "Engine",
    "Evidence",
    "Given",
    "Limits",
    "Note",
    "PeerRefusal",
    "Permit",
    "PersonRelease",
    "Policy",
    "Released",
    "Vocabulary",
    "warrant_input",
]
