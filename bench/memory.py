"""How much memory a process used at most."""

from pathlib import Path


def peak_mib() -> int:
    """Give this process's peak of resident memory in MiB, since its program started.

    Not `ru_maxrss`: that also holds what the process had in memory that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (x for x in status.splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024
