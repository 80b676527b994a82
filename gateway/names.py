"""The words of a name, in the one form in which names are compared, and a name's mark.

Letters a to z. Other scripts are written in Latin letters (anyascii); apostrophes vanish, hyphens
part words, what is one name though written in two is one word.
"""

import hmac
import re
import secrets

from anyascii import anyascii

_SERVANT = ("abdul", "abdel", "abdal", "abdur", "abdus", "abdar")
"""Ways to write the first half of names such as Abd al-Rahman."""
_JOINED = frozenset({"mc", "mac", "st", "saint", "san", "santa"})
_ARABIC_ARTICLE = re.compile(r"(?<!\w)ال(?=\w{2})")
_SILENT = re.compile(r"['`\u2018\u2019\u02bc\u02bb.]")
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_LONGEST = 128
_KEY = secrets.token_bytes(32)
"""Of this process alone: marks are compared within it, and lead nobody back to a name."""


def words(text: str) -> list[str]:
    """Split a name into lower-case ASCII words, whatever script it is written in.

    What stands after the 128th character is not read.
    """
    return _words(text[:_LONGEST])


def mark(text: str) -> str | None:
    """Give a mark that is the same for the same name in this process, and tells nothing of it.

    The whole name counts, its particles and suffixes too (a son is not his father); the order of
    its words and how they are written do not. None where no letters or digits are left.
    """
    # Not joined: which of two words comes first is what does not count here.
    found = sorted(_apart(text))
    return hmac.digest(_KEY, " ".join(found).encode(), "sha256").hex() if found else None


def _words(text: str) -> list[str]:
    return _rejoin(_apart(text))


def _apart(text: str) -> list[str]:
    if not text.isascii():
        text = anyascii(_ARABIC_ARTICLE.sub("", text))
    found = _NOT_LETTERS.sub(" ", _SILENT.sub("", text.lower())).split()
    return [_servant(w) for w in found]


def _servant(word: str) -> str:
    if word.startswith(_SERVANT):
        return "abd" + word[5:]
    return word


def _rejoin(found: list[str]) -> list[str]:
    """Join what is one name though written in two: Mc Donald, San Miguel."""
    out: list[str] = []
    for word in found:
        if out and out[-1] in _JOINED:
            out[-1] += word
        else:
            out.append(word)
    return out
