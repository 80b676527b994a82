"""Every error that the gateway raises on purpose, as one tree. There is no HTTP in it.

SallyportError
├── Invalid             the caller's question cannot be taken as it stands
│   ├── TooVague        it names too little to be a search
│   └── TooLarge        it is over a stated size
├── NotAuthenticated    nobody proved who is asking
├── Forbidden           known, but may not do this
│   └── Refused         a policy said no; carries its reasons
├── NotFound            nothing stands under that name
├── Conflict            it contradicts what stands
│   └── Shrinks         an import would drop more records than its source may lose
│       ├── Opens           or handle more of them less strictly than may be at once
│       ├── Older           or is of an earlier moment than its records
│       └── Unread          or records that may stand where a file could not be read
├── Unavailable         this gateway can't do it now; nothing was released
│   ├── PolicyUnavailable   no decision could be had
│   │   └── Absent          one OPA server gives none now; another may (gateway.policy)
│   ├── LedgerUnavailable   the access log can't be written
│   └── RecordsUnavailable  the records can't be read
│       └── RecordsChanged      an import replaced what was found; find it anew
├── PeerError           another gateway failed us
│   ├── PeerTimeout     no answer in time
│   ├── PeerUnreachable no connection, or it broke
│   ├── PeerBackingOff  not tried: it failed a moment ago
│   ├── PeerBadSignature  its answer is not signed by it for this question
│   └── PeerBadAnswer   its answer breaks the protocol
├── SignatureInvalid    a message does not prove who sent it, or that it is fresh
│   └── Replayed        its nonce was seen before
├── Misconfigured       the gateway's own files are wrong; it does not start
│   ├── SourceMissing   a source's file is not there; its last records go on serving
│   ├── PolicyRejected  a candidate policy set does not pass vetting
│   └── WrongMapping    a line of a mapping is wrong (adapters)
│       └── PassedOver  it follows from another fault
└── Untranslatable      a legacy row can't be turned into the standard schema

`code` is stable and public. `detail` is for its reader: what happened, why, what to do. Neither
ever holds personal data or a secret: `detail` names fields, never their values.
"""

from typing import ClassVar


class SallyportError(Exception):
    """The root. `code` is stable; `detail` says what happened, why, and what to do."""

    default_code: ClassVar[str] = "gateway.error"

    def __init__(self, detail: str, *, code: str | None = None, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.pointer = pointer


class Invalid(SallyportError):
    """The caller's question can't be taken as it stands. `pointer` names the field (RFC 6901)."""

    default_code = "request.invalid"


class TooVague(Invalid):
    """It names too little to be a search."""

    default_code = "search.too_vague"


class TooLarge(Invalid):
    """It is over a stated size."""

    default_code = "request.too_large"


class NotAuthenticated(SallyportError):
    """Nobody proved who is asking. One text for every cause, so that nothing can be learned."""

    default_code = "auth.not_authenticated"


class Forbidden(SallyportError):
    """Known, but may not do this."""

    default_code = "auth.forbidden"


class Refused(Forbidden):
    """A policy said no. `reasons` are safe for the one who asked."""

    default_code = "policy.refused"

    def __init__(self, detail: str, *, reasons: tuple[object, ...] = ()) -> None:
        super().__init__(detail)
        self.reasons = reasons


class NotFound(SallyportError):
    """Nothing stands under that name."""

    default_code = "request.not_found"


class Conflict(SallyportError):
    """It contradicts what stands."""

    default_code = "request.conflict"


class Unavailable(SallyportError):
    """This gateway can't do it now; nothing was released."""

    default_code = "gateway.unavailable"


class PolicyUnavailable(Unavailable):
    """No decision could be had: missing, malformed, late, or in an unknown vocabulary."""

    default_code = "policy.unavailable"


class LedgerUnavailable(Unavailable):
    """The access log can't be written, so nothing may happen."""

    default_code = "ledger.unavailable"


class RecordsUnavailable(Unavailable):
    """The records can't be read."""

    default_code = "records.unavailable"


class RecordsChanged(RecordsUnavailable):
    """An import replaced what was found before it was read. To find it again helps."""


class PeerError(SallyportError):
    """Another gateway failed us. `status` is the per-agency status that the asker sees.

    `retry_after_s` says when it is tried again, where that is known.
    """

    default_code = "peer.error"
    status: ClassVar[str] = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class PeerTimeout(PeerError):
    """No answer in time."""

    default_code = "peer.timeout"
    status = "timeout"


class PeerUnreachable(PeerError):
    """No connection, or it broke."""

    default_code = "peer.unreachable"
    status = "unreachable"


class PeerBackingOff(PeerError):
    """Not tried: it failed a moment ago."""

    default_code = "peer.backing_off"
    status = "backing_off"


class PeerBadSignature(PeerError):
    """Its answer is not signed by it for this question."""

    default_code = "peer.bad_signature"
    status = "bad_signature"


class PeerBadAnswer(PeerError):
    """Its answer breaks the protocol."""

    default_code = "peer.bad_answer"
    status = "bad_answer"


class SignatureInvalid(SallyportError):
    """A message does not prove who sent it, or that it is fresh."""

    default_code = "signature.invalid"


class Replayed(SignatureInvalid):
    """Its nonce was seen before."""

    default_code = "signature.replayed"


class Misconfigured(SallyportError):
    """The gateway's own files are wrong, or not safe; it does not start."""

    default_code = "config.invalid"


class SourceMissing(Misconfigured):
    """A source's file is not there. The records of its last import go on serving."""

    default_code = "source.missing"


class PolicyRejected(Misconfigured):
    """A candidate policy set does not pass vetting. `where` is file and line, if known.

    `shown` is what whoever sees the gateway's state may read of it, where the detail names people.
    """

    default_code = "policy.rejected"

    def __init__(self, detail: str, *, where: str | None = None, shown: str | None = None) -> None:
        super().__init__(detail)
        self.where = where
        self.shown = shown or detail


class Untranslatable(SallyportError):
    """A legacy row can't be turned into the standard schema. `column` names the culprit."""

    default_code = "adapter.untranslatable"

    def __init__(self, detail: str, *, column: str | None = None, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.column = column
