"""Numbers as a database may have them written: an SSN with dashes, a plate in small letters.

An import compares them by their letters and digits alone. A live search asks an index, for each way
of writing that the mapping names.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

LOWER: Final = "lower"
"""A way of writing: in small letters too."""
_MARK: Final = "#"


def bare(number: str) -> str:
    """Give a number's letters and digits alone, in capitals."""
    return "".join(c for c in number.upper() if c.isalnum())


def ways_of(number: str, written: Sequence[str] = ()) -> list[str]:
    """Give the texts that a number may stand as, sorted: asked for, bare, and as it is `written`.

    `written` are patterns such as `###-##-####`, where each `#` is a letter or a digit, and LOWER.
    """
    plain = bare(number)
    found = {number, number.upper(), plain}
    for pattern in written:
        if pattern.count(_MARK) == len(plain):
            signs = iter(plain)
            found.add("".join(next(signs) if c == _MARK else c for c in pattern))
    if LOWER in written:
        found |= {text.lower() for text in found}
    return sorted(found - {""})


def not_asked(texts: Iterable[str], written: Sequence[str] = ()) -> Counter[str]:
    """Count texts that no search asks for by their letters and digits, by how they are written."""
    found = Counter[str]()
    for text in texts:
        plain = bare(text)
        if plain and text not in ways_of(plain, written):
            pattern = "".join(_MARK if c.isalnum() else c for c in text)
            if pattern.strip(_MARK):
                found[pattern] += 1
            if text != text.upper():
                found[LOWER] += 1
    return found
