"""How often to do a thing: a few times in `make test`, many in `make soak`."""

import os

SOAK = os.environ.get("SALLYPORT_SOAK") == "1"


def count(small: int, large: int) -> int:
    """Give the count of this run."""
    return large if SOAK else small
