"""What this process holds in memory, so exactly that some bytes a row are seen in thousands."""

import ctypes
import gc
import sys
from dataclasses import dataclass
from pathlib import Path


class _Malloc(ctypes.Structure):
    """What glibc says of its heap (`mallinfo2`)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "mapped"),
            *("usmblks", "fsmblks", "used", "fordblks", "keepcost"),
        )
    )


_LIBC = ctypes.CDLL(None)
TOLD = hasattr(_LIBC, "mallinfo2") and Path("/proc/self/statm").exists()
"""Whether this system says so."""
if TOLD:
    _LIBC.mallinfo2.restype = _Malloc


@dataclass(frozen=True)
class Held:
    """Memory in use: Python's small blocks, and the bytes of C's heap, which larger ones are of."""

    blocks: int
    heap: int


def held() -> Held:
    """Give what is held, garbage apart. `gc.freeze()` before makes it quick."""
    gc.collect()
    heap = _LIBC.mallinfo2()
    return Held(sys.getallocatedblocks(), heap.used + heap.mapped)


def resident() -> int:
    """Count the bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
