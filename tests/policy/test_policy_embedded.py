"""What the embedded engine does when it fails: it refuses, tells nothing, and harms nobody else."""

import asyncio
import sys
import threading
from typing import Any

import pytest

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy import embedded
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Limits
from gateway.policy.sets import PolicySet, make_set
from tests.soak import count

# `object.subset` with an empty list makes the engine panic; vetting would not let it pass.
ASK = """package sallyport.ask
import rego.v1
default decision := {"seen": "nothing"}
decision := {"seen": input.name}
"""
ANSWER = """package sallyport.answer
import rego.v1
nested(x) := object.subset(x, [])
deeper := {"r": nested(input.list)}
decision := {"deep": deeper}
"""
RELEASE = """package sallyport.release
import rego.v1
decision := {"n": to_number(input.text)}
"""
ADMIT = """package sallyport.admit
import rego.v1
decision := {"never": true} if input.nothing
"""
AGENCIES = """package sallyport.agencies
import rego.v1
decision := 1 if input.one
decision := 2 if input.two
"""
SLOW = """package sallyport.release
import rego.v1
digits := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
decision := {"seen": input.name} if not input.slow
decision := {"n": n} if {
	input.slow
	n := count([1 |
		some a in digits
		some b in digits
		some c in digits
		some d in digits
		concat("", [sprintf("%v", [a]), sprintf("%v", [b]), sprintf("%v", [c + d])]) == "never"
	])
}
"""
HOSTILE = make_set(
    {
        "ask.rego": ASK,
        "answer.rego": ANSWER,
        "release.rego": RELEASE,
        "admit.rego": ADMIT,
        "agencies.rego": AGENCIES,
    },
    {},
)
CANARY = "ZEBULON QUILLFEATHER"


async def engine_of(policy_set: PolicySet = HOSTILE) -> EmbeddedEngine:
    engine = EmbeddedEngine()
    await engine.activate(policy_set)
    return engine


async def the_next_caller_is_unharmed(engine: EmbeddedEngine) -> None:
    decided = await engine.decide("ask", b'{"name":"next"}')
    assert decided.outcome == {"seen": "next"}
    assert decided.revision == HOSTILE.revision


@pytest.mark.parametrize(
    ("entrypoint", "input_json"),
    [
        pytest.param("answer", f'{{"list":["{CANARY} é"]}}'.encode(), id="panic"),
        pytest.param("release", f'{{"text":"{CANARY}"}}'.encode(), id="error"),
        pytest.param("agencies", b'{"one":1,"two":1}', id="conflict"),
        pytest.param("admit", b"{}", id="undefined"),
        pytest.param("ask", f'{{"name":"{CANARY}"'.encode(), id="input cut off"),
        pytest.param("ask", b"", id="no input"),
        pytest.param("ask", b'{"name":"\xff"}', id="not UTF-8"),
        pytest.param("ask", b'{"name":' + b"[" * 10_000 + b"]" * 10_000 + b"}", id="too deep"),
        pytest.param("nobody", b"{}", id="unknown entrypoint"),
    ],
)
async def test_a_failure_refuses_tells_nothing_and_leaves_the_next_unharmed(
    entrypoint: str, input_json: bytes
) -> None:
    engine = await engine_of()
    await the_next_caller_is_unharmed(engine)
    for _ in range(3):
        with pytest.raises(PolicyUnavailable) as caught:
            await engine.decide(entrypoint, input_json)
        shown = f"{caught.value} {caught.value.detail} {caught.value.__cause__}"
        assert CANARY not in shown
        assert "backtrace" not in shown
        assert caught.value.__context__ is None
        await the_next_caller_is_unharmed(engine)


async def test_a_slow_evaluation_is_refused_and_leaves_the_next_unharmed() -> None:
    engine = EmbeddedEngine(Limits(decision_ms=20))
    await engine.activate(make_set({**HOSTILE.modules, "release.rego": SLOW}, {}))
    for _ in range(count(2, 50)):
        # It is not kept either: asked again, it is refused again.
        for _ in range(2):
            with pytest.raises(PolicyUnavailable, match="too long in 'release'"):
                await engine.decide("release", f'{{"slow":true,"name":"{CANARY}"}}'.encode())
        assert (await engine.decide("release", b'{"name":"next"}')).outcome == {"seen": "next"}
        assert (await engine.decide("ask", b'{"name":"next"}')).outcome == {"seen": "next"}


async def test_the_panic_in_these_tests_is_a_real_one() -> None:
    compiled = embedded.Compiled(HOSTILE.rules, {})
    with pytest.raises(BaseException, match="window size") as caught:
        compiled.decide("data.sallyport.answer.decision", b'{"list":["x"]}')
    assert type(caught.value).__name__ == "PanicException"
    assert not isinstance(caught.value, Exception)


async def test_never_decides_on_the_input_of_the_caller_before() -> None:
    engine = await engine_of()
    decided = await engine.decide("ask", f'{{"name":"{CANARY}"}}'.encode())
    assert decided.outcome == {"seen": CANARY}
    # After a failed input, the engine itself would go on with the one before.
    with pytest.raises(PolicyUnavailable):
        await engine.decide("ask", b'{"name": 1')
    assert (await engine.decide("ask", b"{}")).outcome == {"seen": "nothing"}
    assert (await engine.decide("ask", b"null")).outcome == {"seen": "nothing"}


@pytest.mark.parametrize(
    "signal", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit]
)
async def test_a_cancellation_or_exit_passes_through(
    signal: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engine_of()

    def stop(*_: Any) -> bytes:
        raise signal

    monkeypatch.setattr(embedded.Compiled, "decide", stop)
    with pytest.raises(signal):
        # Not awaited: pytest's own loop must not see these.
        engine.decide("ask", b"{}").send(None)


async def test_another_thread_is_refused() -> None:
    engine = await engine_of()
    caught: list[BaseException] = []

    def elsewhere() -> None:
        try:
            engine.decide("ask", b"{}").send(None)
        except PolicyUnavailable as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(caught) == 1
    await the_next_caller_is_unharmed(engine)


async def test_an_engine_is_not_dropped_by_another_thread() -> None:
    compiled = [embedded.Compiled(HOSTILE.rules, {})]
    thread = threading.Thread(target=compiled.clear)
    thread.start()
    thread.join()
    assert len(embedded._orphans[threading.get_ident()]) == 1
    embedded.Compiled({}, {})
    assert threading.get_ident() not in embedded._orphans


async def test_nor_is_that_of_a_module_that_does_not_parse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever keeps the error keeps its traceback: an engine in there is dropped anywhere."""
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    kept: list[PolicyRejected] = []
    try:
        embedded.syntax_tree("a.rego", "package a\n\nb if {\n")
    except PolicyRejected as error:
        kept.append(error)
    assert kept
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    assert not unraisable


async def test_the_same_input_is_decided_once_and_another_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = await engine_of()
    decided = []
    decide = embedded.Compiled.decide

    def watched(self: embedded.Compiled, rule: str, input_json: bytes) -> bytes:
        decided.append(input_json)
        return decide(self, rule, input_json)

    monkeypatch.setattr(embedded.Compiled, "decide", watched)
    for name in ("one", "one", "two", "one"):
        outcome = (await engine.decide("ask", f'{{"name":"{name}"}}'.encode())).outcome
        assert outcome == {"seen": name}
    assert len(decided) == 2
    other = make_set({**HOSTILE.modules, "ask.rego": ASK.replace("input.name", '"new"')}, {})
    await engine.activate(other)
    again = await engine.decide("ask", b'{"name":"one"}')
    assert (again.outcome, again.revision) == ({"seen": "new"}, other.revision)
    for n in range(embedded._KEPT + 10):
        await engine.decide("ask", f'{{"name":"{n}"}}'.encode())
    assert len(engine._decided) <= embedded._KEPT


async def test_without_a_set_it_decides_nothing() -> None:
    with pytest.raises(PolicyUnavailable):
        await EmbeddedEngine().decide("ask", b"{}")


async def test_a_set_that_does_not_compile_leaves_the_old_one() -> None:
    engine = await engine_of()
    bad = make_set({**HOSTILE.modules, "ask.rego": "package sallyport.ask\nx :=\n"}, {})
    with pytest.raises(PolicyRejected) as caught:
        await engine.activate(bad)
    assert caught.value.where == "ask.rego:3"
    await the_next_caller_is_unharmed(engine)


async def test_it_is_closed_for_good() -> None:
    engine = await engine_of()
    await engine.close()
    with pytest.raises(PolicyUnavailable):
        await engine.decide("ask", b"{}")
