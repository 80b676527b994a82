"""Every refusal of the shipped rules says what to do next, in words for an officer."""

import re
from pathlib import Path

POLICIES = Path(__file__).parents[2] / "policies"
_REASON = re.compile(r'"code": "([a-z0-9_.]+)",\s*"text": "([^"]+)"')
_STEP = re.compile(r"(?:^|[.;:] )(?:Ask|Check|Choose|Give|Leave|Log on|Name)\b")
_NOT_FOR_OFFICERS = "sallyport/admit/"
"""They stand in the log; the officer is told one thing for all of them."""


def reasons(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.rglob("*.rego")):
        name = file.relative_to(folder).as_posix()
        if not name.endswith("_test.rego") and not name.startswith(_NOT_FOR_OFFICERS):
            found.update(_REASON.findall(file.read_text()))
    return found


def test_every_refusal_has_a_next_step() -> None:
    found = reasons(POLICIES)
    assert len(found) >= 34
    assert {c for c, text in found.items() if not _STEP.search(text)} == set()


def test_a_refusal_without_one_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "x.rego").write_text('deny contains {\n\t"code": "x.y",\n\t"text": "Not here.",\n}')
    assert reasons(tmp_path) == {"x.y": "Not here."}
    assert not _STEP.search("Not here.")
