"""Mappings are read by libyaml: what it makes of a file is what PyYAML alone makes of it."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from adapters import document
from adapters.document import Document
from gateway.errors import Misconfigured
from tests.conftest import ROOT
from tests.soak import count

FILES = [*sorted(ROOT.glob("demo/agencies/*/mappings/*.yaml")), ROOT / "adapters/nibrs.yaml"]
DAMAGE = (*": {}[]\"'\t\n#?-!|>%@`\r,", "x: y", "- ", "&a", "é", "\x07")


def told(path: Path, text: str) -> tuple[Any, Any] | str:
    """Give a file's content, with the lines of its parts; or what is wrong with it."""
    path.write_text(text, encoding="utf-8", newline="")
    try:
        found = Document(path)
    except Misconfigured as error:
        return error.detail
    return found.content, found._lines


def test_both_ways_of_reading_agree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, chance = tmp_path / "m.yaml", Random(5)
    texts = [file.read_text(encoding="utf-8") for file in FILES]
    changed = []
    for _ in range(count(150, 3_000)):
        text = chance.choice(texts)
        start = text.find("\n", chance.randrange(len(text) - 600)) + 1
        text = text[start : start + 400]
        for _ in range(chance.randrange(1, 3)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(DAMAGE) + text[at + chance.randrange(2) :]
        changed.append(text)
    quick = [told(path, text) for text in (*texts, *changed)]

    def refuse(*_: object) -> None:
        raise yaml.YAMLError

    with monkeypatch.context() as patch:
        patch.setattr(document, "_Quick", refuse)
        plain = [told(path, text) for text in (*texts, *changed)]
    assert not any(isinstance(one, str) for one in quick[: len(texts)])
    # Tabs as blanks, and a `?` within braces, libyaml takes, as YAML does. All else is the same.
    differing = [
        (one, other)
        for one, other in zip(quick, plain, strict=True)
        if one != other and not (isinstance(other, str) and ("'\\t'" in other or "'?'" in other))
    ]
    assert differing == []
    refused = sum(isinstance(one, str) for one in plain)
    assert len(changed) / 10 < refused < len(changed)
