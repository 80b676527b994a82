"""Agreements on disk: `agreements/` in the gateway's folder, read whole, verified, written at once.

    agreements/<id>/<version>.json           the text and its signatures, as `Envelope`
    agreements/<id>/<version>.<ORI>.json     another text that this party sent under the same name
    agreements/<id>/statements.json          what parties said alone: a list of `StatementEnvelope`
    agreements/.said/<id>.json               the same once more

Reading never fails as a whole: a document that can't be read or verified is a trouble, with file
and line, and gives nothing. So does a document whose statements can't be: one of them may have
suspended it. Where that file is lost, or an older one is put back, what stands in its copy counts:
nothing but a new statement takes a suspension back. The `sallyport` command and the running gateway
both write here, under a lock.
"""

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from gateway.durable import write_whole
from gateway.errors import Conflict, Invalid, Misconfigured
from gateway.trust.agreements import (
    Act,
    Agreement,
    Document,
    Keyring,
    Signed,
    Statement,
    findings,
    read_document,
    read_statement,
    statement_verifies,
    verified_by,
)

FOLDER = "agreements"
CAP = 256 * 1024
"""Bytes of one file."""
_MOST = 2_000
"""Files in the folder."""
_DOCUMENT = re.compile(r"([1-9][0-9]{0,4})\.json")
_OTHER = re.compile(r"([1-9][0-9]{0,4})\.([A-Z0-9]{9})\.json")
_STATEMENTS = "statements.json"
_COPIES = ".said"
_ALL_VERSIONS = 2**31


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a file, and where: `agreements/x/1.json:12`. It repeats no value."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """One document with what was verified. `signers` are ORIs; any fault makes it give nothing."""

    where: str
    document: Document
    signers: frozenset[str]
    faults: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The agencies by name whose valid signature is not there."""
        return tuple(p for p in self.document.agreement.named if p not in self.signers)

    @property
    def complete(self) -> bool:
        """Whether each agency by name has signed this very text, and nothing is wrong with it."""
        return not self.faults and not self.missing


@dataclass(frozen=True, slots=True)
class Book:
    """All that is held, as of one reading."""

    documents: tuple[Held, ...] = ()
    statements: tuple[Statement, ...] = ()
    """Verified ones alone."""
    differing: Mapping[tuple[str, int, str], Document] = field(default_factory=dict)
    """Other texts by id, version and the party that sent them."""
    troubles: tuple[Trouble, ...] = ()

    def get(self, agreement: str, version: int | None = None) -> Held | None:
        """Give the document of an id: the version, or the latest."""
        found = [
            h
            for h in self.documents
            if h.document.agreement.id == agreement
            and version in {None, h.document.agreement.version}
        ]
        return max(found, key=lambda h: h.document.agreement.version) if found else None

    def followed(self, agreement: Agreement) -> bool:
        """Whether all have signed a later version of it."""
        return any(
            h.complete
            and h.document.agreement.id == agreement.id
            and h.document.agreement.version > agreement.version
            for h in self.documents
        )

    def latest(self, agreement: str, party: str, version: int) -> Statement | None:
        """Give what a party said last of this version; a revocation outlasts whatever follows."""
        said = [
            s
            for s in self.statements
            if s.said.agreement == agreement and s.said.party == party and s.said.version >= version
        ]
        revoked = [s for s in said if s.said.act is Act.REVOKE]
        return max(revoked or said, key=lambda s: s.said.sequence, default=None)


class AgreementFolder:
    """The folder of one gateway. Blocking; some milliseconds a call."""

    def __init__(self, home: Path, *, own: str, keyring: Keyring) -> None:
        self.path = home / FOLDER
        self.own = own
        self.keyring = keyring

    def read(self) -> Book:
        """Read and verify everything. Raises Misconfigured only if the folder itself can't be."""
        documents: list[Held] = []
        statements: list[Statement] = []
        doubted: dict[str, int] = {}
        differing: dict[tuple[str, int, str], Document] = {}
        troubles: list[Trouble] = []
        for path in self._files():
            where = f"{FOLDER}/{path.relative_to(self.path).as_posix()}"
            try:
                if path.name == _STATEMENTS:
                    # Until it is read to its end, nothing of this agreement counts.
                    doubted[path.parent.name] = _ALL_VERSIONS
                    good, doubt = self._statements(path, where, troubles)
                    statements += good
                    doubted[path.parent.name] = doubt
                elif other := _OTHER.fullmatch(path.name):
                    document = self._document(path, where)
                    differing[document.agreement.id, document.agreement.version, other[2]] = (
                        document
                    )
                elif _DOCUMENT.fullmatch(path.name):
                    documents.append(self._held(path, where))
                else:
                    troubles.append(Trouble(where, "no agreement has such a name; it is not read"))
            except _Unreadable as error:
                troubles.append(error.trouble)
        held = {h.document.agreement.id for h in documents}
        for path in self._copies(troubles):
            named = path.name.removesuffix(".json")
            if named not in held:
                continue  # an agreement that was taken away; with it this counts again
            where = f"{FOLDER}/{_COPIES}/{path.name}"
            try:
                good, doubt = self._statements(path, where, troubles)
            except _Unreadable as error:
                good, doubt = [], _ALL_VERSIONS
                troubles.append(error.trouble)
            doubted[named] = max(doubt, doubted.get(named, 0))
            lost = _beyond(statements, good)
            if lost and doubted[named] == 0:
                troubles.append(_lost(named, where))
            statements += lost
        documents = [_doubted(h, doubted) for h in documents]
        troubles += [Trouble(h.where, fault) for h in documents for fault in h.faults]
        return Book(tuple(documents), tuple(statements), differing, tuple(troubles))

    def put(self, document: Document, *, sender: str | None = None) -> bool:
        """Keep a document, or add its signatures to the one that is kept. Whether that is news.

        Signatures that don't verify are left out. Raises Invalid if none is left, and Conflict if
        this agency has signed another text under that name: the other one is kept beside it.
        """
        good = tuple(s for s in document.signatures if verified_by(document, s, self.keyring))
        if not good:
            raise Invalid("No signature under the agreement is of an agency that is known here.")
        text = document.agreement
        path = self.path / text.id / f"{text.version}.json"
        with self._locked():
            before = self._kept(path)
            if before is not None and before.document.digest != document.digest:
                if self.own in before.signers:
                    if sender is not None:
                        beside = path.with_name(f"{text.version}.{sender}.json")
                        _kept_whole(beside, _json(_only(document, good).envelope().model_dump()))
                    raise Conflict(
                        f"This agency signed another text as {text.id}, version {text.version}. "
                        "Compare the two with `sallyport agreement show`; sign a new version.",
                        code="agreement.differs",
                    )
                before = None
            known = before.document.signatures if before and not before.faults else ()
            whole = _only(document, known).signed_by(good)
            if before is not None and whole.signatures == before.document.signatures:
                return False
            _kept_whole(path, _json(whole.envelope().model_dump(mode="json")))
            for beside in path.parent.glob(f"{text.version}.*.json"):
                if self._document(beside, beside.name).digest == document.digest:
                    beside.unlink()
        return True

    def put_statement(self, statement: Statement) -> bool:
        """Keep a statement. Whether it is news. Raises Invalid if its signature is not good."""
        if not statement_verifies(statement, self.keyring):
            raise Invalid("The statement is not signed by the agency that it names.")
        named = statement.said.agreement
        path, copy = self.path / named / _STATEMENTS, self.path / _COPIES / f"{named}.json"
        with self._locked():
            kept = self._in_order(path, f"{named}/{_STATEMENTS}")
            copied = self._in_order(copy, f"{_COPIES}/{named}.json")
            known = [*kept, *_beyond(kept, copied)]
            whole = [*known, *_beyond(known, [statement])]
            if len(whole) == len(kept) == len(copied):
                return False
            lines = _listed(whole)
            _kept_whole(copy, lines)
            _kept_whole(path, lines)
        return len(whole) > len(known)

    def keep_twice(self) -> None:
        """Copy what was said before there were copies, or lost its copy; not what is in doubt.

        Raises OSError where the folder can't be written.
        """
        if not self.path.is_dir():
            return
        with self._locked():
            for path in sorted(self.path.glob(f"*/{_STATEMENTS}")):
                named = path.parent.name
                copy = self.path / _COPIES / f"{named}.json"
                with contextlib.suppress(Misconfigured):
                    said = self._in_order(path, f"{named}/{_STATEMENTS}")
                    if said and not copy.exists():
                        _kept_whole(copy, _listed(said))

    # -- inside ---------------------------------------------------------------------------

    def _copies(self, troubles: list[Trouble]) -> list[Path]:
        """Give the files of what was said once more. A folder that can't be read is a trouble."""
        try:
            return sorted(p for p in (self.path / _COPIES).iterdir() if p.suffix == ".json")
        except FileNotFoundError:
            return []
        except OSError:
            reason = "can't be read: it has to be a folder of the user that the gateway runs as"
            troubles.append(Trouble(f"{FOLDER}/{_COPIES}", reason))
            return []

    def _files(self) -> Iterator[Path]:
        if not self.path.is_dir():
            return
        folders = (p for p in self.path.glob("*") if p.is_dir() and p.name != _COPIES)
        found = sorted(p for f in folders for p in f.glob("*") if not p.name.startswith("."))
        loose = [p for p in sorted(self.path.glob("*")) if p.is_file() and p.name[0] != "."]
        if len(found) > _MOST:
            raise Misconfigured(f"{FOLDER}/ holds over {_MOST} files: move old ones away")
        yield from (*loose, *found)

    def _in_order(self, path: Path, where: str) -> list[Statement]:
        """Give the statements of a file, none if it is not there. Raises Misconfigured on doubt."""
        troubles: list[Trouble] = []
        try:
            good = self._statements(path, where, troubles)[0] if path.exists() else []
        except _Unreadable as error:
            troubles.append(error.trouble)
            good = []
        if troubles:
            raise Misconfigured(
                f"{FOLDER}/{troubles[0].where}: {troubles[0].reason}. Nothing is given under that "
                f"agreement until the file is restored: {FOLDER}/<id>/{_STATEMENTS} and "
                f"{FOLDER}/{_COPIES}/<id>.json hold the same, so copy the good one over it. "
                "Where a party has another key now, move both away once a new version is signed"
            )
        return good

    def _kept(self, path: Path) -> Held | None:
        try:
            return self._held(path, path.name) if path.exists() else None
        except _Unreadable:
            return None  # what can't be read is replaced by what can

    def _held(self, path: Path, where: str) -> Held:
        document = self._document(path, where)
        text = document.agreement
        good = {s.party for s in document.signatures if verified_by(document, s, self.keyring)}
        faults = [
            _unverified(s.party, known=s.party in self.keyring)
            for s in document.signatures
            if s.party not in good
        ]
        if (path.parent.name, path.name) != (text.id, f"{text.version}.json"):
            faults.append("the file's name is not the agreement's id and version")
        return Held(where, document, frozenset(good), tuple(faults))

    def _document(self, path: Path, where: str) -> Document:
        raw = _read(path, where)
        try:
            return read_document(_parsed(raw, where))
        except ValidationError as error:
            raise _Unreadable(_first(error, raw, where)) from None
        except Invalid as error:
            raise _Unreadable(Trouble(where, error.detail)) from None

    def _statements(
        self, path: Path, where: str, troubles: list[Trouble]
    ) -> tuple[list[Statement], int]:
        """Give the verified ones, and up to which version there is doubt: 0 for none."""
        raw = _read(path, where)
        listed = _parsed(raw, where)
        if not isinstance(listed, list):
            raise _Unreadable(Trouble(where, "a list of statements is wanted"))
        good, doubt = [], 0
        for item in listed:
            try:
                statement = read_statement(item)
            except ValidationError as error:
                raise _Unreadable(_first(error, raw, where)) from None
            except Invalid as error:
                raise _Unreadable(Trouble(where, error.detail)) from None
            if statement_verifies(statement, self.keyring):
                good.append(statement)
            else:
                party = statement.said.party
                doubt = max(doubt, statement.said.version)
                troubles.append(Trouble(where, _unverified(party, known=party in self.keyring)))
        return good, doubt

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _beyond(known: Sequence[Statement], more: Sequence[Statement]) -> list[Statement]:
    """Give those of `more` that are not known."""
    had = {s.canonical for s in known}
    return [s for s in more if s.canonical not in had]


def _listed(statements: Sequence[Statement]) -> bytes:
    return _json([s.envelope().model_dump(mode="json") for s in statements])


def _lost(agreement: str, copy: str) -> Trouble:
    return Trouble(
        f"{FOLDER}/{agreement}/{_STATEMENTS}",
        f"is lost, or older than its copy, which counts: copy {copy} over it",
    )


def _doubted(held: Held, doubted: Mapping[str, int]) -> Held:
    agreement = held.document.agreement
    if agreement.version > doubted.get(agreement.id, 0):
        return held
    fault = f"what its parties said of it can't be verified: see {_STATEMENTS} beside it"
    return replace(held, faults=(*held.faults, fault))


class _Unreadable(Exception):
    """A file that gives nothing, with why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.reason)
        self.trouble = trouble


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """Find the line, from 1, where a part of a YAML or JSON document stands; the nearest there is.

    `path` goes through names and places in lists. A key is found as well as a value.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return 1
    line = node.start_mark.line if node else 0
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if step >= len(node.value):
                break
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1


def _first(error: ValidationError, raw: bytes, where: str) -> Trouble:
    path, reason = findings(error)[0]
    place = ".".join(map(str, path)) or "document"
    # What is wrong with the text was found below `text` of the envelope, or is the text's own.
    text = raw.decode(errors="replace")
    line = max(line_of(text, path), line_of(text, ("text", *path)))
    return Trouble(f"{where}:{line}", f"{place}: {reason}")


def _unverified(party: str, *, known: bool) -> str:
    if known:
        return (
            f"the signature of {party} is not over this text: it was changed after signing, or "
            f"{party} has another key now"
        )
    return f"the signature of {party} can't be verified: pin its agreement_key in peers.yaml"


def _only(document: Document, signatures: tuple[Signed, ...]) -> Document:
    return Document(document.agreement, document.canonical, signatures)


def _read(path: Path, where: str) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise _Unreadable(Trouble(where, "can't be read, or is a link")) from None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o022:
            raise _Unreadable(Trouble(where, "must be a plain file that others can't write"))
        data = file.read(CAP + 1)
    if len(data) > CAP:
        raise _Unreadable(Trouble(where, f"is over {CAP} bytes"))
    return data


def _parsed(raw: bytes, where: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _Unreadable(Trouble(f"{where}:{error.lineno}", "no JSON")) from None


def _json(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _kept_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, content)
