"""The house rules that a linter can't see."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
AGENCIES = sorted((POLICIES / "agencies").glob("*/data.yaml"))

# Words of the vocabulary that are also words of the standard schema, of HTTP or of our own model.
ORDINARY = {
    "audit": "also a scope of the token service and a room of the API",
    "contact": "also a field of a match",
    "incident": "also a kind of subject",
    "vehicle": "also a kind of subject",
    "location": "also an ordinary word",
    "identity": "also HTTP's name for no encoding",
    "handling": "also a field of a match",
    "order": "also an ordinary word",
    "photo": "also an ordinary word",
    "identifier": "also a name of the schema",
    "physical": "also an ordinary word",
    "ssn": "also a type of identifier in the standard schema",
}


def data(path: str) -> Any:
    found = [POLICIES / path / f"data.{ending}" for ending in ("yaml", "json")]
    file = next(f for f in found if f.exists())
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def policy_words() -> set[str]:
    vocabulary = data("sallyport/vocabulary")
    agencies = {f.parent.name: data(f"agencies/{f.parent.name}") for f in AGENCIES}
    words = {*vocabulary["purposes"], *vocabulary["classes"]}
    for ori, agency in agencies.items():
        words |= {ori, agency["name"], agency["jurisdiction"], agency["type"]}
    return words - ORDINARY.keys()


def constants(file: Path) -> Iterator[tuple[int, str]]:
    """Every string in the code, docstrings included, split into words."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


def sources() -> list[Path]:
    return sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("adapters/**/*.py")])


def test_policy_is_not_in_python() -> None:
    words = policy_words()
    assert len(words) > 20
    found = [
        f"{file.relative_to(ROOT)}:{line}: {word}"
        for file in sources()
        for line, text in constants(file)
        for word in words
        if re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text)
    ]
    assert not found, found


def test_no_file_is_empty_of_purpose() -> None:
    bare = [
        str(f.relative_to(ROOT))
        for f in sources()
        if not ast.get_docstring(ast.parse(f.read_text(encoding="utf-8")))
    ]
    assert not bare


@pytest.mark.parametrize(
    "folder", ["gateway", "adapters", "demo", "tools", "bench", "docs", "tests"]
)
def test_the_project_speaks_of_itself_alone(folder: str) -> None:
    """No path of a machine, no workplace."""
    marks = re.compile(r"/work/|/tmp/w\b|/root/|\bhelper agent", re.IGNORECASE)
    found = [
        str(f.relative_to(ROOT))
        for f in (ROOT / folder).rglob("*")
        if f.suffix in {".py", ".md", ".sh", ".yaml", ".toml", ".rego"}
        and f.name != "test_house.py"
        and marks.search(f.read_text(encoding="utf-8"))
    ]
    assert not found


def test_every_setting_is_documented() -> None:
    from gateway.settings import Settings  # noqa: PLC0415 - as late as the test

    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"`{name}`" not in text]
    assert not missing


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    missing = [f.name for f in (ROOT / "docs" / "adr").glob("0*.md") if f.name not in listed]
    assert not missing


SILENCED = re.compile(r"# noqa\b(?!: [A-Z0-9, ]+ - \w)|# type: ignore\b(?!\[[a-z, -]+\]  ?# \w)")


def test_every_exception_to_a_check_has_its_reason_beside_it() -> None:
    files = [f for d in ("bench", "demo", "tools") for f in sorted((ROOT / d).rglob("*.py"))]
    bare = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sources() + files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if SILENCED.search(line)
    ]
    assert not bare, bare


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S506", True),
        ("x = 1  # noqa: S506 - it is made here", False),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type: ignore[arg-type]", True),
        ("x = 1  # type: ignore[arg-type]  # made here", False),
    ],
)
def test_a_bare_exception_would_be_seen(line: str, bare: bool) -> None:  # noqa: FBT001 - a case
    assert bool(SILENCED.search(line)) is bare


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def test_adapters_know_the_schema_and_the_source_s_protocol_and_no_other_room() -> None:
    contract = next(
        c for c in project()["importlinter"]["contracts"] if c.get("source_modules") == ["adapters"]
    )
    parts = {p.stem for p in (ROOT / "gateway").iterdir() if p.suffix == ".py" or p.is_dir()}
    known = {"niem", "model", "errors", "__init__", "__pycache__"}
    assert set(contract["forbidden_modules"]) == {f"gateway.{part}" for part in parts - known}
    assert {i.split(" -> ")[1] for i in contract["ignore_imports"]} == {"gateway.records.source"}


def test_types_are_checked_in_all_that_is_no_test() -> None:
    checked = project()["mypy"]["files"]
    folders = {p.parent.name for p in ROOT.glob("*/*.py")} - {"tests"}
    assert set(checked) == folders
