"""A clock that does not go back: what has ended stays ended when somebody sets the clock back."""

import time
from datetime import UTC, datetime, timedelta


class SteadyClock:
    """Gives the later of the machine's time and of what has gone by since it was made."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._from = time.monotonic()

    def now(self) -> datetime:
        """Give the moment, aware, UTC."""
        gone_by = self._began + timedelta(seconds=time.monotonic() - self._from)
        return max(datetime.now(UTC), gone_by)
