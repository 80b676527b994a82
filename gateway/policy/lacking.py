"""What an input that was logged under an older schema lacks, of what a set's rules ask.

The schema of the inputs grows. A rule on a fact that older inputs do not have decides on nothing
there, so what comes out says nothing of what it would have decided. Whether a decision asks for a
fact is told by the fact's name in the files of the rules that the decision comes to: rather too
much than too little.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.builtins import look
from gateway.policy.embedded import syntax_tree
from gateway.policy.engine import ENTRYPOINTS
from gateway.policy.input_schema import Schema, input_schemas
from gateway.policy.sets import PolicySet
from gateway.policy.unread import read_from


class Lacking:
    """Tells for one set what an input lacks that its rules ask."""

    def __init__(self, policy_set: PolicySet) -> None:
        """Read the rules. Raises `PolicyRejected` where one does not parse."""
        self._schemas = input_schemas(policy_set.data)
        modules = policy_set.rules
        rules = [r for p, text in modules.items() for r in look(syntax_tree(p, text)).rules]
        self._texts: dict[str, str] = {}
        for entrypoint in ENTRYPOINTS:
            read = read_from([("sallyport", entrypoint, "decision")], rules)
            files = {r.where.rpartition(":")[0] for r in rules if r.path in read}
            self._texts[entrypoint] = "\n".join(modules[f] for f in sorted(files))

    def of(self, entrypoint: str, case: Mapping[str, Any]) -> tuple[str, ...]:
        """Give the paths that the schema requires, the input lacks and the rules name."""
        text = self._texts[entrypoint]
        missing = dict.fromkeys(_missing(self._schemas[entrypoint], case, ""))
        return tuple(path for path in missing if path.rpartition(".")[2] in text)


def _missing(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{path}{name}" for name in schema.get("required", ()) if name not in value)
        for name, below in schema.get("properties", {}).items():
            if name in value:
                yield from _missing(below, value[name], f"{path}{name}.")
    elif isinstance(value, list):
        for item in value:
            yield from _missing(schema.get("items", {}), item, path)
