"""The commands that the project's documents and its Makefile give are there, and run."""

import importlib.util
import re
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from bench.__main__ import BENCHES

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    *(ROOT / name for name in ("Makefile", "README.md", "Dockerfile", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "bench").glob("*.*")),
    *sorted(p for p in (ROOT / "deploy").iterdir() if p.is_file()),
    *sorted(p for folder in ("tools", "demo", "gateway") for p in (ROOT / folder).rglob("*.*")),
]
README = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
OUTSIDE = {"venv", "pip", "compileall"}
"""Python's own."""


def commands(path: Path) -> set[str]:
    if path.suffix not in {"", ".md", ".py", ".sh", ".yaml"}:
        return set()
    found = re.findall(r"python3? -m ([\w.]*\w)", path.read_text(encoding="utf-8"))
    return set(found) - OUTSIDE


GIVEN = sorted({(p.relative_to(ROOT).as_posix(), m) for p in TEXTS for m in commands(p)})


def module(name: str) -> ModuleSpec | None:
    """Find what `python -m` would run: of a package, its `__main__`."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is not None and spec.submodule_search_locations is not None:
        return importlib.util.find_spec(f"{name}.__main__")
    return spec


@pytest.mark.parametrize(("text", "name"), GIVEN)
def test_a_command_that_a_text_gives_can_be_run(text: str, name: str) -> None:
    spec = module(name)
    assert spec is not None, f"{text}: python -m {name} runs nothing"
    assert spec.origin is not None
    source = Path(spec.origin)
    assert source.is_relative_to(ROOT), f"{text}: {name} is none of the project's"
    guarded = 'if __name__ == "__main__":' in source.read_text(encoding="utf-8")
    assert guarded or source.name == "__main__.py", (
        f"{text}: python -m {name} would load a module and do nothing"
    )


def test_the_texts_give_commands_and_a_wrong_one_is_found() -> None:
    given = {name for _, name in GIVEN}
    assert {"bench", "demo", "demo.people", "bench.answers", "gateway.cli"} <= given
    assert module("bench.nothing") is None
    assert module("docs") is None


def test_make_bench_runs_every_bench_that_its_readme_lists() -> None:
    listed = re.findall(r"^\| `python -m bench\.(\w+)", README, re.MULTILINE)
    assert sorted(listed) == sorted(BENCHES)
    runs = {p.stem for p in (ROOT / "bench").glob("*.py") if "argparse" in p.read_text("utf-8")}
    # The load that `answers` makes is a part of it, and the runner is this one.
    assert runs - {"load", "__main__"} <= set(BENCHES)


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_benches_run_one_after_another() -> None:
    done = bench("--quick", "matching")
    assert done.returncode == 0, done.stderr
    assert "== 1 of 1: bench.matching --people 1000" in done.stdout
    assert "recall at 1" in done.stdout
    assert "exit status 0" in done.stdout


def test_a_bench_that_there_is_not_is_said() -> None:
    done = bench("matching", "speed")
    assert done.returncode == 2
    assert "there is no bench speed; there are answers" in done.stderr


def test_one_that_fails_is_named_and_the_next_has_its_turn(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from bench import __main__ as runner  # noqa: PLC0415 - the module itself, to change its table

    monkeypatch.setattr(runner, "BENCHES", dict.fromkeys(("nothing", "memory"), runner.Bench()))
    assert runner.run(["nothing", "memory"], quick=True) == ["nothing"]
    said = capfd.readouterr()
    assert "No module named bench.nothing" in said.err
    assert "2 of 2: bench.memory" in said.out
