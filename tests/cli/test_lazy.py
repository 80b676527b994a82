"""A command loads what it uses and no more; what they are is known without loading them."""

import subprocess
import sys

import pytest
import typer

from gateway.cli.lazy import LazyGroup
from gateway.cli.main import app

HEAVY = ("fastapi", "sqlalchemy", "numpy", "aiohttp", "adapters", "uvicorn", "gateway.exchange")


def loaded(*words: str) -> set[str]:
    """Run a command in a process of its own, and name the heavy modules that it loaded."""
    code = (
        "import sys\nfrom gateway.cli.main import app\n"
        f"try: app({list(words)!r})\nexcept SystemExit: pass\n"
        f"print('loaded', *(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "words",
    [("policy", "apply"), ("policy", "check"), ("health",), ("peer", "list"), ("keys", "show")],
)
def test_a_light_command_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    assert loaded(*words, "--help") == set()


def test_a_heavy_one_does() -> None:
    assert {"fastapi", "numpy", "gateway.exchange"} <= loaded("serve", "--help")


def groups(group: LazyGroup) -> list[LazyGroup]:
    below = [group.get_command(None, name) for name in group.list_commands(None)]
    return [group, *(g for b in below if isinstance(b, LazyGroup) for g in groups(b))]


def test_each_command_is_where_it_is_said_to_be() -> None:
    tree = typer.main.get_command(app)
    assert isinstance(tree, LazyGroup)
    found = groups(tree)
    assert len(found) == 4
    for group in found:
        for name in group.list_commands(None):
            assert group.get_command(None, name) is not None, f"{group.name} {name}"


@pytest.mark.parametrize(
    ("wrong", "near"), [(["polcy"], "policy"), (["policy", "exposur"], "exposure")]
)
def test_a_near_command_is_named_for_a_wrong_word(wrong: list[str], near: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *wrong], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"Did you mean '{near}'?" in " ".join(done.stderr.replace("│", " ").split())
