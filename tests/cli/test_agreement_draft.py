"""A new agreement's draft, tried as it is: everything that is left to fill in is named at once."""

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from demo import agreements
from gateway.cli import agreement_draft, agreement_work, setup
from gateway.cli.agreement import app
from gateway.errors import PolicyRejected, SallyportError
from gateway.policy.sets import load_set

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"


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


# -- what administrators mistype ----------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Path:
    home = tmp_path / "g"
    setup.init_home(home, ori="TX9990000", name="Sheriff", url="https://tx.example", port=8471)
    shutil.copytree(POLICIES, home / "policies", dirs_exist_ok=True)
    return home


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def why(done: Result) -> str:
    assert isinstance(done.exception, SallyportError), done.output
    return done.exception.detail


def whole(**changes: Any) -> str:
    every = agreements.examples(load_set(POLICIES))
    paper = next(p for p in every if "TX9990000" in p["parties"])
    text = agreements.text_of(paper, id="mou-2027.01", **changes)
    return yaml.safe_dump(text, sort_keys=False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"signed_on: .*", "signed_on: '2026-15-12'", "has to be a day as year-month-day"),
        (r"signed_on: .*", "signed_on: 20261212", "put it in quotes"),
        (r"  to: .*", "  to: 2029-01-01", "has to be a moment in UTC"),
        (r"  to: .*", "  to: 2029-01-01T00:00:00", "has to be a moment in UTC"),
        (r"  to: .*", "  to: 2029-01-01T00:00:00-08:00", "has to be a moment in UTC"),
        (r"  to: .*", "  to: '2029-02-30T00:00:00Z'", "is no moment that there is"),
        (r"title: .*", "title: {}", "has to be a text"),
        (r"(?s).*", "nothing", "is no agreement: begin with"),
    ],
)
def test_a_day_or_a_moment_is_what_was_written(
    office: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    draft = tmp_path / "mou.yaml"
    draft.write_text(re.sub(old, new, whole(), count=1))
    assert said in why(run(office, "sign", str(draft), "--yes"))
    assert not list(office.glob("agreements/*/*.json"))


def test_an_id_with_a_dot_is_signed_by_its_id(office: Path, tmp_path: Path) -> None:
    draft = tmp_path / "mou.yaml"
    draft.write_text(whole(valid={"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}))
    assert run(office, "sign", str(draft), "--yes").exit_code == 0
    again = run(office, "sign", "mou-2027.01", "--yes")
    assert "Signed mou-2027.01, version 1" in again.stdout
    assert "There is no file mou-2027.02" in why(run(office, "sign", "mou-2027.02", "--yes"))
    shorter = run(office, "renew", "mou-2027.01", str(tmp_path / "n.yaml"), "--to", "2027-01-01")
    assert "is not later than its begin, 2999-01-01" in why(shorter)
    late = ("--to", "9999-12-31T23:59:59-08:00")
    assert "is no day" in why(run(office, "renew", "mou-2027.01", str(tmp_path / "n.yaml"), *late))


def test_the_paper_is_held_against_its_digest(office: Path, tmp_path: Path) -> None:
    paper, draft = tmp_path / "mou.pdf", tmp_path / "mou.yaml"
    paper.write_bytes(b"the paper")
    made = {"digest": f"sha-256:{hashlib.sha256(b'the paper').hexdigest()}"}
    forever = {"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    draft.write_text(whole(paper=made, valid=forever))
    run(office, "sign", str(draft), "--yes")
    asked = ("verify", "mou-2027.01", "--paper", str(paper))
    assert run(office, *asked).exit_code == 0
    paper.write_bytes(b"the paper.")
    done = run(office, *asked)
    assert (done.exit_code, "is not the paper that it names" in done.stdout) == (1, True)
    assert "takes an ID too" in why(run(office, "verify", "--paper", str(paper)))


def test_who_signs_is_told_of_another_for_the_same_purpose(office: Path, tmp_path: Path) -> None:
    forever = {"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}

    def signed(name: str, **changes: Any) -> str:
        draft = tmp_path / f"{name}.yaml"
        text = whole(valid=forever, **changes).replace("mou-2027.01", name)
        draft.write_text(text)
        done = run(office, "sign", str(draft), "--yes")
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    assert "Note:" not in signed("mou-b")
    second = signed("mou-a")
    assert "Note: mou-b, version 1, is for" in second
    assert "mou-a decides, the first by its id" in second
    assert "Note:" not in signed("mou-c", cases=["26-1"])
    later = {"from": "2999-01-01T00:00:00Z", "to": "2999-06-01T00:00:00Z"}
    forever.update(later)
    assert "Note:" not in signed("mou-d")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--with", "TX9990000"), "A party stands twice"),
        (("--with", "CA9990000", "--id", "MOU 1"), "can't be an agreement's id"),
    ],
)
def test_what_no_draft_can_say_is_refused_at_once(
    office: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    draft = tmp_path / "mou.yaml"
    assert said in why(run(office, "draft", str(draft), *words))
    assert not draft.exists()
    folder = run(office, "draft", str(draft), "--with", "CA9990000", "--paper", str(tmp_path))
    assert folder.exit_code == 2
