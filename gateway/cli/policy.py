"""`sallyport policy`: which module has which command; and `apply`, which starts at once."""

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from gateway.cli import admin_client
from gateway.cli.lazy import LazyGroup
from gateway.cli.options import AsJson, Home
from gateway.cli.showing import show_facts


class _Commands(LazyGroup):
    rooms: ClassVar = {
        "check": "gateway.cli.policy_set",
        "test": "gateway.cli.policy_set",
        "show": "gateway.cli.policy_set",
        "signer": "gateway.cli.policy_sign",
        "build": "gateway.cli.policy_sign",
        "sign": "gateway.cli.policy_sign",
        "inspect": "gateway.cli.policy_sign",
        "explain": "gateway.cli.explain",
        "impact": "gateway.cli.explain",
        "exposure": "gateway.cli.explain",
        "opa-config": "gateway.cli.policy_set",
    }


app = typer.Typer(no_args_is_help=True, cls=_Commands)


def register(parent: typer.Typer) -> None:
    """Add the commands of `policy`."""
    parent.add_typer(app, name="policy")


@app.callback()
def policy() -> None:
    """Check, test and apply the policy set."""


@app.command()
def apply(
    home: Home,
    *,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="Bring in this signed bundle.", dir_okay=False, exists=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have the running gateway vet its policy and switch to it, whole or not at all.

    Its policy is the edited folder, or where `policy_signed` is on the signed bundle.
    """
    if bundle is not None:
        from gateway.cli import policy_sign  # noqa: PLC0415 - else an edit would wait for it

        policy_sign.take(home, bundle)
    done = admin_client.call(home, "POST", "/v1/admin/policy/apply")
    show_facts("In force" if done.get("changed") else "Nothing changed", done, as_json=as_json)
