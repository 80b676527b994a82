"""What a person's release opens: the same questions with it and without, compared.

Only records that it names are opened by a release, and only where the rules say so. So each
question is decided twice, over a record that the release names and over the same one without it.
What is shown of the first and not of the second is what the release opens.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from gateway.policy.effects import Effects, shown_most
from gateway.policy.explaining import Described
from gateway.policy.reach import ByPerson, Opened, as_shown, classes_of, merged
from gateway.policy.released import FACT, PersonRelease
from gateway.policy.trial import Outcome, Trial

_NOTHING: Outcome = {"show": "none", "classes": {}}
_SUPPOSED = "rel_supposed"


class Releases:
    """Tries releases to one agency, those that there are and those that there could be."""

    def __init__(
        self,
        trial: Trial,
        effects: Effects,
        *,
        functions: Sequence[str],
        agency: str,
        words: Mapping[str, Any],
    ) -> None:
        self._trial = trial
        self._effects = effects
        self._functions = functions
        self._supposed = tuple(_supposed(words, agency, trial))

    async def opening(self, cases: Iterable[Described]) -> tuple[str, ...]:
        """Give the grounds on which a release would have one of these refused questions answered.

        Answered with something shown: the release is of all classes, and names the record.
        """
        found = []
        for release in self._supposed:
            for case in cases:
                shown = replace(case, release=release)
                if await self._opened(shown, functions=(case.unit_function,)):
                    found.append(release.basis)
                    break
        return tuple(found)

    async def by_person(
        self, releases: Sequence[PersonRelease], cases: Collection[Described]
    ) -> tuple[ByPerson, ...]:
        """Give what releases open. `cases`: for each purpose and record types, what opens most."""
        groups: dict[tuple[str, tuple[str, ...], bool], list[PersonRelease]] = {}
        for release in releases:
            key = (release.basis, tuple(sorted(release.classes)), release.warrant is not None)
            groups.setdefault(key, []).append(release)
        found = []
        for (basis, classes, with_warrant), alike in groups.items():
            opens: list[Opened] = []
            for case in cases:
                shown = replace(case, release=alike[0])
                opens += await self._opened(shown, functions=self._functions)
            found.append(ByPerson(basis, classes, with_warrant, tuple(alike), tuple(merged(opens))))
        return tuple(found)

    async def _opened(self, best: Described, *, functions: Sequence[str]) -> list[Opened]:
        """Give what one question opens by its release, for the units with the same together."""
        cases = [replace(best, unit_function=f) for f in functions]
        groups: dict[bytes, list[Described]] = {}
        for case, outcome in zip(cases, await self._trial.answers(cases), strict=True):
            if outcome is not None and outcome["allow"]:
                told = {k: v for k, v in outcome.items() if k != "reasons"}
                key = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
                groups.setdefault(key, []).append(case)
        found = []
        for alike in groups.values():
            # Without it, some of these units may see as much, and others nothing.
            bare = [replace(c, release=None) for c in alike]
            without = await self._trial.answers(bare)
            parted: dict[bytes, list[tuple[Described, Outcome | None]]] = {}
            for case, outcome in zip(alike, without, strict=True):
                answered = outcome if outcome is not None and outcome["allow"] else None
                key = orjson.dumps(answered, option=orjson.OPT_SORT_KEYS)
                parted.setdefault(key, []).append((case, answered))
            for some in parted.values():
                found += await self._each([case for case, _ in some], some[0][1])
        return found

    async def _each(self, cases: Sequence[Described], without: Outcome | None) -> list[Opened]:
        case = cases[0]
        [outcome] = await self._trial.answers([case])
        if outcome is None:  # it was allowed a moment ago, on the same input
            raise RuntimeError("a decision is not a function of its input")
        found = []
        for record_type in outcome["record_types"]:
            more = await self._more(case, record_type, outcome, without)
            if more is not None:
                action, only_if = more
                found.append(
                    Opened(
                        purpose=case.purpose,
                        record_types=(record_type,),
                        unit_functions=tuple(c.unit_function for c in cases),
                        granularity=as_shown(outcome["granularity"], action),
                        **classes_of(action),
                        only_if=only_if,
                    )
                )
        return found

    async def _more(
        self, case: Described, record_type: str, outcome: Outcome, without: Outcome | None
    ) -> tuple[Outcome, tuple[tuple[str, Any], ...]] | None:
        """Give what is shown of the first record that the release opens, and the facts it takes."""
        granularity = outcome["granularity"]
        facts, _ = await self._effects.plainest(case, record_type, granularity)
        changed = self._effects.changed(facts)
        every = [facts, *(f for _, _, f in changed)]
        actions = await self._trial.released(case, granularity, every)
        before: list[Outcome] = [_NOTHING] * len(every)
        if without is not None and record_type in without["record_types"]:
            unnamed = [{k: v for k, v in f.items() if k != FACT} for f in every]
            bare = replace(case, release=None)
            before = await self._trial.released(bare, without["granularity"], unnamed)
        opened = [
            shown_most(a)[:2] > shown_most(b)[:2] for a, b in zip(actions, before, strict=True)
        ]
        if not any(opened):
            return None
        only_if = (
            ()
            if opened[0]
            else tuple((n, v) for (n, v, _), o in zip(changed, opened[1:], strict=True) if o)
        )
        return actions[opened.index(True)], only_if


def _supposed(words: Mapping[str, Any], agency: str, trial: Trial) -> Iterable[PersonRelease]:
    """Give a release of all classes on each ground of the vocabulary, with the warrant it needs."""
    for basis, about in (words.get("release_bases") or {}).items():
        paper = dict.fromkeys(("court", "number", "person", "document"), _SUPPOSED)
        yield PersonRelease(
            id=_SUPPOSED,
            basis=basis,
            asker=agency,
            records=frozenset(),
            classes=tuple(words.get("classes", ())),
            until=trial.now + timedelta(days=1),
            warrant=paper if isinstance(about, dict) and about.get("needs_warrant") else None,
        )
