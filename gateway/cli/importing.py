"""One import of one source, as `sallyport import` and the schedule do it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import rich.progress

import adapters
from gateway.cli.agreement_work import open_desk
from gateway.cli.reading import log_act
from gateway.errors import RecordsUnavailable, SallyportError
from gateway.model import Record, SetAside
from gateway.policy.vocabulary import read_vocabulary
from gateway.records import fingerprint
from gateway.records.corrections import Corrections
from gateway.records.doubts import ANYTHING, Most, Shrinks
from gateway.records.dryrun import dry_run
from gateway.records.importer import Imported, Importer, MadeOf, Progress, writable
from gateway.records.source import Upkeep
from gateway.records.store import Generation, Run
from gateway.records.strictness import Orders
from gateway.settings import Settings

DATA = "data"
RECORDS = "records.db"
MIRRORS = "mirrors"
"""What is kept of databases whose mappings say how changes are found: one file a source."""


@dataclass(frozen=True, slots=True)
class How:
    """How imports are done. `most` counts where a mapping says nothing.

    `orders` says which handling is stricter; `allow` is asked where more would happen than may:
    see `gateway.records.doubts`; `anew`: also what has not changed.
    """

    most: Most = ANYTHING
    orders: Orders = field(default_factory=dict)
    allow: Callable[[Shrinks], bool] = lambda _: False
    anew: bool = False
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """Where an import says how far it is; `total` is told about how many rows there are."""

    progress: Callable[[Progress], None] = lambda _: None
    total: Callable[[int | None], None] = lambda _: None


def shown_on(bar: rich.progress.Progress, name: str) -> Shown:
    """Show an import as a line of a bar, under the source's name."""
    task = bar.add_task(name, total=None)

    def progress(at: Progress) -> None:
        bar.update(task, completed=at.rows, description=f"{name}: {at.step}")

    return Shown(progress, lambda total: bar.update(task, total=total))


def how_of(settings: Settings) -> How:
    """Say how this gateway's imports are done where nobody is asked.

    Which handling is stricter the set in force says. Where there is none, nobody can tell: then
    every other handling counts as less strict.
    """
    try:
        orders = read_vocabulary(open_desk(settings.home).policy_set.data).strictness
    except SallyportError:
        orders = {}
    return How(Most(settings.max_shrink_percent, settings.max_opened_percent), orders)


def files_of(home: Path, upkeep: Upkeep) -> tuple[Path, ...] | None:
    """Name all that an import of a source reads; None where no file tells."""
    if upkeep.files is None:
        return None
    return (*upkeep.files, Corrections.path_of(home / DATA, upkeep.name))


def rehearse(home: Path, mapping: Path, how: How, shown: Shown) -> Imported:
    """Say what an import would do. Nothing is written. Raises SallyportError."""
    upkeep, source = adapters.upkeep(mapping), adapters.load(mapping)
    corrections = Corrections(home / DATA, upkeep.name)
    shown.total(source.total_hint())
    done = dry_run(
        home / DATA / RECORDS,
        upkeep.name,
        _Items(source, corrections),
        progress=shown.progress,
        origin=source.origin,
        most=_most(how, upkeep),
        orders=how.orders,
        unread=lambda: source.unread,
        joined=lambda: source.joined,
        held_back=lambda: source.held_back,
        says=lambda: source.at_latest() if upkeep.dated else None,
    )
    forgotten, _ = corrections.settle(source.held)
    passed = _said(source.passed_over)
    return replace(done, stated=source.stated(), forgotten=forgotten, passed_over=passed)


class Import:
    """The import of one mapping's source. Raises Misconfigured for a mapping that is wrong."""

    def __init__(self, home: Path, importer: Importer, mapping: Path, how: How) -> None:
        self._home = home
        self._importer = importer
        self._mapping = mapping
        self._how = how
        self._upkeep = adapters.upkeep(mapping)
        self._files = files_of(home, self._upkeep)
        self._refreshed: adapters.Refreshed | None = None
        self._allowed: list[tuple[str, int]] = []
        """By what it was let go on, and in spite of how many records or rows: see the log."""
        self._quick = fingerprint.quick(self._files)
        self._of_corrections = self._corrected()

    def run(self, shown: Shown) -> Imported:
        """Do it, and keep what became of it. Raises SallyportError; what was read is kept."""
        started = datetime.now(UTC)

        def note(
            outcome: str, error: SallyportError | None = None, passed: str | None = None
        ) -> None:
            code, text = (error.code, error.detail) if error else (None, passed)
            run = Run(self._upkeep.name, started, datetime.now(UTC), outcome, code, text)
            self._importer.note(replace(run, scheduled=self._how.scheduled, quick=self._quick))

        try:
            with writable(Path(RECORDS)):
                done = self._or_logged(shown)
        except Shrinks as error:
            note("refused", error)
            raise
        except SallyportError as error:
            if error.code != "import.busy":
                note("failed", error)
            raise
        except Exception as error:
            # Its text may hold values: only its kind is kept.
            note("failed", RecordsUnavailable(type(error).__name__, code="import.unexpected"))
            raise
        note("unchanged" if done.same else "imported", passed=done.passed_over)
        return done

    def _or_logged(self, shown: Shown) -> Imported:
        """Do it; where it was allowed and does not come about, say so in the log."""
        try:
            return self._unless_same(shown)
        except Exception:
            for allowed, count in self._allowed:
                self._log("import_not_made", allowed, count)
            raise

    def _allow(self, doubt: Shrinks) -> bool:
        """Ask whether to go on. What can't be logged is not done."""
        if not self._how.allow(doubt):
            return False
        self._log("import_allowed", doubt.option, doubt.records)
        self._allowed.append((doubt.option, doubt.records))
        return True

    def _log(self, what: str, allowed: str, count: int) -> None:
        log_act(self._home, what, count, {"source": self._upkeep.name, "allowed": allowed})

    def _unless_same(self, shown: Shown) -> Imported:
        """Import, unless the files are what the current records were made of."""
        current = None if self._how.anew else self._importer.current(self._upkeep.name)
        if current is not None and fingerprint.is_same(current, self._quick):
            return self._as_before(current)
        begun = datetime.now(UTC)
        source = self._source(shown)
        made_of = MadeOf(self._quick, self._whole(), source.stated())

        def as_of() -> datetime | None:
            found = source.as_of()
            return None if found is None else min(found, begun)

        if current is not None and fingerprint.holds_the_same(current, made_of.whole):
            # Written anew with the same content: younger, and nothing else.
            self._importer.still(current, as_of(), made_of)
            return self._told(self._as_before(current))
        done = self._told(self._all(source, as_of, made_of, shown))
        if current is not None and current.stated and current.stated != made_of.stated:
            before = f"Before, it was: {'; '.join(current.stated)}"
            return replace(done, stated=(*done.stated, before))
        return done

    def _source(self, shown: Shown) -> adapters.MappedSource:
        """Open the source; where the mapping has `changes`, after what changed was read."""
        folder = self._home / DATA / MIRRORS
        self._refreshed = adapters.refresh(
            self._mapping,
            folder,
            anew=self._how.anew,
            progress=lambda rows: shown.progress(Progress(rows, 0, 0, "fetching")),
        )
        if self._refreshed is None:
            return adapters.load(self._mapping)
        return adapters.load_replica(self._mapping, self._refreshed)

    def _whole(self) -> str:
        """Give what the source holds; "" where nothing tells."""
        if self._refreshed is None:
            return fingerprint.whole(self._files)
        corrections = Corrections.path_of(self._home / DATA, self._upkeep.name)
        beside = fingerprint.whole((*self._upkeep.beside, corrections))
        return f"{beside} {self._refreshed.token}"

    def _told(self, done: Imported) -> Imported:
        """Add what was read of a database."""
        if self._refreshed is None:
            return done
        return replace(done, stated=(*done.stated, *self._refreshed.said()))

    def _all(
        self,
        source: adapters.MappedSource,
        as_of: Callable[[], datetime | None],
        made_of: MadeOf,
        shown: Shown,
    ) -> Imported:
        corrections = Corrections(self._home / DATA, self._upkeep.name)
        shown.total(source.total_hint())
        done = self._importer.run(
            self._upkeep.name,
            _Items(source, corrections),
            as_of=as_of,
            record_types=source.record_types,
            terms=source.terms,
            progress=shown.progress,
            origin=source.origin,
            most=_most(self._how, self._upkeep),
            orders=self._how.orders,
            allow=self._allow,
            made_of=made_of,
            unread=lambda: source.unread,
            joined=lambda: source.joined,
            held_back=lambda: source.held_back,
            says=lambda: source.at_latest() if self._upkeep.dated else None,
            check=lambda: self._check(source.passed_over),
        )
        forgotten, changed = corrections.settle(source.held)
        # What a person said meanwhile counts, and what was written meanwhile was not read: the next
        # import sees to both.
        if changed and self._corrected() == self._of_corrections:
            as_read = fingerprint.quick(self._files) == self._quick
            corrections.save()
            made = self._importer.current(self._upkeep.name)
            if made is not None and as_read:
                fresh = MadeOf(fingerprint.quick(self._files), self._whole())
                self._importer.still(made, as_of(), fresh)
        return replace(done, forgotten=forgotten, passed_over=_said(source.passed_over))

    def _corrected(self) -> str:
        """Say what the file of corrections is, without reading it."""
        return fingerprint.quick([Corrections.path_of(self._home / DATA, self._upkeep.name)])

    def _check(self, passed: adapters.PassedOver | None) -> None:
        """Refuse what was read from a file that was being written. Log what is passed over."""
        if self._upkeep.steady and fingerprint.quick(self._files) != self._quick:
            raise RecordsUnavailable(
                f"{self._upkeep.name}: a file changed while it was read, so it may be half "
                "written. Nothing was changed; import again when it is whole",
                code="import.moving",
            )
        if passed is not None:
            self._log("import_allowed", "max_unread", passed.rows)
            self._allowed.append(("max_unread", passed.rows))

    def _as_before(self, current: Generation) -> Imported:
        return Imported(
            *(current.source, current.id, current.rows, current.records, current.set_aside),
            *(0, 0, current.records, 0, current.corrected, 0),
            same=True,
            reasons=self._importer.reasons(current.source),
            stated=current.stated,
        )


class _Items:
    """What a source gives, as often as it is gone through."""

    def __init__(self, source: adapters.MappedSource, corrections: Corrections) -> None:
        self._source = source
        self._corrections = corrections

    def __iter__(self) -> Iterator[Record | SetAside]:
        return iter(self._source.rows(self._corrections))


def _said(passed: adapters.PassedOver | None) -> str | None:
    if passed is None:
        return None
    rows = "1 row was" if passed.rows == 1 else f"{passed.rows:,} rows were"
    return (
        f"{rows} passed over, as max_unread lets, though each may be any record's: {passed.where}"
    )


def _most(how: How, upkeep: Upkeep) -> Most:
    return Most(
        how.most.shrink if upkeep.max_shrink is None else upkeep.max_shrink,
        how.most.opened if upkeep.max_opened is None else upkeep.max_opened,
    )
