"""Messages made by templates are those that are put together path by path and validated whole."""

import json
from pathlib import Path
from random import Random

import pytest

import adapters
from adapters import MappedSource
from adapters.shapes import Instance, Template, Templates
from demo.people import AGENCIES, Manifest
from gateway import niem
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import HANDLING
from tests.soak import count

ROWS = count(600, 20_000)
MAPPING = (Path(__file__).parent / "shapes.yaml").read_text(encoding="utf-8")
COLUMNS = (
    *("ID", "NAME", "ALIAS", "SEX", "MARK1", "MARK2", "HGT", "ZIP", "DAY", "NOTE"),
    *("O1", "O2", "O3", "K1", "K2", "K3"),
)
MARKS = ("", "SCAR", "SCAR", "MOLE", "bell \x07", "TAT|OO")
NAMES = ("", "DOE, ANA", "DOE, ANA", "ROE, JO B JR", "ONEWORD", "A, B C D")


def row(chance: Random, number: int) -> list[str]:
    """Draw one row; values repeat often, and some are wrong."""
    pick = chance.choice
    aliases = "|".join(pick(NAMES[1:]) for _ in range(chance.randrange(4)))
    return [
        *(f"R{number}", pick(NAMES), aliases, pick(("M", "F", "Z", "Q", ""))),
        *(pick(MARKS), pick(MARKS), pick(("", "511", "602", "999")), pick(("", "79901"))),
        *(pick(("", "2020-02-29", "2021-02-29", "1999")), pick(("", "x"))),
        *(pick(("", "A", "B", "C")) for _ in range(3)),
        *(pick(("", "Y", "N")) for _ in range(3)),
    ]


def told(source: MappedSource) -> list[object]:
    """Give what rows become, keys in order; why they are set aside."""
    return [
        json.dumps(one.message) if isinstance(one, Record) else (one.line, one.code, one.text)
        for one in source.rows()
    ]


def by_path(monkeypatch: pytest.MonkeyPatch, source: MappedSource) -> list[object]:
    """Give the same, every message put together path by path and validated whole."""
    with monkeypatch.context() as patch:
        patch.setattr(Templates, "of", lambda *_: None)
        return told(source)


def test_templates_give_what_paths_give(monkeypatch: pytest.MonkeyPatch, small: Make) -> None:
    chance = Random(11)
    rows = [COLUMNS, *(row(chance, number) for number in range(ROWS))]
    text = "\n".join(",".join(f'"{cell}"' for cell in one) for one in rows)
    source = small(MAPPING, text.encode())
    wanted = by_path(monkeypatch, source)
    assert told(source) == wanted, "while shapes are learnt"
    made: list[Template] = []
    whole: list[Instance] = []
    make, put_together = Templates.of, Instance.whole

    def of(templates: Templates, one: Instance) -> Template | None:
        found = make(templates, one)
        made.extend([found] if found else [])
        return found

    def together(one: Instance) -> object:
        whole.append(one)
        return put_together(one)

    monkeypatch.setattr(Templates, "of", of)
    monkeypatch.setattr(Instance, "whole", together)
    assert told(source) == wanted
    assert len(made) > len(whole), "most are made by templates, or this shows nothing"
    good = [w for w in wanted if isinstance(w, str)]
    assert len(good) > ROWS / 4
    assert len(good) < ROWS
    assert not [w for w in good if niem.findings(json.loads(w))]


@pytest.mark.parametrize("ori", AGENCIES)
def test_the_demo_sources_are_the_same_either_way(
    monkeypatch: pytest.MonkeyPatch, world: tuple[Path, Manifest], ori: str
) -> None:
    for path in sorted((world[0] / ori / "mappings").glob("*.yaml")):
        source = adapters.load(path)
        wanted = by_path(monkeypatch, source)
        assert told(source) == wanted
        assert told(source) == wanted


def test_a_value_that_is_not_valid_is_found_after_its_shape_was_learnt(small: Make) -> None:
    mapping = (
        "mapping: 1\nsource: small\nformat: {type: csv, path: data, encoding: utf-8}\n"
        f'records:\n  - type: person\n    id: "{{ID}}"\n    handling: {HANDLING}\n'
        '    objects: {person: "nc:Person"}\n    fields:\n'
        '      - {to: "person/nc:PersonName/nc:PersonGivenName", column: NAME}\n'
    )
    rows = list(small(mapping, b"ID,NAME\n1,ANA\n2,EVA\n3,BELL\x07\n4,JO\n").rows())
    assert [type(one) for one in rows] == [Record, Record, SetAside, Record]
    assert isinstance(rows[2], SetAside)
    assert rows[2].code == "niem.value.malformed"


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("nc:Person/j:PersonSexCode", ["F", "M"], ["", "female", 1, True, None, {}, ["F"]]),
        ("nc:Person/nc:PersonBirthDate/nc:Date", ["2020-02-29"], ["2021-02-29", 2020, ""]),
        ("nc:Vehicle/j:VehicleWantedIndicator", [True, "true", "0"], ["yes", 1]),
        ("nc:Vehicle/nc:ItemModelYearDate", ["2019"], [2019, "19"]),
        ("nc:Person/nc:PersonName/nc:personNameCommentText", ["x"], [True, ""]),
        ("nc:Person/nc:PersonName", [], ["x", {}]),
        ("nc:Person/sp:PersonSexCodeRaw", ["Q"], []),
    ],
)
def test_a_single_value_is_judged_as_in_its_message(
    path: str, good: list[object], bad: list[object]
) -> None:
    judge = niem.judge(path)

    def valid(value: object) -> bool:
        message: object = value
        for step in reversed(path.split("/")):
            message = {step: message}
        assert isinstance(message, dict)
        context = {**niem.context(["nc", "j"]), "sp": niem.OWN_NAMESPACE}
        return not niem.findings({"@context": context, **message})

    assert [(v, judge(v), valid(v)) for v in good] == [(v, True, True) for v in good]
    # What it can't tell is looked at whole: it may refuse more, never less.
    assert not any(judge(v) for v in bad)
