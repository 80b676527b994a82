"""What a live source of records must offer. Mirrors are not sources: they are imports."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.model import Record, SubjectQuery


class RecordSource(Protocol):
    """Records that are searched where they are kept. Its calls block, on a worker thread.

    `terms` maps a kind of subject to the terms that the source holds.
    """

    @property
    def name(self) -> str:
        """The source's name in status and logs."""
        ...

    @property
    def record_types(self) -> frozenset[str]:
        """The record types it holds."""
        ...

    @property
    def terms(self) -> Mapping[str, frozenset[str]]:
        """The terms it can be searched by, by kind of subject."""
        ...

    def as_of(self) -> datetime | None:
        """Give the moment that its records are of."""
        ...

    def candidates(
        self, query: SubjectQuery, record_types: frozenset[str], limit: int
    ) -> Sequence[Record]:
        """Give records that may match, more rather than fewer, up to `limit`."""
        ...

    def get(self, record_id: str) -> Record | None:
        """Give one record by its id."""
        ...
