"""Write the table of all policy rules in docs/policy.md from the metadata beside each rule.

    python tools/rules_table.py           writes the table
    python tools/rules_table.py --check   fails if it is not as the metadata say

A rule's metadata block is its `# METADATA` comment; one with `custom.id` is a rule of the table.
"""

import sys
from pathlib import Path
from typing import Any

from gateway.policy.rules import Rule, metadata_blocks

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "policy.md"
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"


def rules(folder: Path) -> list[Rule]:
    """Read the rules of a set's folder, in the order of their files. Raises ValueError.

    A block that is no YAML, an `id` without title, citation or `confirm_by_counsel`, and an `id`
    that two rules have, are errors.
    """
    found: dict[str, Rule] = {}
    for path in sorted(folder.rglob("*.rego")):
        if path.name.endswith("_test.rego"):
            continue
        where = path.relative_to(folder).as_posix()
        for line, block in metadata_blocks(path.read_text()):
            custom = block.get("custom") or {}
            if "id" not in custom:
                continue
            rule = _rule(block, custom, where, line)
            if rule.id in found:
                raise ValueError(f"{where}:{line}: '{rule.id}' is in {_file(found[rule.id])} too")
            found[rule.id] = rule
    return list(found.values())


def _rule(block: dict[str, Any], custom: dict[str, Any], where: str, line: int) -> Rule:
    title, citation, counsel = (
        block.get("title"),
        custom.get("citation"),
        custom.get("confirm_by_counsel"),
    )
    if not title or not citation or not isinstance(counsel, bool):
        raise ValueError(f"{where}:{line}: title, citation and confirm_by_counsel are wanted")
    return Rule(str(custom["id"]), str(title), str(citation), counsel, f"{where}:{line}")


def _file(rule: Rule) -> str:
    return rule.where.rpartition(":")[0]


def table(found: list[Rule]) -> str:
    """Write the table in Markdown."""
    rows = ["| rule | title | citation | counsel | file |", "|---|---|---|---|---|"]
    rows += [
        f"| `{r.id}` | {r.title} | {r.citation} | "
        f"{'to confirm' if r.confirm_by_counsel else ''} | `{_file(r)}` |"
        for r in found
    ]
    return "\n".join(rows)


def page(text: str, found: list[Rule]) -> str:
    """Give the page with the table in its place. Raises ValueError if the place is not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no '{BEGIN}' … '{END}' in the page")
    return f"{before}{BEGIN}\n{table(found)}\n{END}{after}"


def main() -> int:
    """Write the table, or compare it."""
    text = PAGE.read_text()
    fresh = page(text, rules(ROOT / "policies"))
    if "--check" in sys.argv[1:]:
        return int(fresh != text)
    PAGE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
