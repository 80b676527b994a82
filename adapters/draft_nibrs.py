"""A draft for NIBRS: its layout is the standard's, so only the agency's own decisions are left."""

import re
from importlib import resources
from pathlib import Path
from typing import Final

from adapters.draft_text import flow
from adapters.mapping import EDITORS
from adapters.nibrs import NibrsReader
from adapters.rows import Row
from gateway.errors import Misconfigured

NIBRS_LINE: Final = re.compile(r"\d{4}[0-7][IAMDWRF ][\d ]{6}.{4}[A-Z]{2}[A-Z0-9 ]{7}")
"""How each segment begins: length, segment, action, month and year, city, ORI."""


def nibrs_draft(path: Path, written: str, name: str) -> str:
    """Write the mapping of a NIBRS file. Raises Misconfigured if nothing in it can be read."""
    spec = {"type": "nibrs", "path": written}
    if not any(isinstance(row, Row) for row in NibrsReader(path, spec).rows()):
        raise Misconfigured("the source has no rows that could be read; a draft needs some")
    records = resources.files("adapters").joinpath("nibrs_draft.yaml").read_text(encoding="utf-8")
    return (
        f"{EDITORS}\n"
        "# The layout is the standard's. Nothing leaves until `handling` says so.\n"
        "# Go through every CHECK, then: sallyport mapping check FILE --rows\n"
        f"mapping: 1\nsource: {flow(name)}\nformat: {flow(spec)}\n\n{records}"
    )
