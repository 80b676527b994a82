"""What `bench.policy` measures is decided, and not at hand, but for the cases of one unit."""

import orjson

from bench.policy import ONE_UNIT, POLICIES, cases, with_peers
from gateway.policy.agreements import with_examples
from gateway.policy.alike import Alike
from gateway.policy.embedded import syntax_trees
from gateway.policy.sets import load_set


async def test_each_decision_that_is_measured_is_made() -> None:
    policy_set = with_peers(with_examples(load_set(POLICIES)), 2)
    alike = await Alike.of(syntax_trees(policy_set.rules), policy_set.data)
    assert alike.holds
    shared = set()
    for case in cases():
        if case.entrypoint == "release":
            continue  # decided each time
        one, other = (alike.key(orjson.dumps(case.make(n))) for n in (1, 2))
        if one == other:
            shared.add(case.title)
    assert shared == {ONE_UNIT}
