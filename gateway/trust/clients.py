"""The agency's own systems that may ask for tokens: the home's clients.yaml.

```yaml
version: 1
clients:
  - client_id: records-system
    key: {kty: EC, crv: P-256, x: …, y: …}     # public; the client keeps the private one
    scopes: [search, notify]
    officers:                                  # left out: it may not name officers
      roles: [a_role, another]
      attributes: [an_attribute]
      assurance: 2                             # the highest level that it may assert
```
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from gateway.errors import Misconfigured
from gateway.model import Officer, Word
from gateway.trust.files import read_yaml
from gateway.trust.jwk import read_ec, thumbprint

FILE = "clients.yaml"
LOCAL_ADMIN = "local-admin"
"""The client that this gateway's own commands are. Its key lies in the gateway's folder."""
CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUTH_METHOD = "private_key_jwt"
SCOPES = ("admin", "audit", "notify", "search")

Scope: TypeAlias = Literal["admin", "audit", "notify", "search"]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class OfficersEntry(BaseModel):
    """What a client may say of the officers it names."""

    model_config = _STRICT

    roles: Annotated[list[Word], Field(min_length=1, max_length=32)]
    attributes: Annotated[list[Word], Field(max_length=32)] = []
    assurance: Annotated[int, Field(ge=0, le=4)]


class ClientEntry(BaseModel):
    """One entry of clients.yaml, as written."""

    model_config = _STRICT

    client_id: ClientId
    key: dict[str, str]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES))]
    officers: OfficersEntry | None = None


class ClientsFile(BaseModel):
    """The whole of clients.yaml."""

    model_config = _STRICT

    version: Literal[1]
    clients: list[ClientEntry]


@dataclass(frozen=True, slots=True)
class Client:
    """One registered system. `roles` None: it may not name officers.

    The `check_…` methods are those that Authlib calls.
    """

    client_id: str
    public_key: ec.EllipticCurvePublicKey = field(repr=False)
    key_id: str
    scopes: frozenset[str]
    roles: frozenset[str] | None = None
    attributes: frozenset[str] = frozenset()
    assurance: int = 0

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use this grant."""
        if grant_type == JWT_BEARER:
            return self.roles is not None
        return grant_type == CLIENT_CREDENTIALS

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Whether it may prove itself in this way: by its key, and no other."""
        return method == AUTH_METHOD

    def may_name(self, officer: Officer) -> bool:
        """Whether it may assert all that it says of this officer."""
        return (
            self.roles is not None
            and bool(officer.roles)
            and officer.roles <= self.roles
            and officer.attributes <= self.attributes
            and officer.assurance <= self.assurance
        )


class Clients:
    """Registered clients by id. Raises Misconfigured where two share an id or a key."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._by_id: dict[str, Client] = {}
        keys: set[str] = set()
        for client in clients:
            if client.client_id in self._by_id or client.key_id in keys:
                raise Misconfigured(
                    f"{FILE}: {client.client_id} shares its id or its key with another entry"
                )
            self._by_id[client.client_id] = client
            keys.add(client.key_id)

    def get(self, client_id: str) -> Client | None:
        """Give the client with this id, if there is one."""
        return self._by_id.get(client_id)

    def __len__(self) -> int:
        return len(self._by_id)


def load(path: Path) -> Clients:
    """Read clients.yaml. Raises Misconfigured, naming the entry and the field."""
    document = read_yaml(path, TypeAdapter(ClientsFile))
    return Clients(client_of(entry) for entry in document.clients)


def client_of(entry: ClientEntry) -> Client:
    """Check one entry and read its key. Raises Misconfigured."""
    try:
        key = read_ec(entry.key)
    except ValueError as error:
        raise Misconfigured(f"{FILE}: {entry.client_id}: {error}") from None
    said = entry.officers
    return Client(
        client_id=entry.client_id,
        public_key=key,
        key_id=thumbprint(entry.key),
        scopes=frozenset(entry.scopes),
        roles=None if said is None else frozenset(said.roles),
        attributes=frozenset() if said is None else frozenset(said.attributes),
        assurance=0 if said is None else said.assurance,
    )
