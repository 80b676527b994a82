"""COBOL copybooks: from the text to a tree of items, with the line of each.

Source: ISO/IEC 1989 (COBOL), data description entry. Read are levels 01 to 49, 66 and 77; 88 and 78
name values, not places, and are passed over. What can't be read is said with its line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.cobol_picture import Picture, PictureError, picture
from gateway.errors import Misconfigured

MAX_BYTES: Final = 2**20
MAX_ITEMS: Final = 5_000
_FIRST, _LAST = 6, 72  # positions 7 to 72 hold the text; the rest are numbers and remarks
_RENAMES, _ALONE = 66, 77
_NAMED_VALUES: Final = frozenset({78, 88})
_DEEPEST: Final = 49
_TOKEN: Final = re.compile(
    r"""[A-Za-z]{0,2}'(?:[^']|'')*'|[A-Za-z]{0,2}"(?:[^"]|"")*"|[^\s'"]+|['"]"""
)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LEVEL: Final = re.compile(r"\d{1,2}", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_DIRECTIVES: Final = frozenset({"EJECT", "SKIP1", "SKIP2", "SKIP3"})

_USAGES: Final = {
    "DISPLAY": "display",
    "COMP": "binary",
    "COMP-4": "binary",
    "BINARY": "binary",
    "COMP-5": "native",
    "COMP-1": "float",
    "COMP-2": "double",
    "COMP-3": "packed",
    "PACKED-DECIMAL": "packed",
    "COMP-6": "packed_unsigned",
    "INDEX": "index",
    "NATIONAL": "national",
}
_USAGE: Final = {
    **_USAGES,
    **{k.replace("COMP", "COMPUTATIONAL"): v for k, v in _USAGES.items() if "COMP" in k},
}
_CLAUSES: Final = frozenset(
    ("PIC", "PICTURE", "REDEFINES", "RENAMES", "OCCURS", "USAGE", "SIGN", "LEADING", "TRAILING")
) | frozenset(
    ("SYNC", "SYNCHRONIZED", "VALUE", "VALUES", "BLANK", "JUST", "JUSTIFIED", "GLOBAL", "EXTERNAL")
)


@dataclass(frozen=True, slots=True)
class Occurs:
    """How often an item stands. `depending` names the item that holds the number, if it varies."""

    least: int
    most: int
    depending: str | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """Where the sign of a number in characters stands."""

    leading: bool = False
    separate: bool = False


@dataclass(slots=True)
class Item:
    """One item. A FILLER has no name. `usage` and `sign` are inherited from the groups around."""

    level: int
    name: str
    line: int
    parent: "Item | None" = None
    picture: Picture | None = None
    usage: str | None = None
    sign: Sign | None = None
    occurs: Occurs | None = None
    redefines: str | None = None
    renames: tuple[str, str] | None = None
    aligned: bool = False
    children: list["Item"] = field(default_factory=list)

    def above(self) -> Iterator["Item"]:
        """Give the groups around, the nearest first."""
        one = self.parent
        while one is not None and one.level:
            yield one
            one = one.parent


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: int


class Copybook:
    """One copybook. `records` are its items of the first level, `renames` those of level 66."""

    def __init__(self, path: Path, *, free: bool = False) -> None:
        self.path = path
        self.free = free
        self.records: list[Item] = []
        self.renames: list[Item] = []
        self._read()

    def wrong(self, text: str, line: int) -> Misconfigured:
        """Make an error that names the file and the line."""
        return Misconfigured(f"{self.path.name}:{line}: {text}")

    def items(self) -> Iterator[Item]:
        """Give every item, in the order in which they are written."""
        waiting = self.records[::-1]
        while waiting:
            item = waiting.pop()
            yield item
            waiting += item.children[::-1]

    def _read(self) -> None:
        root = Item(0, "", 0)
        stack = [root]
        count = 0
        for sentence in self._sentences():
            item = _Entry(self, sentence).item()
            if item is None:
                continue
            count += 1
            if count > MAX_ITEMS:
                raise self.wrong(f"more than {MAX_ITEMS} items", item.line)
            if item.level == _RENAMES:
                self.renames.append(item)
                continue
            while stack[-1].level >= item.level:
                stack.pop()
            holder = stack[-1]
            if holder.picture is not None:
                text = f"{item.name or 'FILLER'} stands in an item that has a picture"
                raise self.wrong(text, item.line)
            item.parent = holder
            holder.children.append(item)
            stack.append(item)
        if not root.children:
            raise Misconfigured(f"{self.path.name}: there is no item in it")
        self.records = root.children
        self._inherit()

    def _inherit(self) -> None:
        for item in self.items():
            parent = item.parent
            if parent is not None:
                item.usage = item.usage or parent.usage
                item.sign = item.sign or parent.sign

    def _sentences(self) -> Iterator[list[_Token]]:
        """Give what stands between two periods."""
        sentence: list[_Token] = []
        for number, text in self._lines():
            for match in _TOKEN.finditer(text):
                word = match[0]
                if word in {"'", '"'}:
                    raise self.wrong("a quote is not closed", number)
                ends = word.endswith(".")
                word = word.rstrip(",;") if not ends else word[:-1]
                if word:
                    sentence.append(_Token(word, number))
                if ends and sentence:
                    yield sentence
                    sentence = []
        if sentence:
            hint = "" if self.free else " (only columns 8 to 72 are read)"
            text = f"the last entry does not end with a period{hint}"
            raise self.wrong(text, sentence[0].line)

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Give the lines that hold text, continued ones joined."""
        held: tuple[int, str] | None = None
        for number, line in enumerate(self._text().splitlines(), 1):
            if self.free:
                mark, text = " ", line
            else:
                whole = line.expandtabs(8).ljust(_FIRST + 1)
                mark, text = whole[_FIRST], whole[_FIRST + 1 : _LAST]
            text = _without_remark(text)
            words = text.split()
            if mark in "*/dD" or not words or words[0].startswith((">>", "$")):
                continue
            if words[0].rstrip(".").upper() in _DIRECTIVES:
                continue
            if mark == "-" and held is not None:
                held = (held[0], _continued(held[1], text))
                continue
            if held is not None:
                yield held
            held = (number, text)
        if held is not None:
            yield held

    def _text(self) -> str:
        try:
            if not self.path.is_file():
                raise Misconfigured(f"{self.path.name}: there is no such copybook")
            if self.path.stat().st_size > MAX_BYTES:
                raise Misconfigured(f"{self.path.name}: more than {MAX_BYTES} bytes")
            return self.path.read_bytes().decode("iso-8859-1")
        except OSError as error:
            raise Misconfigured(f"{self.path.name}: the copybook can't be read") from error


def _without_remark(text: str) -> str:
    """Cut off `*>` and what follows, unless it stands in quotes."""
    at = text.find("*>")
    while at >= 0:
        if text.count("'", 0, at) % 2 == 0 and text.count('"', 0, at) % 2 == 0:
            return text[:at]
        at = text.find("*>", at + 1)
    return text


def _continued(before: str, text: str) -> str:
    """Join a line and its continuation: within quotes, the second quote is no part of the text."""
    for quote in "'\"":
        if before.count(quote) % 2 and text.lstrip().startswith(quote):
            return before + text.lstrip()[1:]
    return before.rstrip() + text.lstrip()


class _Entry:
    """Reads one entry: a level, a name, and clauses."""

    def __init__(self, book: Copybook, tokens: list[_Token]) -> None:
        self._book = book
        self._tokens = tokens
        self._at = 0

    def item(self) -> Item | None:
        """Give the item, or None where the entry describes no place in the record."""
        first = self._tokens[0]
        if first.text.upper() in {"COPY", "REPLACE"}:
            text = f"{first.text.upper()} is not followed: put the text that it stands for here"
            raise self._book.wrong(text, first.line)
        if not _LEVEL.fullmatch(first.text):
            hint = (
                "" if self._book.free else " (written in free format? say `copybook_lines: free`)"
            )
            raise self._book.wrong(f"an entry begins with a level number{hint}", first.line)
        level = int(first.text)
        if level in _NAMED_VALUES:
            return None
        if not (1 <= level <= _DEEPEST or level in {_RENAMES, _ALONE}):
            raise self._book.wrong(f"{level} is no level", first.line)
        self._at = 1
        item = Item(1 if level == _ALONE else level, self._name(), first.line)
        while self._at < len(self._tokens):
            self._clause(item)
        if item.redefines is not None and item.occurs is not None and item.occurs.depending:
            raise self._book.wrong("a redefinition can't vary in its number", first.line)
        if level == _RENAMES and item.renames is None:
            raise self._book.wrong("an item of level 66 needs RENAMES", first.line)
        return item

    def _name(self) -> str:
        word = self._word()
        upper = word.upper()
        if upper in _CLAUSES or upper in _USAGE or not word:
            return ""
        if not _NAME.fullmatch(word):
            raise self._wrong(f"{word[:40]}: this is no name of an item")
        self._at += 1
        return "" if upper == "FILLER" else upper

    def _clause(self, item: Item) -> None:
        word = self._take().upper()
        if word in _USAGE or word == "USAGE":
            item.usage = self._usage(word)
        elif word in {"PIC", "PICTURE"}:
            item.picture = self._picture()
        elif word == "REDEFINES":
            item.redefines = self._take().upper()
        elif word == "RENAMES":
            first = self._take().upper()
            through = self._skip("THRU", "THROUGH")
            item.renames = (first, self._take().upper() if through else first)
        elif word == "OCCURS":
            item.occurs = self._occurs()
        elif word in {"SIGN", "LEADING", "TRAILING"}:
            item.sign = self._sign(word)
        elif word in {"SYNC", "SYNCHRONIZED"}:
            item.aligned = True
            self._skip("LEFT", "RIGHT")
        else:
            self._idle(word)

    def _usage(self, word: str) -> str:
        if word == "USAGE":
            self._skip("IS")
            word = self._take().upper()
        if word not in _USAGE:
            raise self._wrong(f"USAGE {word[:40]} is not read: describe its bytes as PIC X")
        return _USAGE[word]

    def _picture(self) -> Picture:
        self._skip("IS")
        try:
            return picture(self._take())
        except PictureError as error:
            raise self._wrong(str(error)) from None

    def _idle(self, word: str) -> None:
        """Pass over clauses that change nothing in what is stored."""
        if word in {"VALUE", "VALUES"}:
            while self._at < len(self._tokens) and self._word().upper() not in _CLAUSES:
                if self._word().upper() in _USAGE:
                    break
                self._at += 1
        elif word == "BLANK":
            self._skip("WHEN")
            self._skip("ZERO", "ZEROS", "ZEROES")
        elif word in {"JUST", "JUSTIFIED"}:
            self._skip("RIGHT")
        elif word not in {"GLOBAL", "EXTERNAL"}:
            raise self._wrong(f"{word[:40]} is no clause that is read")

    def _sign(self, word: str) -> Sign:
        if word == "SIGN":
            self._skip("IS")
            word = self._take().upper()
        if word not in {"LEADING", "TRAILING"}:
            raise self._wrong("a sign is LEADING or TRAILING")
        separate = self._skip("SEPARATE")
        if separate:
            self._skip("CHARACTER")
        return Sign(word == "LEADING", separate)

    def _occurs(self) -> Occurs:
        least = most = self._number()
        if self._skip("TO"):
            most = self._number()
        self._skip("TIMES")
        depending: str | None = None
        while (word := self._word().upper()) in {"DEPENDING", "INDEXED", "ASCENDING", "DESCENDING"}:
            self._at += 1
            if word == "DEPENDING":
                self._skip("ON")
                depending = self._take().upper()
                while self._skip("OF", "IN"):
                    depending += f" OF {self._take().upper()}"
                continue
            self._skip("BY", "KEY")
            self._skip("IS")
            while (name := self._word().upper()) and name not in _CLAUSES and name not in _USAGE:
                if name in {"DEPENDING", "INDEXED", "ASCENDING", "DESCENDING"}:
                    break
                self._at += 1
        if depending is not None and least == most:
            least = 0
        if depending is None and least != most:
            raise self._wrong("OCCURS from one number to another needs DEPENDING ON")
        if not 0 <= least <= most or most == 0:
            raise self._wrong("OCCURS needs a number from 1 on, the smaller one first")
        return Occurs(least, most, depending)

    def _number(self) -> int:
        word = self._take()
        if not _NUMBER.fullmatch(word):
            raise self._wrong("OCCURS needs a number of at most nine digits")
        return int(word)

    def _word(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise self._wrong("the entry ends too early")
        self._at += 1
        return self._tokens[self._at - 1].text

    def _skip(self, *words: str) -> bool:
        if self._word().upper() in words:
            self._at += 1
            return True
        return False

    def _wrong(self, text: str) -> Misconfigured:
        at = min(self._at, len(self._tokens)) - 1
        return self._book.wrong(text, self._tokens[max(at, 0)].line)
