"""What a question must name at least, so that nobody fishes: held at both doors.

The asking side refuses its own systems early, with the field to correct. The answering side holds
another gateway to the same, whatever that one let pass.
"""

from datetime import date

from gateway.errors import Invalid, TooVague
from gateway.model import Subject

_WIDEST_AGE = 20
_LONGEST_DAYS = 366


def require_criteria(subject: Subject, today: date) -> None:
    """Take what is enough to be a search. Raises Invalid or TooVague, with the field.

    A record by its id is enough: it was named by an answer.
    """
    if not subject.is_one:
        raise Invalid("Give exactly one of person, vehicle, incident, item.", pointer="/subject")
    if subject.person is not None:
        _require_person(subject, today)
    elif subject.vehicle is not None:
        v = subject.vehicle
        if not (_says(v.plate) or _says(v.vin) or (v.category and v.date_from)):
            raise TooVague(
                "A vehicle needs its plate or VIN, or a category with the days of the event.",
                pointer="/subject/vehicle",
            )
        _require_days(v.date_from, v.date_to, "/subject/vehicle")
    elif subject.incident is not None:
        i = subject.incident
        if not (_says(i.number) or (i.date_from and _says(i.offense))):
            raise TooVague(
                "An incident needs its number, or its days with an offense.",
                pointer="/subject/incident",
            )
        _require_days(i.date_from, i.date_to, "/subject/incident")
    elif subject.item is not None and not _says(subject.item.serial):
        raise TooVague("An item needs its serial number.", pointer="/subject/item/serial")


def _says(*texts: str | None) -> bool:
    """Tell whether a letter or digit stands in any: dashes and dots would match all blanks."""
    return any(c.isalnum() for text in texts if text for c in text)


def _require_person(subject: Subject, today: date) -> None:
    p = subject.person
    if p is None:
        return
    pointer = "/subject/person"
    if not all(_says(n.given, n.surname, n.full, n.middle) for n in p.names):
        raise Invalid("A name needs a given name, a surname or a full name.", pointer=pointer)
    if not all(_says(i.number) for i in p.identifiers):
        raise Invalid("An identifier needs its number.", pointer=f"{pointer}/identifiers")
    if p.birth_date and not (date(1875, 1, 1) <= p.birth_date <= today):
        raise Invalid(
            "The birth date lies in the future, or too far back. Correct it, or give an age range.",
            code="search.birth_date",
            pointer=f"{pointer}/birth_date",
        )
    if p.age and p.age.low > p.age.high:
        raise Invalid("The age range is upside down.", pointer=f"{pointer}/age")
    if p.age and p.age.high - p.age.low > _WIDEST_AGE:
        raise TooVague(f"An age range spans at most {_WIDEST_AGE} years.", pointer=f"{pointer}/age")
    if not p.identifiers and not (p.names and (p.birth_date or p.age)):
        raise TooVague(
            "A person needs a name with a birth date or an age range, or an identifier.",
            pointer=pointer,
        )


def _require_days(start: date | None, end: date | None, pointer: str) -> None:
    if end and not start:
        raise Invalid("Give date_from with date_to.", pointer=f"{pointer}/date_from")
    if start and end and (end < start or (end - start).days > _LONGEST_DAYS):
        raise Invalid(
            f"The days must run forward, and span at most {_LONGEST_DAYS}.",
            pointer=f"{pointer}/date_to",
        )
