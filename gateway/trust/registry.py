"""The gateways that this one trusts: pinned in the home's peers.yaml, and nowhere else.

```yaml
version: 1
peers:
  - ori: XX9990000
    name: An agency
    url: https://gateway.agency.example
    key_id: <thumbprint of key>
    key: {kty: EC, crv: P-256, x: …, y: …}
    log_key: {kty: OKP, crv: Ed25519, x: …}
    agreement_key: {kty: OKP, crv: Ed25519, x: …}   # left out: no agreement with it counts
    allowed_purposes: [a_word, another]   # left out: those that policy allows
```
`sallyport keys show` prints an agency's own entry. The key id is written down as well, so that two
people can compare it by telephone; it has to be the key's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from gateway.errors import Misconfigured
from gateway.model import Ori, OriText, Text, Word
from gateway.trust.files import read_yaml
from gateway.trust.jwk import read_ec, read_ed, thumbprint

FILE = "peers.yaml"
ALG = "ecdsa-p256-sha256"
"""The one algorithm of a registered message key, as RFC 9421 names it."""
_URL_CAP = 512


class PeerEntry(BaseModel):
    """One entry of peers.yaml, as written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    ori: OriText
    name: Text
    url: Annotated[str, StringConstraints(max_length=_URL_CAP)]
    key_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    key: dict[str, str]
    log_key: dict[str, str]
    agreement_key: dict[str, str] | None = None
    allowed_purposes: Annotated[list[Word], Field(max_length=64)] | None = None


class PeersFile(BaseModel):
    """The whole of peers.yaml."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Literal[1]
    peers: list[PeerEntry]


@dataclass(frozen=True, slots=True)
class Peer:
    """One gateway that we trust. `allowed_purposes` None: the registry sets no limit."""

    ori: Ori
    name: str
    url: str
    key_id: str
    public_key: ec.EllipticCurvePublicKey = field(repr=False)
    log_key: Ed25519PublicKey = field(repr=False)
    allowed_purposes: frozenset[str] | None = None
    agreement_key: Ed25519PublicKey | None = field(default=None, repr=False)
    """What it signs agreements with. None: no agreement with it can be verified."""
    alg: str = ALG


class Registry:
    """Peers by ORI and by key id. Raises Misconfigured where two share either, a URL or a log key.

    `own_ori` and `own_key_ids` are ours: a peer that claims one of them is refused.
    """

    def __init__(
        self, peers: Iterable[Peer], *, own_ori: Ori, own_key_ids: frozenset[str] = frozenset()
    ) -> None:
        self.peers: tuple[Peer, ...] = tuple(peers)
        self._by_ori: dict[str, Peer] = {}
        self._by_key: dict[str, Peer] = {}
        urls: set[str] = set()
        logs: set[bytes] = set()
        for peer in self.peers:
            log = peer.log_key.public_bytes_raw()
            signs = peer.agreement_key.public_bytes_raw() if peer.agreement_key else None
            if peer.ori == own_ori or peer.key_id in own_key_ids:
                raise Misconfigured(f"{FILE}: {peer.ori} has this gateway's own ORI or key")
            if (
                peer.ori in self._by_ori
                or peer.key_id in self._by_key
                or peer.url in urls
                or log in logs
                or signs in {log, *logs}
            ):
                raise Misconfigured(
                    f"{FILE}: {peer.ori} shares its ORI, a key or its URL with another entry"
                )
            self._by_ori[peer.ori] = peer
            self._by_key[peer.key_id] = peer
            urls.add(peer.url)
            logs |= {log} if signs is None else {log, signs}

    def by_ori(self, ori: str) -> Peer | None:
        """Give the peer with this ORI, if there is one."""
        return self._by_ori.get(ori)

    def keyring(self, own_ori: str, own: Ed25519PrivateKey) -> dict[str, Ed25519PublicKey]:
        """Give every key that agreements are verified with, by ORI, this agency's own among them.

        Raises Misconfigured if a peer claims our own.
        """
        ring: dict[str, Ed25519PublicKey] = {
            p.ori: p.agreement_key for p in self.peers if p.agreement_key is not None
        }
        public = own.public_key()
        if public.public_bytes_raw() in {k.public_bytes_raw() for k in ring.values()}:
            raise Misconfigured(f"{FILE}: a peer has this gateway's own agreement key")
        return {**ring, own_ori: public}

    def by_key_id(self, key_id: str) -> Peer | None:
        """Give the peer that signs with this key, if there is one."""
        return self._by_key.get(key_id)


def load(path: Path, *, own_ori: Ori, own_key_ids: frozenset[str] = frozenset()) -> Registry:
    """Read peers.yaml. Raises Misconfigured, naming the entry and the field."""
    document = read_yaml(path, TypeAdapter(PeersFile))
    return Registry(
        (peer_of(entry) for entry in document.peers), own_ori=own_ori, own_key_ids=own_key_ids
    )


def peer_of(entry: PeerEntry) -> Peer:
    """Check one entry and read its keys. Raises Misconfigured."""
    try:
        url = checked_url(entry.url)
        key, log_key = read_ec(entry.key), read_ed(entry.log_key)
        agreement_key = read_ed(entry.agreement_key) if entry.agreement_key else None
    except ValueError as error:
        raise Misconfigured(f"{FILE}: {entry.ori}: {error}") from None
    if thumbprint(entry.key) != entry.key_id:
        raise Misconfigured(
            f"{FILE}: {entry.ori}: key_id is not this key's: ask the agency for its entry again"
        )
    purposes = entry.allowed_purposes
    return Peer(
        ori=Ori(entry.ori),
        name=entry.name,
        url=url,
        key_id=entry.key_id,
        public_key=key,
        log_key=log_key,
        allowed_purposes=None if purposes is None else frozenset(purposes),
        agreement_key=agreement_key,
    )


def checked_url(url: str) -> str:
    """Give the URL back if it can be a gateway's base. Raises ValueError.

    https, or http on loopback; no password, query, fragment or slash at the end.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii():
        raise ValueError("url must be https://host[:port][/path]")
    if parts.port == 0:  # reading the port raises ValueError for one that is no port
        raise ValueError("url has no such port")
    if url != f"{parts.scheme}://{parts.netloc}{parts.path}" or parts.path.endswith("/"):
        raise ValueError("url must have no query, no fragment and no slash at its end")
    if "@" in parts.netloc or any(c.isspace() for c in url) or url != url.strip():
        raise ValueError("url must hold no user, password or space")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("url must be https://; plain http is for this machine's loopback only")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
