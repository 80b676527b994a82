"""Only a decision can make a Permit, an AnswerPermit or a Released: at run time, and for mypy."""

import copy
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Answer, Ori
from gateway.policy import AnswerPermit, Evidence, Permit, Policy, Released
from gateway.policy.proof import Mint
from tests.policy.made import LEAF, NOW, question, result, search, start

ROOT = Path(__file__).parents[2]
EVIDENCE = Evidence("ask", "sha-256:0", b"{}", {}, ())
FORGED = """
from gateway.model import Answer, Ori, Question
from gateway.policy import Evidence, Permit, Released

def forge(question: Question, answer: Answer, evidence: Evidence) -> None:
    Permit(owner=Ori("X"), question=question, terms_withheld=(), evidence=evidence)
    Released(answer=answer, evidence=(evidence,))
    Released(answer=answer, evidence=(evidence,), mint=None)
    Released(answer=answer, evidence=(evidence,), mint=object())
"""


@pytest.fixture
async def policy(vetted_dir: Path) -> Policy:
    return await start(vetted_dir)


def test_nobody_else_has_a_mint() -> None:
    with pytest.raises(TypeError):
        Mint()
    with pytest.raises(TypeError):
        Permit(Ori("X"), question(), (), EVIDENCE)  # type: ignore[call-arg]  # the point of the test
    forged: list[Any] = [None, object(), Mint]
    for mint in forged:
        with pytest.raises(TypeError):
            Released(answer=None, evidence=(), mint=mint)  # type: ignore[arg-type]  # the point of the test


def test_for_mypy_it_is_an_error(tmp_path: Path) -> None:
    forgery = tmp_path / "forgery.py"
    forgery.write_text(FORGED)
    found = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary"),
            *("--follow-imports=silent", "--ignore-missing-imports"),
            *("--cache-dir", str(ROOT / ".mypy_cache"), str(forgery)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = re.findall(r"forgery\.py:(\d+): error", found.stdout)
    assert errors == ["6", "7", "8", "9"], found.stdout


def test_no_other_room_takes_the_mint() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in ("gateway", "adapters")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bMINT\b|policy\.proof|policy import proof", path.read_text())
    ]
    assert users
    assert all(u.startswith("gateway/policy/") for u in users)


async def test_a_proof_is_not_copied_changed_or_pickled(policy: Policy) -> None:
    decision = await policy.permit_search(search(), now=NOW)
    permit = await policy.permit_answer(question(), now=NOW)
    assert isinstance(permit, AnswerPermit)
    released = await policy.release(permit, result(), leaf=LEAF, now=NOW)
    proofs: list[Any] = [decision.permits[0], permit, released]
    for proof in proofs:
        for forge in (copy.copy, copy.deepcopy, pickle.dumps, lambda p: replace(p, evidence=None)):
            with pytest.raises((TypeError, ValueError)):
                forge(proof)
        with pytest.raises(AttributeError):
            proof.evidence = None


async def test_the_body_is_the_same_bytes_each_time(policy: Policy) -> None:
    permit = await policy.permit_answer(question(), now=NOW)
    assert isinstance(permit, AnswerPermit)
    released = await policy.release(permit, result(), leaf=LEAF, now=NOW)
    assert isinstance(released.answer, Answer)
    assert released.body() is released.body()
