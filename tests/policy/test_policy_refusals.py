"""Every refusal of the shipped rules says what to do next, in words for an officer."""

import re
from pathlib import Path

import pytest

POLICIES = Path(__file__).parents[2] / "policies"
_CODE = re.compile(r'"code": ')
_REASON = re.compile(
    r'"code": (?:"([a-z0-9_.]+)"|sprintf\("([a-z0-9_.%]+)", \[[^\]]*\]\)),\s*"text": '
    r'(?:sprintf\()?"([^"]+)"'
)
_STEP = re.compile(r"(?:^|[.;:] )(?:Ask|Check|Choose|Give|Leave|Log on|Name)\b")
_NOT_FOR_OFFICERS = "sallyport/admit/"
"""They stand in the log; the officer is told one thing for all of them."""


def reasons(folder: Path) -> set[tuple[str, str]]:
    """Give each code with each of its texts. A code whose text can't be read fails."""
    found = set()
    for file in sorted(folder.rglob("*.rego")):
        name = file.relative_to(folder).as_posix()
        if not name.endswith("_test.rego") and not name.startswith(_NOT_FOR_OFFICERS):
            text = file.read_text()
            read = _REASON.findall(text)
            assert len(read) == len(_CODE.findall(text)), name
            found |= {(plain or made, words) for plain, made, words in read}
    return found


def test_every_refusal_has_a_next_step() -> None:
    found = reasons(POLICIES)
    assert len(found) >= 36
    assert {"agreement.hit_only", "chri.purpose_code_required"} <= {code for code, _ in found}
    assert {(c, text) for c, text in found if not _STEP.search(text)} == set()


@pytest.mark.parametrize("code", ['"x.y"', 'sprintf("x.y", [data.z])'])
def test_a_refusal_without_one_is_noticed(tmp_path: Path, code: str) -> None:
    (tmp_path / "x.rego").write_text(f'deny contains {{\n\t"code": {code},\n\t"text": "No."\n}}')
    assert reasons(tmp_path) == {("x.y", "No.")}
    assert not _STEP.search("No.")


@pytest.mark.parametrize(
    "reason",
    [
        '"code": "x.y", "text": words',
        '"code": sprintf("%v.%v", parts), "text": "Ask."',
        '"code": named, "text": "Ask."',
    ],
)
def test_a_text_that_cannot_be_read_here_is_noticed(tmp_path: Path, reason: str) -> None:
    (tmp_path / "x.rego").write_text("deny contains {" + reason + "}")
    with pytest.raises(AssertionError):
        reasons(tmp_path)
