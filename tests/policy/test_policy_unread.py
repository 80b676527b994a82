"""A rule of the agency's own, or of a place's law, that no decision reads is refused."""

from pathlib import Path

import pytest

from gateway.errors import PolicyRejected
from gateway.policy.engine import Limits
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.unread import unread
from gateway.policy.vet import Known, look_through, vet
from tests.policy.made import CALIFORNIA, TEXAS

POLICIES = Path(__file__).parents[2] / "policies"
DENY = 'deny contains {"code": "x.y", "text": "No."} if not input.client'


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return load_set(POLICIES)


@pytest.fixture(scope="module")
def known(shipped: PolicySet) -> Known:
    return look_through(shipped.modules.items())


def found(known: Known, files: dict[str, str]) -> list[tuple[str, str]]:
    kept = {at: seen for at, seen in known.items() if at[0] not in files}
    looks = [*kept.values(), *look_through(files.items()).values()]
    return [(m.where, m.reason) for m in unread(seen.look for seen in looks)]


@pytest.mark.parametrize(
    ("path", "package", "rule", "name"),
    [
        ("local/more.rego", "local", DENY.replace("deny", "denny"), "local.denny"),
        ("local/more.rego", "local", 'withhold contains [0, "photo"]', "local.withhold"),
        ("local/a/more.rego", "local.a", DENY, "local.a.deny"),
        ("law/texas/more.rego", "law.texas", DENY, "law.texas.deny"),
        ("law/texas/more.rego", "law.texas", "default deny := false", "law.texas.deny"),
        ("law/texas/more.rego", "law.texas", "f(x) := x", "law.texas.f"),
        (
            "law/texas/more.rego",
            "sallyport.law",
            'owner_denny["texas"] := set()',
            "sallyport.law.owner_denny.texas",
        ),
        (
            "law/utah/lines.rego",
            "sallyport.law",
            "owner_hide.utah[place] contains 1 if some place in [1]\nowner_hides contains 1",
            "sallyport.law.owner_hides",
        ),
    ],
)
def test_what_no_decision_reads_is_refused_with_its_line(
    known: Known, path: str, package: str, rule: str, name: str
) -> None:
    misuses = found(known, {path: f"package {package}\nimport rego.v1\n\n{rule}\n"})
    (where, reason) = misuses[0]
    assert where.rpartition(":")[0] == path
    assert int(where.rpartition(":")[2]) >= 4
    assert f"no decision reads 'data.{name}'" in reason
    assert len(misuses) == 1


def test_the_author_is_told_what_is_read_there(known: Known) -> None:
    file = f"package local\nimport rego.v1\n{DENY.replace('deny', 'denny')}\n"
    ((_, reason),) = found(known, {"local/more.rego": file})
    assert "Of its package these are read: deny, few_enough, hide, kept, never." in reason


def test_what_is_read_by_any_way_is_admitted(shipped: PolicySet, known: Known) -> None:
    assert found(known, {}) == []
    lines = shipped.modules["law/texas/lines.rego"]
    named = lines.replace(
        'owner_deny["texas"] := set()',
        'owner_deny["texas"] := data.law.texas.deny if answering.texas',
    )
    assert named != lines
    rules = (
        "package law.texas\nimport rego.v1\nimport data.law.texas.words as named\n"
        'deny contains {"code": "x.y", "text": named.sorry} if { not good(input.client) }\n'
        'good(client) if startswith(client, parts[_].start)\nparts := [{"start": "a"}]\n'
    )
    words = 'package law.texas.words\nsorry := "No."\n'
    files = {
        "law/texas/lines.rego": named,
        "law/texas/more.rego": rules,
        "law/texas/words.rego": words,
    }
    assert found(known, files) == []
    # A test of the author's own is no decision.
    test = "package local_test\nimport rego.v1\ntest_x if data.local.denny\n"
    files = {
        "local/more_test.rego": test,
        "local/more.rego": "package local\nimport rego.v1\ndenny if true\n",
    }
    assert len(found(known, files)) == 1


@pytest.mark.parametrize("ori", [TEXAS, CALIFORNIA])
def test_vetting_refuses_it(shipped: PolicySet, known: Known, ori: str) -> None:
    more = {"local/more.rego": f"package local\nimport rego.v1\n{DENY.replace('deny', 'denny')}\n"}
    candidate = make_set({**shipped.modules, **more}, shipped.data)
    with pytest.raises(PolicyRejected, match=r"no decision reads 'data\.local\.denny'") as caught:
        vet(candidate, ori, Limits(case_ms=500), known=known)
    assert caught.value.where == "local/more.rego:3"
