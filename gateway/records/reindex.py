"""Make the index of one generation again: `python -m gateway.records.reindex PATH GENERATION`.

The gateway starts this as a process of its own when the code that makes indexes has changed since
the import, so that it goes on answering meanwhile.
"""

import sys
from pathlib import Path

from gateway.records.importer import make_index
from gateway.records.store import open_store


def main(path: str, generation: str) -> None:
    """Make it and keep it."""
    engine = open_store(Path(path))
    make_index(engine, int(generation), Path(path).parent)
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
