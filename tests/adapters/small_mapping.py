"""A small mapping to vary in tests."""

HANDLING = (
    "{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own, "
    "intelligence: false, criminal_history: false}"
)
CSV = "{type: csv, path: data, encoding: utf-8}"


def mapping(
    *fields: str,
    form: str = CSV,
    top: str = "",
    record: str = "",
    objects: str = '{person: "nc:Person"}',
    handling: str = HANDLING,
    key: str = '"{ID}"',
) -> str:
    """Write a mapping: its fields in flow style, and what else is wanted."""
    lines = [
        "mapping: 1",
        "source: small",
        f"format: {form}",
        *([top] if top else []),
        "records:",
        "  - type: person",
        f"    id: {key}",
        f"    handling: {handling}",
        *([record] if record else []),
        f"    objects: {objects}",
        "    fields:",
        *(f"      - {{{f}}}" for f in fields),
    ]
    return "\n".join(lines) + "\n"


NAME = 'to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN MIDDLE SUFFIX"'
BORN = 'to: "person/nc:PersonBirthDate", column: BORN, date: [MM/DD/YYYY, YYYYMMDD]'
SEX = 'to: "person/j:PersonSexCode", column: SEX, codes: {M: M, F: F}'
