"""What of a question can be asked of given sources: which terms may be used, and which suffice."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.model import (
    IncidentQuery,
    ItemQuery,
    Name,
    PersonQuery,
    SubjectQuery,
    VehicleQuery,
)
from gateway.records.normalise import person_name

_SUPPORTING = {
    "person": frozenset({"birth_date", "age", "sex"}),
    "vehicle": frozenset({"plate_state"}),
    "incident": frozenset[str](),
    "item": frozenset({"type", "make"}),
    "record": frozenset[str](),
}
"""Terms that tell more about a match but find nothing by themselves."""


def suffices(query: SubjectQuery, terms: Iterable[str]) -> bool:
    """Tell whether something can be found by these terms of the question."""
    return bool(set(query.terms()) & set(terms) - _SUPPORTING[query.kind])


def held_terms(kind: str, sources: Iterable[Mapping[str, frozenset[str]]]) -> frozenset[str]:
    """Join the terms that sources hold of one kind of subject; a record's id always."""
    joined: frozenset[str] = frozenset().union(*(s.get(kind, frozenset()) for s in sources))
    return joined | {"record_id"} if kind == "record" else joined


def restricted(query: SubjectQuery, terms: frozenset[str]) -> SubjectQuery | None:
    """Leave only these terms in the question; None if nothing can be found by what is left."""
    if not suffices(query, terms):
        return None
    if isinstance(query, PersonQuery):
        names = tuple(filter(_says, query.names)) if "name" in terms else ()
        if not names and not any(i.type in terms for i in query.identifiers):
            return None
        return replace(
            query,
            names=names,
            birth_date=query.birth_date if "birth_date" in terms else None,
            age=query.age if "age" in terms else None,
            sex=query.sex if "sex" in terms else None,
            identifiers=tuple(i for i in query.identifiers if i.type in terms),
        )
    if isinstance(query, VehicleQuery | IncidentQuery):
        return _without(query, terms)
    if isinstance(query, ItemQuery):  # its serial is there, or nothing would suffice
        kept = {t: getattr(query, t) for t in ("type", "make") if t in terms}
        return ItemQuery(query.serial, **kept)
    return query


def _without(query: VehicleQuery | IncidentQuery, terms: frozenset[str]) -> SubjectQuery:
    gone: dict[str, Any] = {t: None for t in query.terms() if t not in terms}
    return replace(query, **gone)


def _says(name: Name) -> bool:
    """Tell whether anything is left of a name once it is made comparable.

    Without a name, a birth date would find everybody who was born that day.
    """
    parts = (name.given, name.middle, name.surname, name.full)
    plain = any(c.isalnum() and c.isascii() for part in parts if part for c in part)
    return plain or person_name(*parts) is not None
