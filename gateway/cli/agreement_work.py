"""What the `agreement` commands do to a gateway's folder: drafts, signatures, statements.

Nothing here needs a running gateway; what it writes counts when the gateway reads it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from gateway import settings as settings_files
from gateway.errors import Conflict, Invalid, Misconfigured, NotFound, PolicyRejected
from gateway.model import Ori, stamp
from gateway.policy.agreements import (
    Agreed,
    Agreements,
    pairs,
    place,
    said_last,
    unknown_words,
)
from gateway.policy.approvals import PART, Approvals
from gateway.policy.kept import KeptSets
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.signers import load_signers
from gateway.policy.vocabulary import read_vocabulary
from gateway.trust import keys, registry
from gateway.trust.agreement_files import CAP, AgreementFolder, Held
from gateway.trust.agreements import (
    Act,
    Agreement,
    Document,
    Statement,
    StatementText,
    document_of,
    findings,
    read_document,
    read_statement,
    sign,
    state,
)
from gateway.trust.files import load_yaml


@dataclass(frozen=True, slots=True)
class Desk:
    """One gateway's folder, opened to work on its agreements."""

    home: Path
    ori: str
    folder: AgreementFolder
    policy_set: PolicySet
    approvals: Approvals | None = None
    """Where two people here have to approve an agreement."""

    def read(self) -> Agreed:
        """Read what is held, against the words of the set in force."""
        return Agreements(self.folder, self.approvals).read(self.policy_set)

    def held(self, agreement: str, version: int | None = None) -> Held:
        """Give one document. Raises NotFound."""
        found = self.read().book.get(agreement, version)
        if found is None:
            raise NotFound(
                f"There is no agreement {agreement} here: see `sallyport agreement list`."
            )
        return found


def open_desk(home: Path, policy_set: PolicySet | None = None) -> Desk:
    """Open a gateway's folder: the set in force, or the edited one before the first start."""
    settings = settings_files.load(home)
    own = keys.read_agreement(settings.home)
    peers = registry.load(settings.home / registry.FILE, own_ori=Ori(settings.ori))
    folder = AgreementFolder(
        settings.home, own=settings.ori, keyring=peers.keyring(settings.ori, own)
    )
    words = policy_set or _set_of(settings.home)
    approvals = None
    if PART in settings.policy_two_persons:
        approvals = Approvals(settings.home, load_signers(settings.home))
    return Desk(settings.home, settings.ori, folder, words, approvals)


def _set_of(home: Path) -> PolicySet:
    data = home / "data"
    active = KeptSets(data).active() if (data / "policy_sets").is_dir() else None
    return active or load_set(home / "policies")


def read_file(desk: Desk, file: Path) -> Document:
    """Read a draft (YAML) or an envelope (JSON). Raises PolicyRejected with file and line.

    What nobody knows the meaning of is refused here: a word that is in no vocabulary, an agency in
    no directory.
    """
    text = _text(file)
    document = _document(text, file)
    words = read_vocabulary(desk.policy_set.data)
    for unknown in unknown_words(document.agreement, words, desk.policy_set.data):
        raise PolicyRejected(unknown.reason, where=f"{file.name}:{place(text, unknown.path)}")
    return document


def _document(text: str, file: Path) -> Document:
    raw = load_yaml(text.encode(), file.name, days=False)
    try:
        if isinstance(raw, dict) and "signatures" in raw:
            return read_document(raw)
        return document_of(Agreement.model_validate(raw))
    except ValidationError as error:
        (line, first), *others = _faults(text, error)
        more = "".join(f"\n  line {at}: {fault}" for at, fault in others)
        raise PolicyRejected(first + more, where=f"{file.name}:{line}") from None
    except Invalid as error:
        raise PolicyRejected(error.detail, where=file.name) from None


def _faults(text: str, error: ValidationError) -> list[tuple[int, str]]:
    """Give all that is wrong with a document, each with its line, from its beginning."""
    return sorted((place(text, path), _fault(path, reason)) for path, reason in findings(error))


def _fault(path: tuple[str | int, ...], reason: str) -> str:
    return f"'{'.'.join(map(str, path)) or 'agreement'}' {reason}"


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(CAP + 1)
        if len(data) > CAP:
            raise Invalid(f"{file.name} is over {CAP} bytes: that is no agreement.")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file.name} can't be read ({type(error).__name__}).") from None


def sign_here(desk: Desk, document: Document, *, now: datetime | None = None) -> Held:
    """Put this agency's signature under a document and keep it. Raises Invalid, Conflict.

    The signatures that came with it are kept if they are good.
    """
    agreement = document.agreement
    types = desk.read().types
    if desk.ori not in agreement.parties and types.get(desk.ori) not in agreement.parties:
        raise Invalid(
            f"{desk.ori} is no party to {agreement.id}, and neither is its type of agency."
        )
    if datetime.fromisoformat(agreement.valid.to) <= (now or datetime.now(UTC)):
        raise Invalid(f"{agreement.id} has ended already: nothing would follow from signing it.")
    if desk.approvals is not None and (fault := desk.approvals.fault(document)) is not None:
        raise Conflict(f"{fault}. Nothing was signed.", code="agreement.not_approved")
    mine = sign(document, keys.read_agreement(desk.home), desk.ori)
    desk.folder.put(document.signed_by([mine]))
    return desk.held(agreement.id, agreement.version)


def approve(desk: Desk, document: Document, key: ec.EllipticCurvePrivateKey) -> tuple[str, ...]:
    """Approve a text as one person here. Gives who has. Raises Misconfigured, PolicyRejected."""
    if desk.approvals is None:
        raise Misconfigured(
            "no second person is wanted for agreements here, so an approval would do nothing. Set "
            f'policy_two_persons = ["{PART}"] first, and restart the gateway'
        )
    return desk.approvals.approve(document, key)


def take(desk: Desk, file: Path) -> str:
    """Take in what another party sent, without signing it. Tells what it was."""
    raw = load_yaml(_text(file).encode(), file.name)
    if isinstance(raw, dict) and "statement" in raw:
        try:
            statement = read_statement(raw)
        except ValidationError as error:
            raise Invalid(f"{file.name} is no statement: {_fault(*findings(error)[0])}") from None
        held = desk.held(statement.said.agreement)
        if statement.said.party not in held.signers:
            raise Invalid(f"{statement.said.party} is no party to {statement.said.agreement}.")
        news = desk.folder.put_statement(statement)
        what = f"{statement.said.party}: {statement.said.act} {statement.said.agreement}"
    else:
        document = read_file(desk, file)
        news = desk.folder.put(document)
        what = f"{document.agreement.id}, version {document.agreement.version}"
    return what if news else f"{what} (nothing new)"


def say(desk: Desk, agreement: str, act: Act, reason: str) -> Statement:
    """Say something alone, as this agency, of what it signed. Raises NotFound or Conflict."""
    book = desk.read().book
    held = book.get(agreement)
    mine = [h for h in book.documents if h.document.agreement.id == agreement]
    signed = [h for h in mine if desk.ori in h.signers]
    if held is None or not signed:
        raise NotFound(
            f"There is no agreement {agreement} here that this agency has signed and that can be "
            "read: see `sallyport agreement list`."
        )
    latest = max(signed, key=lambda h: h.document.agreement.version).document
    version = latest.agreement.version
    before = book.latest(agreement, desk.ori, version)
    if before is not None and before.said.act is Act.REVOKE:
        raise Conflict(f"{agreement} was revoked: only a new version, signed by all, can follow.")
    if act is Act.RESUME and (before is None or before.said.act is not Act.SUSPEND):
        raise Conflict(f"This agency has not suspended {agreement}.")
    if act is Act.SUSPEND and before is not None and before.said.act is Act.SUSPEND:
        raise Conflict(f"This agency has suspended {agreement} already.")
    mine_said = [
        s.said.sequence
        for s in book.statements
        if s.said.agreement == agreement and s.said.party == desk.ori
    ]
    now = datetime.now(UTC)
    try:
        said = StatementText(
            format=1,
            agreement=agreement,
            version=version,
            digest=latest.digest,
            party=desk.ori,
            act=act,
            # By the clock: partners know of later ones where the folder is from a backup.
            sequence=max(*mine_said, 0, int(now.timestamp() * 1000) - 1) + 1,
            at=stamp(now),
            reason=reason,
        )
    except ValidationError as error:
        raise Invalid(f"The reason can't be used: {_fault(*findings(error)[0])}") from None
    statement = state(said, keys.read_agreement(desk.home))
    desk.folder.put_statement(statement)
    return statement


def renewed(desk: Desk, agreement: str, begins: str | None, ends: str) -> dict[str, Any]:
    """Give the text of a next version: the same, from where the latest ends, or as said.

    Raises NotFound, and Invalid where it would end before it begins.
    """
    held = desk.held(agreement)
    text = held.document.text
    text["version"] = held.document.agreement.version + 1
    text["replaces"] = held.document.digest
    starts = begins or held.document.agreement.valid.to
    if ends <= starts:
        raise Invalid(
            f"The new end, {ends}, is not later than its begin, {starts}: give another --to, or a "
            "--from before it."
        )
    text["valid"] = {"from": starts, "to": ends}
    return text


def left_behind(desk: Desk, agreement: Agreement) -> list[str]:
    """Name who suspended the version before: it counts no more once all have signed this one."""
    book = desk.read().book
    versions = [
        h.document.agreement.version
        for h in book.documents
        if h.complete
        and h.document.agreement.id == agreement.id
        and h.document.agreement.version < agreement.version
    ]
    if not versions:
        return []
    said = [book.latest(agreement.id, party, max(versions)) for party in agreement.named]
    return [
        s.said.party
        for s in said
        if s is not None and s.said.act is Act.SUSPEND and s.said.version < agreement.version
    ]


def overlapping(desk: Desk, held: Held) -> Iterator[tuple[Held, list[str]]]:
    """Find other agreements between the same agencies for a purpose of this one, with those.

    What is for certain hours, cases or units alone has its own place among them, and is no doubt.
    """
    mine = held.document.agreement
    if _limited(mine):
        return
    book = desk.read().book
    for other in book.documents:
        its = other.document.agreement
        if its.id == mine.id or _limited(its) or other.faults or book.followed(its):
            continue
        if not (mine.valid.from_ < its.valid.to and its.valid.from_ < mine.valid.to):
            continue
        if said_last(book, other, sorted(other.signers))[0] == "revoked":
            continue
        shared = set(mine.parties) & set(its.parties)
        both = sorted(
            {p for owner in shared for p in _purposes(mine, owner) & _purposes(its, owner)}
        )
        if len(shared) > 1 and both:
            yield other, both


def _limited(agreement: Agreement) -> bool:
    limits = (agreement.hours, agreement.cases, agreement.task_force)
    return any(limit is not None for limit in limits)


def _purposes(agreement: Agreement, owner: str) -> set[str]:
    return {p for grant in agreement.shares.get(owner, ()) for p in grant.purposes}


def partners(held: Held, types: Mapping[str, str], own: str) -> Sequence[str]:
    """Name the agencies that it stands between with this one."""
    found = {o for two in pairs(held, types) for o, _ in two}
    return sorted((found | set(held.document.agreement.named)) - {own})


def as_yaml(text: Mapping[str, Any]) -> str:
    """Write a text for editing."""
    written: str = yaml.safe_dump(dict(text), sort_keys=False, allow_unicode=True, width=100)
    return written


def envelope_bytes(document: Document) -> bytes:
    """Write a signed document as it is handed over."""
    return _json(document.envelope().model_dump(mode="json"))


def statement_bytes(statement: Statement) -> bytes:
    """Write a statement as it is handed over."""
    return _json(statement.envelope().model_dump(mode="json"))


def _json(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_new(path: Path, content: bytes) -> None:
    """Write a new file, 0600. Raises Misconfigured if it is there."""
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(content)
    except FileExistsError:
        raise Misconfigured(f"{path.name} is there already: give another name") from None
    except OSError as error:
        raise Misconfigured(f"{path.name} can't be written ({type(error).__name__})") from None
