"""Which package a file may add to: what stands in a folder can only do what the folder is for.

The agency's own rules stand in `local/` and add to the package `local`, which others read to
refuse, hide and leave out, and never to give. A file there that added to another package could
widen. What stands in `law/<place>/` is that place's law, or its lines in the package that asks.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.policy.builtins import Misuse, dotted
from gateway.policy.sets import TEST_SUFFIX

LOCAL, LAW, LINES = "local", "law", "sallyport.law"


def misplaced(trees: Iterable[Mapping[str, Any]]) -> Iterator[Misuse]:
    """Find files, tests aside, whose package is not one that their folder may add to."""
    for tree in trees:
        path = str(tree["source"]["file"])
        folder, _, rest = path.partition("/")
        if not rest or path.endswith(TEST_SUFFIX) or folder not in {LOCAL, LAW}:
            continue
        package = dotted(tree["ast"]["package"]["refr"])
        place = f"{LAW}.{rest.partition('/')[0].removesuffix('.rego')}"
        allowed = (LOCAL,) if folder == LOCAL else (place, LINES)
        if not any(package == a or package.startswith(f"{a}.") for a in allowed):
            names = " or ".join(f"'{a}'" for a in allowed)
            line = tree["ast"]["package"]["span"]["line"]
            yield Misuse(
                f"{path}:{line}",
                f"a file in {folder}/ adds to package {names}, not '{package}': change its first "
                "line, or move the file",
            )
