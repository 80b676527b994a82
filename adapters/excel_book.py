"""An Excel workbook (.xlsx, .xlsm) as a package of XML parts, opened within limits.

Only four kinds of parts are read: the list of sheets, the shared strings, the styles and one sheet.
Macros, links and whatever else is in it stay untouched. No part is inflated beyond its limit.
"""

import difflib
import posixpath
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from adapters import textfile
from adapters.excel_values import PLAIN, Format, format_of, unescaped
from adapters.xmlpaths import Element, local_name
from adapters.xmlstream import Damaged, XmlStream
from gateway.errors import Misconfigured

MAX_SHEET: Final = 2**32
"""Bytes of a sheet, inflated. It is streamed."""
MAX_STRINGS: Final = 2**27
"""Bytes of the shared strings, inflated. They are held while the sheet is read."""
MAX_PART: Final = 2**24
_MAX_PARTS: Final = 10_000
_LONG: Final = 10
"""Digits that no number format has a number of."""
_OLD: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_TORN: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, RuntimeError, OverflowError, IndexError),
)
"""What zipfile raises for packages that are damaged, or of no kind that it knows."""
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATION_STRICT: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, its part, and whether people see it."""

    name: str
    part: str
    visible: bool


class Texts:
    """Texts in the bytes that they take, and four each: as objects, short ones would take 80."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends = array("I", [0])

    def append(self, text: str) -> None:
        """Add one."""
        self._data += text.encode()
        self._ends.append(len(self._data))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, at: int) -> str:
        return self._data[self._ends[at] : self._ends[at + 1]].decode()


class Book:
    """One workbook. Raises Misconfigured if it is none, or one that can't be read safely."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip, self._parts = self._opened()
        try:
            main = self._main()
            self._links = self._relations(main)
            root = self._whole(main)
        except Damaged as error:
            self.close()
            raise self._wrong("the workbook is damaged") from error
        except Misconfigured:
            self.close()
            raise
        properties = root.find("{*}workbookPr")
        said = None if properties is None else properties.get("date1904")
        self.since_1904 = said in {"1", "true"}
        self.sheets = list(self._sheets(root))

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def sheet(self, name: str | None) -> Sheet:
        """Give the sheet of this name, or the only visible one. Raises Misconfigured."""
        if name is None:
            visible = [s for s in self.sheets if s.visible]
            if len(visible) == 1:
                return visible[0]
            known = ", ".join(s.name for s in visible) or "none"
            raise self._wrong(f"say with `sheet` which is meant; its sheets are: {known}")
        for sheet in self.sheets:
            if sheet.name == name:
                return sheet
        names = [s.name for s in self.sheets]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        known = ", ".join(near or names) or "none"
        raise self._wrong(f"there is no sheet {name}; there are: {known}")

    def stream(self, part: str, tags: tuple[str, ...], most: int = MAX_SHEET) -> XmlStream:
        """Give a part's elements of some names. Its events raise Damaged or Misconfigured."""
        info = self._info(part)
        if info.file_size > most:
            text = f"{posixpath.basename(part)} is larger than {most:,} bytes: save it as CSV"
            raise self._wrong(text)
        return XmlStream(
            self._path, tags, opened=lambda: _inflated(self._zip, info, self._path.name)
        )

    def strings(self) -> "Texts":
        """Give the shared strings. Raises Misconfigured if they can't be read whole."""
        part = self._of_kind("sharedStrings")
        found = Texts()
        if part is None:
            return found
        stream = self.stream(part, ("{*}si",), MAX_STRINGS)
        try:
            for event in stream.events():
                if event is None:
                    continue
                kind, element = event
                if kind == "start":
                    stream.hold(element)
                else:
                    stream.hold(None)
                    found.append(rich_text(element))
        except Damaged as error:
            raise self._wrong("its shared strings are damaged") from error
        return found

    def formats(self) -> list[Format]:
        """Give the number format of each cell style."""
        part = self._of_kind("styles")
        if part is None:
            return []
        try:
            root = self._whole(part)
        except Damaged as error:
            raise self._wrong("its styles are damaged") from error
        own = {n.get("numFmtId"): str(n.get("formatCode", "")) for n in root.iter("{*}numFmt")}
        styles = root.find("{*}cellXfs")
        found: list[Format] = []
        for style in () if styles is None else styles.iterchildren("{*}xf"):
            number = str(style.get("numFmtId", "0"))
            known = number.isdecimal() and len(number) < _LONG
            found.append(format_of(int(number), own.get(number)) if known else PLAIN)
        return found

    def _opened(self) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
        with textfile.open_file(self._path) as file:
            head = file.read(len(_OLD))
        if head == _OLD:
            raise self._wrong("an old .xls, or one with a password: save it as .xlsx without")
        try:
            found = zipfile.ZipFile(self._path)
        except _TORN as error:
            raise self._wrong("the file is no Excel workbook (.xlsx)") from error
        parts = {info.filename.lstrip("/"): info for info in found.infolist()}
        if len(parts) > _MAX_PARTS:
            found.close()
            raise self._wrong(f"the workbook has over {_MAX_PARTS:,} parts")
        return found, parts

    def _wrong(self, text: str) -> Misconfigured:
        return Misconfigured(f"{self._path.name}: {text}")

    def _info(self, part: str) -> zipfile.ZipInfo:
        info = self._parts.get(part)
        if info is None:
            raise self._wrong(f"the workbook is damaged: it has no {posixpath.basename(part)}")
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise self._wrong("the workbook is packed in a way that is not read: save it anew")
        return info

    def _whole(self, part: str) -> Element:
        """Read a small part whole."""
        stream = self.stream(part, ("{*}*",), MAX_PART)
        root: Element | None = None
        for event in stream.events():
            if event is not None and root is None:
                root = event[1]
                stream.hold(root)
            if stream.abandoned is not None:
                raise self._wrong(f"{posixpath.basename(part)} has too many parts")
        if root is None:
            raise Damaged(1, "nothing stands in it")
        return root

    def _main(self) -> str:
        for target, kind in self._relations("").values():
            if kind == "officeDocument":
                return target
        raise self._wrong("the file is no Excel workbook (.xlsx)")

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Give the parts that one refers to: by id, the part and its kind."""
        folder, name = posixpath.split(part)
        own = posixpath.join(folder, "_rels", f"{name}.rels")
        if own not in self._parts:
            raise self._wrong("the file is no Excel workbook (.xlsx)")
        found: dict[str, tuple[str, str]] = {}
        for one in self._whole(own).iter("{*}Relationship"):
            if one.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, str(one.get("Target"))))
                kind = str(one.get("Type", "")).rpartition("/")[2]
                found[str(one.get("Id"))] = (target.lstrip("/"), kind)
        return found

    def _of_kind(self, wanted: str) -> str | None:
        return next((target for target, kind in self._links.values() if kind == wanted), None)

    def _sheets(self, root: Element) -> Iterator[Sheet]:
        for one in root.iter("{*}sheet"):
            link = one.get(_RELATION) or one.get(_RELATION_STRICT)
            target, kind = self._links.get(str(link), ("", ""))
            if kind == "worksheet":
                visible = one.get("state", "visible") == "visible"
                yield Sheet(str(one.get("name")), target, visible)


class _Part(RawIOBase):
    """A part as it is inflated. A wrong checksum refuses all: any row may be wrong."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; 0 at the end."""
        view = memoryview(buffer)
        try:
            data = self._file.read(len(view))
        except _TORN as error:
            raise _torn(self._name) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the part."""
        self._file.close()
        super().close()


def _inflated(package: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> BinaryIO:
    try:
        return BufferedReader(_Part(cast("BinaryIO", package.open(info)), name))
    except _TORN as error:
        raise _torn(name) from error


def _torn(name: str) -> Misconfigured:
    return Misconfigured(f"{name}: the workbook is damaged: its checksum is wrong; copy it anew")


def rich_text(element: Element) -> str:
    """Give the text of a string, whole or of several runs. How it is spoken (`rPh`) is no text."""
    texts = [
        (t.text or "")
        for t in element.iter("{*}t")
        if (around := t.getparent()) is None or local_name(around) != "rPh"
    ]
    return unescaped("".join(texts))
