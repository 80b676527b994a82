"""Setting a gateway up: its folder and keys, the peers it trusts, the clients it serves."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

import typer
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway import settings as settings_files
from gateway.cli.admin_client import ADMIN_KEY
from gateway.cli.lazy import LazyGroup
from gateway.cli.options import Home
from gateway.errors import Conflict, Invalid, Misconfigured
from gateway.model import Ori
from gateway.trust import clients, keys, registry
from gateway.trust.files import read_yaml, write_secret
from gateway.trust.jwk import Jwk, ec_jwk, read_ec

FOLDERS = ("policies", "agreements", "mappings", "sources", "data")
_JWK_CAP = 4_096


class RenewableKey(StrEnum):
    """The keys that can be replaced without losing what they hold together."""

    MESSAGE = "message"
    TOKEN = "token"  # noqa: S105 - the name of a key, not its value
    AGREEMENT = "agreement"


keys_app = typer.Typer(no_args_is_help=True, help="Show and renew this gateway's keys.")


class _Peers(LazyGroup):
    rooms: ClassVar = {"list": "gateway.cli.peers"}


peer_app = typer.Typer(
    no_args_is_help=True, cls=_Peers, help="Say which other gateways this one trusts."
)
client_app = typer.Typer(no_args_is_help=True, help="Register the agency's own systems.")


def register(app: typer.Typer) -> None:
    """Add the commands `init`, `keys`, `peer` and `client`."""
    app.command("init")(init_command)
    app.add_typer(keys_app, name="keys")
    app.add_typer(peer_app, name="peer")
    app.add_typer(client_app, name="client")


def init_home(
    home: Path, *, ori: str, name: str, url: str, host: str = "127.0.0.1", port: int | None = None
) -> None:
    """Make a gateway's folder: whole, or not at all.

    `url` is where others reach it; `host` and `port` where it listens (the URL's port, or 8443).
    Raises Conflict if there is something already, Invalid for a wrong value.
    """
    home = home.absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict("There is something in this folder already. Give a new or an empty one.")
    try:
        checked = registry.checked_url(url)
        listen = port or urlsplit(checked).port or 8443
    except ValueError as error:
        raise Invalid(f"The address can't be used: {error}.") from None
    home.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))  # 0700
    try:
        settings = {"ori": ori, "name": name, "base_url": checked, "host": host, "port": listen}
        lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in settings.items()]
        write_secret(made, settings_files.FILE, ("\n".join(lines) + "\n").encode())
        settings_files.load(made)
        keys.generate(made)
        admin = ec.generate_private_key(ec.SECP256R1())
        keys.write_private(made / keys.FOLDER, ADMIN_KEY, admin)
        write_secret(made, registry.FILE, b"version: 1\npeers: []\n")
        entry = clients.ClientEntry(
            client_id=clients.LOCAL_ADMIN, key=ec_jwk(admin.public_key()), scopes=["admin", "audit"]
        )
        first = "version: 1\nclients:\n" + _block(entry)
        write_secret(made, clients.FILE, first.encode())
        for folder in FOLDERS:
            (made / folder).mkdir(mode=0o700)
        made.rename(home)
    except BaseException:
        shutil.rmtree(made)
        raise


def own_entry(home: Path) -> registry.PeerEntry:
    """Give this gateway's public entry, as other gateways pin it. Raises Misconfigured."""
    settings = settings_files.load(home)
    own = keys.load(settings.home)
    return registry.PeerEntry(
        ori=settings.ori,
        name=settings.name,
        url=settings.base_url,
        key_id=own.key_id,
        key=own.message_jwk,
        log_key=own.log_jwk,
        agreement_key=own.agreement_jwk,
    )


def add_peer(home: Path, entry: registry.PeerEntry) -> None:
    """Pin one more gateway in peers.yaml. Raises Misconfigured if it clashes with another."""
    registry.peer_of(entry)
    settings = settings_files.load(home)
    own_key = keys.load(settings.home).key_id
    path = settings.home / registry.FILE

    def check(candidate: Path) -> None:
        registry.load(candidate, own_ori=Ori(settings.ori), own_key_ids=frozenset({own_key}))

    _append(path, "peers", entry, check)


def add_client(home: Path, entry: clients.ClientEntry) -> None:
    """Register one more client in clients.yaml. Raises Misconfigured if it clashes."""
    clients.client_of(entry)
    settings = settings_files.load(home)
    _append(settings.home / clients.FILE, "clients", entry, clients.load)


# -- commands ---------------------------------------------------------------------------------


def init_command(
    home: Annotated[Path, typer.Argument(help="The folder to make.")],
    ori: Annotated[str, typer.Option(help="The agency's ORI: nine characters.")],
    name: Annotated[str, typer.Option(help="The agency's name.")],
    url: Annotated[str, typer.Option(help="Where other gateways and clients reach it.")],
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
) -> None:
    """Make a gateway's folder (0700) with new keys, settings and empty lists."""
    init_home(home, ori=ori, name=name, url=url, host=host, port=port)
    typer.echo(
        f"Made {home}. Next: put policies into policies/, add peers with `sallyport peer add`, "
        "clients with `sallyport client add`; give others what `sallyport keys show` prints. "
        "Back up keys/ now: without sealing.key the sealed log can't be read."
    )


@keys_app.command("show")
def keys_show(home: Home) -> None:
    """Print this gateway's public entry, for other agencies' `sallyport peer add`."""
    typer.echo(_block(own_entry(home), indent=0), nl=False)


@keys_app.command("renew")
def keys_renew(
    name: Annotated[
        RenewableKey, typer.Argument(help="message: to peers; token: clients; agreement.")
    ],
    home: Home,
) -> None:
    """Make a new key in the place of one that leaked or grew old. The old one is kept aside."""
    retired = keys.renew(settings_files.load(home).home, f"{name.value}.pem")
    typer.echo(
        f"Made a new {name.value} key; the old one is {retired.name}. Start the gateway anew."
    )
    if name is RenewableKey.AGREEMENT:
        typer.echo("Every agreement ends until you and its other parties have signed it anew.")
    if name is not RenewableKey.TOKEN:
        typer.echo("Give every peer what `sallyport keys show` prints now: they trust the old one.")


@peer_app.command("add")
def peer_add(
    file: Annotated[Path, typer.Argument(help="What the agency's `sallyport keys show` printed.")],
    home: Home,
) -> None:
    """Trust another gateway: add its public entry to peers.yaml."""
    entries = read_yaml(file, TypeAdapter(list[registry.PeerEntry]))
    if len(entries) != 1:
        raise Invalid("The file must hold one entry, as `sallyport keys show` prints it.")
    add_peer(home, entries[0])
    typer.echo(
        f"Added {entries[0].ori}. Compare its key id with the agency by telephone: "
        f"{entries[0].key_id}. It counts when the gateway starts anew."
    )


@client_app.command("add")
def client_add(
    name: Annotated[str, typer.Argument(help="The client's id, such as records-system.")],
    home: Home,
    scopes: Annotated[str, typer.Option(help="With commas: search,notify,admin,audit.")],
    *,
    officers: Annotated[bool, typer.Option("--officers", help="It may name officers.")] = False,
    roles: Annotated[str, typer.Option(help="Roles that it may assert, with commas.")] = "officer",
    attributes: Annotated[str, typer.Option(help="Attributes likewise.")] = "",
    assurance: Annotated[int, typer.Option(help="The highest level it may assert, 0-4.")] = 3,
    jwk: Annotated[Path | None, typer.Option(help="The client's public key: a JWK file.")] = None,
    new_key: Annotated[
        Path | None, typer.Option(help="Make a key pair; write the private key (PEM) here.")
    ] = None,
) -> None:
    """Register one of the agency's own systems, by its public key."""
    if (jwk is None) == (new_key is None):
        raise Invalid("Give one of --jwk (the client's public key) and --new-key (make a pair).")
    made = None if new_key is None else ec.generate_private_key(ec.SECP256R1())
    public = ec_jwk(made.public_key()) if made else _read_jwk(jwk or Path())
    said = {"roles": _words(roles), "attributes": _words(attributes), "assurance": assurance}
    try:
        entry = clients.ClientEntry.model_validate(
            {
                "client_id": name,
                "key": public,
                "scopes": _words(scopes),
                "officers": said if officers else None,
            }
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"The client can't be registered: {where}: {first['msg']}.") from None
    if made is not None and new_key is not None:
        keys.write_private(new_key.absolute().parent, new_key.name, made)
    add_client(home, entry)
    typer.echo(f"Registered {name}. It counts when the gateway starts anew.")


# -- files ------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _read_jwk(path: Path) -> Jwk:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_JWK_CAP))
        needed = {name: found[name] for name in ("kty", "crv", "x", "y")}
        if "d" in found:
            raise Invalid("This is a private key. Give the public one, and retire this one.")
        read_ec(needed)
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid("The file must hold one public JWK of an EC P-256 key.") from None
    return needed


def _block(entry: BaseModel, indent: int = 2) -> str:
    """Write one entry as an item of a YAML list."""
    data: list[dict[str, Any]] = [entry.model_dump(exclude_none=True)]
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000)
    return "".join(" " * indent + line + "\n" for line in text.splitlines())


def _append(path: Path, key: str, entry: BaseModel, check: Callable[[Path], object]) -> None:
    """Add an item at the end of the file's list, leaving comments as they are; then check it all.

    The new file replaces the old one in one step, and only if it reads as it should.
    """
    before = path.read_text(encoding="utf-8")
    text = before.replace(f"{key}: []", f"{key}:").rstrip("\n") + "\n" + _block(entry)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600
    candidate = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        _require_added(path.name, before, text, key, entry)
        check(candidate)
        candidate.replace(path)
    except BaseException:
        candidate.unlink()
        raise


def _require_added(name: str, before: str, after: str, key: str, entry: BaseModel) -> None:
    try:
        old, new = yaml.safe_load(before), yaml.safe_load(after)
        expected = [*(old[key] or []), entry.model_dump(exclude_none=True)]
        added = new == {**old, key: expected}
    except (yaml.YAMLError, KeyError, TypeError):
        added = False
    if not added:
        raise Misconfigured(
            f"{name} is laid out in a way that this command can't add to: add the entry by hand, "
            "at the end of the list"
        )
