r"""Agreements as signed documents: what they say, in one canonical text, and who signed it.

The text is JSON in canonical form: names sorted, no spaces, UTF-8, integers only, names in ASCII,
where this and RFC 8785 agree. Each party signs the same bytes with the key that it has for
agreements alone (Ed25519, `keys/agreement.pem`), pinned by the others in peers.yaml:

    signature over  "sallyport agreement v1\n" ‖ canonical text
    statement over  "sallyport agreement statement v1\n" ‖ canonical statement

A *statement* is what one party says alone about an agreement that is signed: suspend, resume,
revoke. The highest `sequence` of a party counts, so that a repeated old one changes nothing: each
takes the next number, and at least the milliseconds since 1970. `revoke` is for ever. What an
agreement says of purposes and classes is the policy's vocabulary, and is held against it in the
policy room.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic import model_validator as after

from gateway.errors import Invalid
from gateway.model import (
    ORI_PATTERN,
    Long,
    OriText,
    Sha256,
    Short,
    Text,
    Timestamp,
    Word,
    digest,
)
from gateway.trust.jwk import b64url, ed_jwk, thumbprint

TEXT_TAG = b"sallyport agreement v1\n"
STATEMENT_TAG = b"sallyport agreement statement v1\n"
_SIGNATURE_BYTES = 64
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORI = re.compile(ORI_PATTERN)

AgreementId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Party = Annotated[str, StringConstraints(pattern=r"^([A-Z0-9]{9}|[a-z][a-z0-9_]{0,63})$")]
"""An agency's ORI, or a type of agency: then each agency of the type that signs is a party."""


def _moment(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", text):
        raise ValueError("has to be a moment in UTC, with its Z, such as 2029-01-01T00:00:00Z")
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"is no moment that there is: {error}") from None
    return text


def _day(text: str) -> str:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ValueError("has to be a day as year-month-day, such as 2029-01-31")


Moment = Annotated[str, AfterValidator(_moment)]
Day = Annotated[str, AfterValidator(_day)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Offset = Annotated[str, StringConstraints(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$")]
Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{86}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
_Words = Annotated[list[Word], Field(min_length=1, max_length=64)]
_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class Act(StrEnum):
    """What a party may say alone."""

    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"


class _Model(BaseModel):
    model_config = _CONFIG


class Paper(_Model):
    """The paper that was signed by hand: its digest, so that it can be told from another."""

    digest: Sha256
    title: Text | None = None


class Signatory(_Model):
    """Who signed the paper for a party."""

    name: Text
    title: Text
    signed_on: Day


class Valid(_Model):
    """From the first moment, until before the second. UTC."""

    from_: Moment = Field(alias="from")
    to: Moment

    @after(mode="after")
    def _ordered(self) -> Self:
        # Both are real moments, or this raises.
        if datetime.fromisoformat(self.from_) >= datetime.fromisoformat(self.to):
            raise ValueError("`to` must be later than `from`")
        return self


class Handling(_Model):
    """What the one who receives has to do."""

    keep_days: Annotated[int, Field(ge=0, le=36_500)]
    onward_sharing: Word
    caveat: Long | None = None


class Duty(_Model):
    """One thing more that the one who receives has to do: its word, and what the word takes."""

    type: Word
    days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    rule: Word | None = None
    text: Long | None = None


class Grant(_Model):
    """What one party lets the others see for some purposes. Freshness in minutes a record type."""

    purposes: _Words
    record_types: _Words
    granularity: Word
    freshness_minutes: dict[Word, Annotated[int, Field(ge=0, le=52_560_000)]] = {}
    handling: Handling
    classes: dict[Word, Word]
    obligations: Annotated[list[Duty], Field(max_length=16)] = []


class Hours(_Model):
    """When it may be used: days, and times of the day at a fixed offset from UTC.

    A span over midnight is written as it is: from 22:00 to 06:00.
    """

    days: Annotated[list[Literal[_DAYS]], Field(min_length=1, max_length=7)]  # type: ignore[valid-type]  # the seven names, from one tuple
    from_: Clock = Field(alias="from")
    to: Clock
    utc_offset: Offset = "+00:00"

    @after(mode="after")
    def _some_time(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("`from` and `to` are the same moment of the day")
        return self


class Members(_Model):
    """Who of one agency is on a task force: its units, by their names in questions."""

    units: Annotated[list[Text], Field(min_length=1, max_length=64)]


class TaskForce(_Model):
    """A joint task force: who is on it, and for which cases."""

    name: Text
    roster: Annotated[dict[OriText, Members], Field(min_length=2)]


class Agreement(_Model):
    """The text of one agreement. A later `version` takes an earlier's place."""

    format: Literal[1]
    id: AgreementId
    version: Annotated[int, Field(ge=1, le=10_000)]
    replaces: Sha256 | None = None
    title: Text
    citation: Text
    parties: Annotated[list[Party], Field(min_length=2, max_length=32)]
    paper: Paper
    signatories: dict[Party, Signatory]
    valid: Valid
    shares: Annotated[
        dict[Party, Annotated[list[Grant], Field(max_length=64)]], Field(min_length=1)
    ]
    hours: Hours | None = None
    cases: Annotated[list[Short], Field(min_length=1, max_length=256)] | None = None
    task_force: TaskForce | None = None

    @after(mode="after")
    def _whole(self) -> Self:
        if len(set(self.parties)) != len(self.parties):
            raise ValueError("a party stands twice")
        if set(self.signatories) != set(self.parties):
            raise ValueError("each party needs its signatory, and nobody else has one")
        if not set(self.shares) <= set(self.parties):
            raise ValueError("only parties share")
        for party, grants in self.shares.items():
            purposes = [p for g in grants for p in g.purposes]
            if len(set(purposes)) != len(purposes):
                raise ValueError(f"{party} shares for one purpose twice")
        if self.task_force is not None:
            if set(self.task_force.roster) != set(self.parties):
                raise ValueError("a task force's roster has each party, by ORI, and nobody else")
            if self.cases is None:
                raise ValueError("a task force needs its cases")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The parties that are agencies by ORI: each has to sign before anything counts."""
        return tuple(p for p in self.parties if _ORI.fullmatch(p))


class StatementText(_Model):
    """What one party says alone. It holds for this version and the earlier ones."""

    format: Literal[1]
    agreement: AgreementId
    version: Annotated[int, Field(ge=1, le=10_000)]
    digest: Sha256
    party: OriText
    act: Act = Field(strict=False)
    sequence: Annotated[int, Field(ge=1, lt=2**53)]
    at: Timestamp
    reason: Long


class Signed(_Model):
    """One party's signature."""

    party: OriText
    key_id: KeyId
    signature: Signature


class Envelope(_Model):
    """A text with the signatures over it, as it is kept and handed over."""

    format: Literal[1]
    text: dict[str, Any]
    signatures: Annotated[list[Signed], Field(max_length=64)]


class StatementEnvelope(_Model):
    """A statement with its party's signature."""

    format: Literal[1]
    statement: dict[str, Any]
    key_id: KeyId
    signature: Signature


_ID = TypeAdapter[str](AgreementId)


def is_id(text: str) -> bool:
    """Whether an agreement can have this id."""
    try:
        _ID.validate_python(text)
    except ValidationError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Document:
    """An agreement as it was read. `canonical` is what is signed; `signatures` are not verified."""

    agreement: Agreement
    canonical: bytes = field(repr=False)
    signatures: tuple[Signed, ...]

    @property
    def digest(self) -> str:
        """Name the text: two gateways hold the same one if their digests are equal."""
        return digest(self.canonical)

    @property
    def text(self) -> dict[str, Any]:
        """The text as JSON holds it."""
        text: dict[str, Any] = orjson.loads(self.canonical)
        return text

    def envelope(self) -> Envelope:
        """Give it as it is kept and handed over."""
        return Envelope(format=1, text=self.text, signatures=list(self.signatures))

    def signed_by(self, more: Sequence[Signed]) -> "Document":
        """Add signatures; a party's later one takes the place of its earlier one."""
        by = {s.party: s for s in (*self.signatures, *more)}
        return Document(self.agreement, self.canonical, tuple(by[p] for p in sorted(by)))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it was read; the signature is not verified."""

    said: StatementText
    canonical: bytes = field(repr=False)
    key_id: str
    signature: str

    def envelope(self) -> StatementEnvelope:
        """Give it as it is kept and handed over."""
        said: dict[str, Any] = orjson.loads(self.canonical)
        return StatementEnvelope(
            format=1, statement=said, key_id=self.key_id, signature=self.signature
        )


Keyring = Mapping[str, Ed25519PublicKey]
"""By ORI: what each agency signs agreements with, the own key among them."""


def canonical(document: Any) -> bytes:
    """Write the one form that is signed: JSON, names sorted, no spaces, UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def document_of(agreement: Agreement, signatures: Sequence[Signed] = ()) -> Document:
    """Give an agreement its canonical text."""
    plain = agreement.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Document(agreement, canonical(plain), tuple(signatures))


def read_document(raw: Any) -> Document:
    """Read an envelope from parsed JSON. Raises pydantic's ValidationError, or Invalid.

    The text must be written as this program writes it, so that nothing in it is signed unread.
    """
    envelope = Envelope.model_validate(raw)
    agreement = Agreement.model_validate(envelope.text)
    document = document_of(agreement, envelope.signatures)
    if canonical(envelope.text) != document.canonical:
        raise Invalid("The agreement's text is not written in full: make it by `agreement sign`.")
    parties = [s.party for s in envelope.signatures]
    if len(set(parties)) != len(parties):
        raise Invalid("A party's signature stands twice under the agreement.")
    return document


def read_statement(raw: Any) -> Statement:
    """Read a statement from parsed JSON. Raises pydantic's ValidationError, or Invalid."""
    envelope = StatementEnvelope.model_validate(raw)
    said = StatementText.model_validate(envelope.statement)
    written = canonical(said.model_dump(mode="json"))
    if canonical(envelope.statement) != written:
        raise Invalid("The statement is not written in full.")
    return Statement(said, written, envelope.key_id, envelope.signature)


def sign(document: Document, key: Ed25519PrivateKey, party: str) -> Signed:
    """Sign an agreement's text for one party."""
    return Signed(
        party=party,
        key_id=thumbprint(ed_jwk(key.public_key())),
        signature=b64url(key.sign(TEXT_TAG + document.canonical)),
    )


def state(said: StatementText, key: Ed25519PrivateKey) -> Statement:
    """Sign a statement."""
    written = canonical(said.model_dump(mode="json"))
    return Statement(
        said,
        written,
        thumbprint(ed_jwk(key.public_key())),
        b64url(key.sign(STATEMENT_TAG + written)),
    )


def verified_by(document: Document, signed: Signed, keyring: Keyring) -> bool:
    """Whether this signature is its party's, over this text."""
    return _verifies(keyring.get(signed.party), TEXT_TAG + document.canonical, signed.signature)


def statement_verifies(statement: Statement, keyring: Keyring) -> bool:
    """Whether the statement is its party's."""
    data = STATEMENT_TAG + statement.canonical
    return _verifies(keyring.get(statement.said.party), data, statement.signature)


def _verifies(key: Ed25519PublicKey | None, data: bytes, signature: str) -> bool:
    if key is None:
        return False
    try:
        raw = base64.urlsafe_b64decode(signature + "==")
        if len(raw) != _SIGNATURE_BYTES or b64url(raw) != signature:
            return False
        key.verify(raw, data)
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


_PLAIN = {
    "missing": "is missing: write it down",
    "string_too_short": "is still empty: fill it in",
    "too_short": "is still empty: name at least one",
    "extra_forbidden": "is nothing that an agreement has: take it out, or correct its name",
    "string_type": "has to be a text: put it in quotes",
    "model_type": "is no agreement: begin with `sallyport agreement draft`",
    "string_pattern_mismatch": "is empty, or has another form than is wanted here: see the draft",
}
"""What a person can do about a fault, by pydantic's name for it."""


def findings(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """Give where in the document each fault is, and what it is; values are not repeated."""
    return [
        (tuple(e["loc"]), _PLAIN.get(e["type"]) or str(e["msg"]).removeprefix("Value error, "))
        for e in error.errors(include_input=False, include_url=False)
    ]
