"""What makes an import stop and ask: records that would go, be opened, or could not be read.

Each is put to whoever may allow it, and raised if nobody does: then the records from before go on
serving.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from gateway.errors import Conflict
from gateway.records.sums import Sums


class Shrinks(Conflict):
    """An import stopped, as more records would go than may go at once."""

    default_code = "import.shrinks"
    option: ClassVar[str] = "--allow-shrink"
    """What of the command allows it."""

    def __init__(self, text: str, advice: str, found: "Compared", records: int) -> None:
        """Take what it is, without the end of the sentence, and how many records it is about."""
        kept = ": the records from before go on serving" if found.before else ""
        self.text = f"{found.source}: {text}"
        self.records = records
        super().__init__(
            f"{self.text}. Nothing was changed{kept}. {advice}import again with {self.option}"
        )


class Opens(Shrinks):
    """An import stopped, as more records would be handled less strictly than may be at once."""

    default_code = "import.opens"
    option = "--allow-opened"


class Older(Shrinks):
    """An import stopped, as the source says that it is of an earlier moment than the records."""

    default_code = "import.older"
    option = "--allow-older"


class Unread(Shrinks):
    """An import stopped, as records would go, change or come, and a part could not be read."""

    default_code = "import.unread"
    option = "--allow-unread"


@dataclass(frozen=True, slots=True)
class Most:
    """What may happen at once, in percent: of the records or rows, and of those so handled."""

    shrink: float = 100
    opened: float = 100


ANYTHING = Most()


@dataclass(frozen=True, slots=True)
class Compared:
    """What an import read, beside the records in force, of which there are `before`."""

    source: str
    before: int
    sums: Sums
    unread: str | None = None
    """What could not be read and may be any record's: it may seal one that can be read."""
    joined_before: Mapping[str, int] = field(default_factory=dict)
    joined: Mapping[str, int] = field(default_factory=dict)
    """The rows of joined files and tables."""
    held_back: str | None = None
    """How many rows are set aside because of joined ones that may be anybody's."""
    of: tuple[datetime | None, datetime | None] = (None, None)
    """The moment that the records in force are of, and that which the source says of itself."""

    @property
    def removed(self) -> int:
        """The records that are no longer there."""
        return self.before - (self.sums.records - self.sums.new)


def doubts(
    found: Compared, most: Most, held: Callable[[Mapping[str, int]], Mapping[str, int]]
) -> Iterator[Shrinks]:
    """Give the reasons to stop, the gravest first.

    `held` counts the records in force of some kinds: see `gateway.records.strictness`.
    """
    sums, removed = found.sums, found.removed
    touched = removed + sums.changed + sums.new
    if found.unread is not None and touched:
        said = [f"{removed:,} of {found.before:,} records would go"] if found.before else []
        said += [f"{sums.changed:,} would change"] if sums.changed else []
        said += [f"{sums.new:,} would be new"] if sums.new else []
        yield Unread(
            f"it could not be read whole, {found.unread}. {', and '.join(said)}. What was not read "
            "may say otherwise of them, or who may see them",
            "Have it exported anew, or mend it there. To go on without what was not read, ",
            *(found, touched),
        )
    was, says = found.of
    if touched and was is not None and says is not None and says < was:
        yield Older(
            f"it is of {says:%Y-%m-%d %H:%M} UTC, and the records that serve are of "
            f"{was:%Y-%m-%d %H:%M}: what was cleared, sealed or taken away since "
            "would be as it was",
            "Was an old export put in its place? If it is right, ",
            *(found, touched),
        )
    if found.before and 100 * removed > most.shrink * found.before:
        why = f": {found.held_back}" if found.held_back else ""
        advice = (
            "Give that row its key, or have its file exported anew; max_unread in the mapping says "
            "how many such rows may be passed over. To go on without what is held back, "
        )
        yield Shrinks(
            f"{removed:,} of {found.before:,} records ({100 * removed / found.before:.1f} %) are "
            f"no longer in the source, or are set aside now{why}. At most {most.shrink:g} % may go "
            "at once (max_shrink)",
            advice if why else "What was read is kept. If it is right, ",
            *(found, removed),
        )
    for what, rows in found.joined_before.items():
        gone = rows - found.joined.get(what, rows)
        if 100 * gone > most.shrink * rows:
            yield Shrinks(
                f"{what}, which is joined, has {rows - gone:,} rows that can be joined, and had "
                f"{rows:,} ({100 * gone / rows:.1f} % fewer). At most {most.shrink:g} % may go at "
                "once (max_shrink)",
                "What was read is kept. Is its export whole? If it is right, ",
                *(found, gone),
            )
    # One alone is an agency's doing: of those that are sealed there may be but a few.
    several = {k: n for k, n in sorted(sums.opened.items()) if n > (1 if most.opened else 0)}
    before = held(several) if several else {}
    many = {k: n for k, n in several.items() if 100 * n > most.opened * before[k]}
    if many:
        said = [f"{n:,} of {before[k]:,} with {k}" for k, n in many.items()]
        yield Opens(
            "many records would be handled less strictly than now, and more people might see them: "
            f"{'; '.join(said)}. At most {most.opened:g} % of those that are handled alike may be "
            "opened at once (max_opened)",
            "What was read is kept. Is a column of flags blank or shifted in the export, a joined "
            "file short, or a word in the mapping another one? If it is right, ",
            *(found, sum(many.values())),
        )
