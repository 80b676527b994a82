"""An XML file as it is read: element by element, in bounded memory, and nothing but elements.

A document type is refused, so there are no entities but the five of XML; nothing is fetched.
libxml2's own limits stand: a depth of 256, and ten megabytes of one text or one tag. Here is added:
what of the tree is kept.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from lxml import etree

from adapters import textfile
from adapters.xmlpaths import Element, is_named, local_name
from gateway.errors import Misconfigured

MAX_BYTES: Final = 2**24
"""Bytes of one held element: of a record, a message, or an object that is referred to."""
MAX_SIGNS: Final = 400_000
"""Tags, and attributes, within one held element: two a plain element."""
DEEPEST: Final = 256
"""Elements within each other that libxml2 reads."""
_TOO_DEEP: Final = "Excessive depth"
_BLOCK: Final = 2**16
_PROLOG: Final = 2**16
_KEPT: Final = 100
_NO_URI: Final = "WAR_NS_URI"
_NAME: Final = re.compile(r"[\s/>\x00-\x1f\x7f-\x9f\ufffe\uffff].*", re.DOTALL)
"""What no name holds, and all after it: the parser takes no control characters in a name."""
_LONGEST_NAME: Final = 2_000
_DECLARED: Final = re.compile(r"<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_READ: Final = frozenset(
    ("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
)


class Damaged(Exception):
    """The file can't be read further, from this line on.

    `whole`: all was read, names are wrong. `endless`: what stands there is longer than may be.
    """

    def __init__(self, line: int, text: str, *, whole: bool = False, endless: bool = False) -> None:
        super().__init__(text)
        self.line = line
        self.text = text
        self.whole = whole
        self.endless = endless


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins: at a byte, after `opening` as if that stood before it."""

    offset: int = 0
    opening: bytes = b""


class XmlStream:
    """Gives the starts and ends of elements of some names.

    What stands before the element that is being read is let go of after each block, but what is in
    `held`, if that is an element, and but elements of the names in `keep`. `opened` opens what is
    not a file of its own, such as a part of a workbook.
    """

    def __init__(
        self,
        path: Path,
        tags: tuple[str, ...] | None,
        keep: frozenset[str] = frozenset(),
        opened: Callable[[], BinaryIO] | None = None,
        start: Start = Start(),
    ) -> None:
        self._path = path
        self._open = opened or (lambda: textfile.open_file(path))
        self._tags = tags
        self._keep = keep
        self.start = start
        self.held: Element | None = None
        self.abandoned: Element | None = None
        """An element that was held and grew too large."""
        self._held_from = (0, 0)
        self._fed = (0, 0)

    def hold(self, element: Element | None) -> None:
        """Keep this element whole until told otherwise."""
        self.held = element
        self._held_from = self._fed

    def _check(self) -> None:
        size, signs = (now - then for now, then in zip(self._fed, self._held_from, strict=True))
        if self.held is not None and (size > MAX_BYTES or signs > MAX_SIGNS):
            self.abandoned, self.held = self.held, None

    def events(self) -> Iterator[tuple[str, Element] | None]:
        """Give `start` and `end` with its element, and None after each block.

        Raises Misconfigured for a file that can't be begun, Damaged for one that can't be ended.
        """
        with self._open() as file:
            if self.start.offset:
                file.seek(self.start.offset)
            head = self.start.opening + file.read(_PROLOG)
            # The root's start is always asked for: without it nothing could be let go of.
            outermost = _refuse(self._path.name, head)
            tags = None if self._tags is None else (*self._tags, f"{{*}}{outermost}")
            parser = etree.XMLPullParser(
                events=("start", "end"),
                tag=tags,
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                dtd_validation=False,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            block, root, unbroken, line = head, None, 0, 1
            while block:
                line += block.count(b"\n")
                unbroken = 0 if b"<" in block else unbroken + len(block)
                if unbroken > MAX_BYTES:
                    what = f"a tag, a text or a comment is longer than {MAX_BYTES:,} bytes"
                    raise Damaged(line, what, endless=True)
                damage = _fed(parser, block)
                signs = block.count(b"<") + block.count(b"=")
                self._fed = (self._fed[0] + len(block), self._fed[1] + signs)
                for event, found in parser.read_events():
                    element = cast("Element", found)
                    if root is None:
                        root = self._root(element)
                    if self._is_asked_for(element, outermost):
                        yield event, element
                if damage is not None:
                    raise damage
                self._check()
                yield None
                if root is not None:
                    self._let_go(root)
                block = file.read(_BLOCK)
            if (damage := _fed(parser, None)) is not None:
                raise damage

    def _is_asked_for(self, element: Element, outermost: str) -> bool:
        if self._tags is None or local_name(element) != outermost:
            return True
        return is_named(element, self._tags)

    def _root(self, element: Element) -> Element:
        tree = element.getroottree()
        if cast("Any", tree.docinfo).doctype:
            raise _document_type(self._path.name)
        return tree.getroot()

    def _let_go(self, root: Element) -> None:
        """Let go of all that stands before what is being read."""
        node = root
        while node is not self.held and len(node):
            if len(node) > 1:
                if self._keep:
                    self._let_go_of_others(node)
                else:
                    del node[:-1]
            node = node[-1]

    def _let_go_of_others(self, node: Element) -> None:
        kept = 0
        for child in list(node)[:-1]:
            if child.tag in self._keep and kept < _KEPT:
                kept += 1
            else:
                node.remove(child)


def _fed(parser: "etree.XMLPullParser", block: bytes | None) -> Damaged | None:
    """Feed a block, or say that there are no more. Gives what is wrong, if anything is."""
    raised: etree.XMLSyntaxError | None = None
    try:
        if block is None:
            parser.close()
        else:
            parser.feed(block)
    except etree.XMLSyntaxError as error:
        raised = error
    # Some faults are not raised before the end, and then without their place.
    for entry in parser.feed_error_log.filter_from_fatals():
        return _damaged(entry.line, entry.message)
    if raised is None:
        return None
    errors = [e for e in parser.feed_error_log.filter_from_errors() if e.type_name != _NO_URI]
    if errors:
        return _damaged(errors[0].line, errors[0].message, whole=block is None)
    # A namespace may be any text: it is compared, never fetched.
    cosmetic = len(parser.feed_error_log.filter_from_errors()) > 0
    return None if cosmetic else _damaged(raised.lineno or 1, str(raised.msg))


def _damaged(line: int, message: str, *, whole: bool = False) -> Damaged:
    if message.startswith(_TOO_DEEP):
        return Damaged(max(1, line), f"elements are nested more than {DEEPEST} deep")
    # libxml2's text names tags, but its own place is better told by ours.
    return Damaged(max(1, line), message.partition(", line ")[0].rstrip("."), whole=whole)


def is_wide(path: Path) -> bool:
    """Whether a file is in UTF-16."""
    with textfile.open_file(path) as file:
        return _wide(file.read(2))


def _wide(head: bytes) -> bool:
    return head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} or 0 in head[:2]


def _refuse(name: str, head: bytes) -> str:
    """Refuse what can't be begun: an empty file, a document type, an encoding that is not read.

    Gives the first element's name, without its prefix.
    """
    if not head:
        raise Misconfigured(f"{name}: the file is empty")
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Misconfigured(f"{name}: the file is UTF-32: save it as UTF-8")
    if _wide(head):
        little = head[:2] == codecs.BOM_UTF16_LE or head[1:2] == b"\0"
        text = head.decode("utf-16-le" if little else "utf-16-be", "replace")
    else:
        text = head.decode("utf-8", "replace")
    text = text.removeprefix("\ufeff")
    declared = _DECLARED.match(text)
    if declared is not None and not _is_read(declared[1]):
        raise Misconfigured(f"{name}: its encoding is not read: save it as UTF-8")
    start = _after_prolog(text)
    if text.startswith("<!DOCTYPE", start):
        raise _document_type(name)
    if text[start : start + 1] != "<" or text[start + 1 : start + 2] in {"", "!", "?"}:
        raise Misconfigured(f"{name}: the file is no XML: no element stands at its beginning")
    return _NAME.sub("", text[start + 1 : start + 1 + _LONGEST_NAME]).rpartition(":")[2] or "*"


def _document_type(name: str) -> Misconfigured:
    why = "it has a document type (<!DOCTYPE>), which is refused: save it without"
    return Misconfigured(f"{name}: {why}")


def _after_prolog(text: str) -> int:
    """Give where the first thing stands that is no blank, comment or instruction."""
    at = 0
    while True:
        at = len(text) - len(text[at:].lstrip(" \t\r\n"))
        for start, end in (("<?", "?>"), ("<!--", "-->")):
            if text.startswith(start, at):
                found = text.find(end, at + len(start))
                at = len(text) if found < 0 else found + len(end)
                break
        else:
            return at


def _is_read(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in _READ
    except LookupError:
        return False
