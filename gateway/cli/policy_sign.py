"""`sallyport policy signer, build, sign, inspect`: signed policy, and the second person."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.cli.options import AsJson, MaybeHome
from gateway.cli.showing import show_facts
from gateway.errors import Misconfigured, PolicyRejected
from gateway.model import stamp
from gateway.policy import bundles
from gateway.policy.engine import Limits
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from gateway.policy.signers import FILE as SIGNERS_FILE
from gateway.policy.signers import Signers, load_signers
from gateway.policy.sources import SIGNATURES, read_file, sign_folder, who_signed
from gateway.policy.vetting import Vetter
from gateway.trust import keys
from gateway.trust.jwk import ec_jwk

_NOBODY = "AA0000000"
Key = Annotated[
    Path, typer.Option("--key", help="The signer's private key: 0600, in a folder of 0700.")
]
What = Annotated[
    Path, typer.Argument(help="A bundle's file, or the folder of a policy set.", exists=True)
]


def register(app: typer.Typer) -> None:
    """Add the commands to `sallyport policy`."""
    app.command()(signer)
    app.command()(build)
    app.command()(sign)
    app.command()(inspect)


def signer(
    name: Annotated[str, typer.Argument(help="Who holds the key: a person.")],
    *,
    key: Key,
) -> None:
    """Make a signing key, and print its entry for policy_signers.yaml."""
    private = ec.generate_private_key(ec.SECP256R1())
    folder = key.absolute().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys.write_private(folder, key.name, private)
    entry = {"name": name, "key": ec_jwk(private.public_key())}
    sys.stdout.write(yaml.safe_dump([entry], sort_keys=False))
    sys.stderr.write(f"put this under `signers:` in {SIGNERS_FILE}, beside `version: 1`\n")


def read_signer(key: Path) -> ec.EllipticCurvePrivateKey:
    """Read a person's own key. Raises Misconfigured, with what to do."""
    if not key.is_file():
        raise Misconfigured(
            f"there is no key at {key}: make one with `sallyport policy signer YOUR.NAME --key "
            f"{key}`, and enter it in {SIGNERS_FILE}"
        )
    return keys.read_ec_private(key.absolute().parent, key.name)


def build(
    folder: Annotated[
        Path, typer.Argument(help="The folder with the policy set.", file_okay=False, exists=True)
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="The bundle to write.")] = Path(bundles.FILE),
    version: Annotated[
        int | None,
        typer.Option("--version", help="Higher than any before. Left out: one more.", min=1),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", help="How long it holds, from now.", min=1, max=3_650)
    ] = 90,
    home: MaybeHome = None,
    ori: Annotated[str, typer.Option("--ori", help="Vet as this agency.")] = _NOBODY,
    as_json: AsJson = False,
) -> None:
    """Vet a folder and pack it as a bundle, to be signed: nothing counts unsigned."""
    candidate = load_set(folder)
    asyncio.run(Vetter(Limits()).vet(candidate, ori, folder=folder))
    number = version or _next(out, home)
    issued = datetime.now(UTC)
    expires = issued + timedelta(days=days)
    out.write_bytes(bundles.build(candidate, version=number, issued=issued, expires=expires))
    found = {
        "file": str(out),
        "revision": candidate.revision,
        "version": number,
        "expires": stamp(expires),
    }
    show_facts("Built, not signed yet", found, as_json=as_json)


def _next(out: Path, home: Path | None) -> int:
    """One more than what counted in the gateway's home, and than what the file holds now."""
    known = [0]
    if out.exists():
        known.append(bundles.read_bundle(out.read_bytes(), Signers({})).lease.version)
    if home is not None:
        floor = KeptSets(home / "data").floor()
        known.append(floor.version if floor else 0)
    return max(known) + 1


def sign(what: What, *, key: Key, as_json: AsJson = False) -> None:
    """Sign a bundle, or the set that a folder holds now. Look at it first: `inspect`."""
    private = read_signer(key)
    if what.is_dir():
        candidate = load_set(what)
        number = sign_folder(what, candidate, private)
        found: dict[str, Any] = {"revision": candidate.revision, "signatures": number}
        show_facts(f"Signed, in {what.name}/{SIGNATURES}", found, as_json=as_json)
        return
    signed = bundles.sign(what.read_bytes(), private)
    temporary = what.with_name(f".{what.name}.new")
    temporary.write_bytes(signed)
    temporary.replace(what)
    bundle = bundles.read_bundle(signed, Signers({}))
    found = {
        "revision": bundle.policy_set.revision,
        "version": bundle.lease.version,
        "expires": stamp(bundle.lease.expires),
    }
    show_facts("Signed", found, as_json=as_json)


def inspect(
    what: What,
    *,
    home: MaybeHome = None,
    as_json: AsJson = False,
) -> None:
    """Show what a bundle or folder holds, what differs from the set in force, and who signed it.

    Exit code 1 if nobody of the home's policy_signers.yaml did.
    """
    signers = load_signers(home) if home else Signers({})
    if what.is_dir():
        policy_set = load_set(what)
        names = who_signed(what / SIGNATURES, policy_set, signers)
        found: dict[str, Any] = {"revision": policy_set.revision}
    else:
        bundle = bundles.read_bundle(read_file(what, 16 * 2**20), signers)
        policy_set, names = bundle.policy_set, list(bundle.lease.signers)
        found = {
            "revision": policy_set.revision,
            "version": bundle.lease.version,
            "issued": stamp(bundle.lease.issued),
            "expires": stamp(bundle.lease.expires),
        }
    found["signed_by"] = names
    active = KeptSets(home / "data").active() if home else None
    if active is not None:
        before, after = active.modules, policy_set.modules
        found["rego_changed"] = sorted(
            p for p in before.keys() | after.keys() if before.get(p) != after.get(p)
        )
        found["data_changed"] = sorted(
            k
            for k in active.data.keys() | policy_set.data.keys()
            if active.data.get(k) != policy_set.data.get(k)
        )
    show_facts(what.name, found, as_json=as_json)
    raise typer.Exit(0 if names else 1)


def take(home: Path, bundle: Path) -> None:
    """Put a bundle where the gateway looks for it, whole, once it is seen to be signed.

    Raises Misconfigured or `PolicyRejected`.
    """
    raw = read_file(bundle, 16 * 2**20)
    if not bundles.read_bundle(raw, load_signers(home)).lease.signers:
        raise PolicyRejected(
            f"nobody of {SIGNERS_FILE} signed it: sign it with `sallyport policy sign`",
            where=bundle.name,
        )
    target = home / bundles.FILE
    temporary = target.with_name(f".{target.name}.new")
    try:
        temporary.write_bytes(raw)
        temporary.replace(target)
    except OSError as error:
        raise Misconfigured(f"{target.name} can't be written: {type(error).__name__}") from None
