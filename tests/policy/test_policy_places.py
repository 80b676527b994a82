"""A fault of the data is told with the file and line that an administrator wrote."""

from pathlib import Path

import pytest

from gateway.errors import PolicyRejected
from gateway.policy.places import located

YAML = '# c\na:\n  - one\n  - k: [p, q]\nb: {m: 1,\n n: word}\n"c/d": {e~f: 1}\n'
JSON = '{\n\t"law": {"y": 1},\n\t"top": ["a",\n\t\t"b"],\n\t"..": {"x": 1}, ".h": {"x":\n 1}\n}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    for name, text in (
        ("law/x/data.yaml", YAML),
        ("data.json", JSON),
        # No part of the set, and no place of a fault.
        (".h/data.yaml", "\n\n\nx: 1\n"),
        ("../data.yaml", "x: 1\n"),
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


def where(folder: Path, place: str) -> str | None:
    return located(PolicyRejected("r", where=place), folder).where


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("law/x/a/0", "law/x/data.yaml:3"),
        ("law/x/a/1/k/1", "law/x/data.yaml:4"),
        ("law/x/b/n", "law/x/data.yaml:6"),
        ("law/x/b/n/word", "law/x/data.yaml:6"),
        ("law/x/c~1d/e~0f", "law/x/data.yaml:7"),
        ("top/1", "data.json:4"),
        ("law/y", "data.json:2"),
        # Keys that are no folder: where they are written, and nothing is looked for elsewhere.
        ("../x", "data.json:5"),
        (".h/x", "data.json:5"),
    ],
)
def test_a_place_in_the_data_is_a_line_of_its_file(folder: Path, pointer: str, place: str) -> None:
    assert where(folder, f"data.json#/{pointer}") == place


@pytest.mark.parametrize("step", ["nope", "a\x00b", "x" * 5_000, "é" * 200, "..", "", "a\nb"])
def test_what_stands_in_no_file_keeps_its_place_in_the_data(folder: Path, step: str) -> None:
    place = f"data.json#/law/x/{step}/nothing"
    assert where(folder, place) == place


def test_other_places_are_left_alone(folder: Path) -> None:
    assert where(folder, "x.rego:1") == "x.rego:1"
    assert located(PolicyRejected("r"), folder).where is None
    assert where(folder / "data.json", "data.json#/law/y") == "data.json#/law/y"
