"""The second person of an agreement: two people approve a text before the agency's key signs it.

Where `policy_two_persons` names `agreements`, a text that this agency signed gives nothing until
two different people of policy_signers.yaml have approved it. Each approval is a signature over the
text's id, version and digest, so that a later version needs its own. They stand in the home, in
`agreement_approvals/<digest>.json`, and go to nobody.

To suspend or revoke needs one person alone: it only takes away.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.durable import write_whole
from gateway.errors import PolicyRejected
from gateway.policy.signers import MAX_SIGNATURES, Signers, key_id_of, read_signatures, sign_claims
from gateway.trust.agreements import Document

PART = "agreements"
FOLDER = "agreement_approvals"
_TYP = "sallyport-agreement-approval"
_TWO = 2
_MAX_BYTES = 4 * 2**20


class Approvals:
    """The approvals of one gateway's home."""

    def __init__(self, home: Path, signers: Signers) -> None:
        self._folder = home / FOLDER
        self._signers = signers

    def names(self, document: Document) -> tuple[str, ...]:
        """Name who approved exactly this text. Raises `PolicyRejected` for a forged approval."""
        path = self._path(document)
        return tuple(self._signers.who_signed(self._tokens(path), _claims(document), _TYP))

    def fault(self, document: Document, *, named: bool = True) -> str | None:
        """Say what is missing, and who has to do what. None: two different people approved it.

        `named`: with the people's names, which are not for whoever may see a gateway's state.
        """
        try:
            names = self.names(document)
        except PolicyRejected as error:
            return f"{error.where}: {error.detail}" if error.where else error.detail
        if len(names) >= _TWO:
            return None
        by, others = "nobody has" if not names else "one alone has", "them"
        if named:
            by = f"{names[0]} alone has" if names else by
            others = ", ".join(sorted(self._signers.names - set(names)))
        name = document.agreement.id
        return (
            f"two people here have to approve {name}, version {document.agreement.version}, and "
            f"{by}: have another of {others} read it and run `sallyport agreement approve`"
        )

    def approve(self, document: Document, key: ec.EllipticCurvePrivateKey) -> tuple[str, ...]:
        """Add an approval, or renew that of the same key. Gives who has approved now.

        Raises `PolicyRejected` if the key is nobody's of policy_signers.yaml.
        """
        mine = sign_claims(_claims(document), key, _TYP)
        if key_id_of(mine) not in self._signers.keys:
            raise PolicyRejected(
                "this key is nobody's of policy_signers.yaml, so its approval would count for "
                "nothing: enter it there first (`sallyport policy signer`)"
            )
        path = self._path(document)
        kept = [t for t in self._tokens(path) if key_id_of(t) != key_id_of(mine)]
        if len(kept) >= MAX_SIGNATURES:
            raise PolicyRejected(f"a text has at most {MAX_SIGNATURES} approvals", where=path.name)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, orjson.dumps({"signatures": [*kept, mine]}))
        return self.names(document)

    def _path(self, document: Document) -> Path:
        return self._folder / f"{document.digest.removeprefix('sha-256:')}.json"

    def _tokens(self, path: Path) -> list[str]:
        where = f"{FOLDER}/{path.name}"
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return []
        except OSError:
            raise PolicyRejected("can't be read", where=where) from None
        return read_signatures(raw[:_MAX_BYTES], where)


def _claims(document: Document) -> Mapping[str, Any]:
    agreement = document.agreement
    return {
        "agreement": agreement.id,
        "version": agreement.version,
        "digest": document.digest,
    }
