"""Rules whose name has steps: refused where the engines make something else of them."""

from pathlib import Path

import pytest

from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.opa_server import OpaServerEngine
from gateway.policy.sets import PolicySet, make_set
from tests.policy.conftest import StartOpa
from tests.policy.test_policy_vetting import verdict

NONE = 'if { some k, v in {"x": 1}; some j in ["y"]; v == 9 }'
"""Holds for no value."""
UNEVEN = [
    f"q[k] contains v {NONE}",
    f"q.a[k] contains v {NONE}",
    f"q.a[k] contains v {NONE}\nq.b contains 2",
    f"q[k].a contains v {NONE}",
    f"q[k][j] := v {NONE}",
    f"q[k][j] {NONE}",
    f"q[k].a := v {NONE}",
    f"q[k][1] := v {NONE}",
    f'q[k]["a"] := v {NONE}',
    f"q.a[k].b := v {NONE}",
    f"q.a := v {NONE}",
    f"q.a {NONE}",
    "q.a := input.nothing",
    f'q["a"].b := v {NONE}',
    f"q.a := 1 {NONE} else := 2 if false",
]
EVEN = [
    f"q contains v {NONE}",
    f"q.a contains v {NONE}",
    f'q["a"] contains v {NONE}',
    f"q[1] contains v {NONE}",
    f"q.a.b contains v {NONE}",
    f"q[k] := v {NONE}",
    f"q[k] {NONE}",
    f"q.a[k] := v {NONE}",
    f'q["a"][k] := v {NONE}',
    f"q[1][k] := v {NONE}",
    f"q.a.b[k] := v {NONE}",
    f"q contains [k, v] {NONE}",
    f'q["a"] := v {NONE}',
    f'q.a["b"] := v {NONE}',
    f"default q.a := 2\nq.a := v {NONE}",
    "q.a := 1",
]


def a_set() -> PolicySet:
    """Make a set that tells of each rule by its number what it comes to, if to anything."""
    lines = ["package sallyport.ask", "import rego.v1", 'decision := {"made": made}']
    files = {
        f"{e}.rego": f"package sallyport.{e}\nimport rego.v1\ndecision := {{}}\n"
        for e in ("answer", "release", "admit", "agencies")
    }
    for number, rule in enumerate([*UNEVEN, *EVEN]):
        files[f"h{number}.rego"] = f"package h{number}\nimport rego.v1\n{rule}\n"
        lines.append(f'made contains ["h{number}", data.h{number}.q]')
    return make_set({"ask.rego": "\n".join(lines) + "\n", **files}, {})


@pytest.mark.opa
async def test_the_engines_differ_in_what_is_refused_and_in_nothing_else(
    start_opa: StartOpa,
) -> None:
    """Fails where an engine is mended, too: then what is refused may be admitted."""
    policy_set = a_set()
    embedded, server = EmbeddedEngine(), OpaServerEngine(start_opa(policy_set))
    await embedded.activate(policy_set)
    await server.activate(policy_set)
    try:
        here, there = [
            dict((await engine.decide("ask", b"{}")).outcome["made"])
            for engine in (embedded, server)
        ]
    finally:
        await server.close()
    differ = [
        rule
        for number, rule in enumerate([*UNEVEN, *EVEN])
        if here.get(f"h{number}", "nothing") != there.get(f"h{number}", "nothing")
    ]
    assert differ == UNEVEN


@pytest.mark.parametrize("rule", UNEVEN)
def test_where_they_differ_it_is_refused_with_its_line(tmp_path: Path, rule: str) -> None:
    rego = f"package sallyport.more\nimport rego.v1\n{rule}\n"
    found = verdict(tmp_path, {"sallyport/more/more.rego": rego})
    assert found is not None
    assert "more.rego:3" in found
    assert "has to be its last" in found or 'write name["step"]' in found


def test_all_others_are_admitted(tmp_path: Path) -> None:
    more = {
        f"sallyport/more{n}/more.rego": f"package sallyport.more{n}\nimport rego.v1\n{rule}\n"
        for n, rule in enumerate(EVEN)
    }
    assert verdict(tmp_path, more) is None
