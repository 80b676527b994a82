"""A new agreement's draft, tried as it is: everything that is left to fill in is named at once."""

import re
from pathlib import Path

import pytest

from gateway.cli import agreement_draft, agreement_work
from gateway.errors import PolicyRejected
from gateway.policy.sets import load_set

POLICIES = Path(__file__).parents[2] / "policies"


def test_all_that_is_left_to_fill_in_is_named_with_its_line(tmp_path: Path) -> None:
    text = agreement_draft.template(
        load_set(POLICIES).data,
        name="mou-2026-09",
        parties=("CA9990000", "TX9990000"),
        begins="2026-12-01T00:00:00Z",
        ends="2027-12-01T00:00:00Z",
        paper=None,
        task_force=None,
    )
    with pytest.raises(PolicyRejected) as caught:
        agreement_work._document(text, tmp_path / "mou.yaml")
    first, *others = caught.value.detail.splitlines()
    assert first == "'title' is still empty: fill it in"
    lines = text.splitlines()
    assert caught.value.where == f"mou.yaml:{lines.index(chr(39).join(['title: ', '', ''])) + 1}"
    assert len(others) > 10
    for other in others:
        # Each names its line, and the key that stands there.
        found = re.fullmatch(r"  line (\d+): '([\w.]+)' .+", other)
        assert found, other
        key = [step for step in found[2].split(".") if not step.isdigit()][-1]
        assert key in lines[int(found[1]) - 1], other
    assert "at least 1 character" not in caught.value.detail
