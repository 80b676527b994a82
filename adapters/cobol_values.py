"""The contents of COBOL items, as text.

Whole numbers keep the leading zeros of their picture, as COBOL displays them: so a number of nine
digits stays one, and a date of six. Where spaces, low-values or high-values fill a number in
characters or a packed one, nothing is known: none of the three is a number there.

Sources: IBM Enterprise COBOL, "Formats for numeric data"; z/Architecture, hexadecimal floating
point; IEEE 754.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from adapters import textfile
from adapters.cobol_copybook import Item, Sign
from adapters.cobol_picture import Picture

Read: TypeAlias = Callable[[bytes, str, int, int], str]
"""From a record's bytes, the same as text of as many characters, first, end → the text."""

EBCDIC: Final = frozenset({"cp037", "cp1140", "cp500", "cp273", "cp1026", "cp424", "cp875"})
_UNDEFINED: Final = "\ufffd"
_PLUS: Final = frozenset("ACEF".lower())
_MINUS: Final = frozenset("BD".lower())
_INDEX: Final = Picture("number", 9, 9)
_FLOAT_DIGITS: Final = {4: 7, 8: 16}
_ALIGNED_TO: Final = {2: 2, 4: 4, 8: 4}


class Unreadable(Exception):
    """An item does not hold what its picture says. `code` is stable; the text holds no value."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a file was written: its code page, and how it stores numbers."""

    encoding: str
    personal: bool
    """Native numbers begin with the lowest byte and floating point is IEEE's: not a mainframe."""
    binary_sizes: tuple[int, ...] = (2, 4, 8)

    @property
    def ebcdic(self) -> bool:
        """Whether the code page is one of EBCDIC."""
        return self.encoding in EBCDIC

    @property
    def fillers(self) -> bytes:
        """Low-values, high-values, and the blank."""
        return b"\x00\xff" + " ".encode(self.encoding)

    def overpunched(self) -> dict[str, tuple[str, str]]:
        """Give what stands for a digit with a sign in it: the digit, and the sign if it is minus.

        In ASCII two ways are in use: that of EBCDIC, translated, and p to y for minus.
        """
        over = {str(n): (str(n), "") for n in range(10)}
        signs = ((0xC0, ""), (0xD0, "-"))
        if self.ebcdic:
            over |= {
                bytes([zone + n]).decode(self.encoding): (str(n), sign)
                for zone, sign in signs
                for n in range(10)
            }
        else:
            over |= {letter: (str(n), "") for n, letter in enumerate("{ABCDEFGHI")}
            over |= {letter: (str(n), "-") for n, letter in enumerate("}JKLMNOPQR")}
            over |= {letter: (str(n), "-") for n, letter in enumerate("pqrstuvwxy")}
        return over


def size_of(item: Item, machine: Machine) -> int:
    """Count the bytes of one elementary item. Raises ValueError if it has no such size."""
    usage, pic = item.usage or "display", item.picture
    if usage in {"float", "double", "index"}:
        if pic is not None:
            raise ValueError("it has a picture, and its usage allows none")
        return {"float": 4, "double": 8, "index": 4}[usage]
    if pic is None:
        raise ValueError("it has no picture and holds no items")
    if pic.kind != "number":
        if usage not in {"display", "national"}:
            raise ValueError("only numbers can be packed or binary")
        return pic.size * (2 if pic.kind == "national" else 1)
    if usage == "national":
        raise ValueError("numbers of usage NATIONAL are not read")
    if usage == "packed":
        return pic.digits // 2 + 1
    if usage == "packed_unsigned":
        return (pic.digits + 1) // 2
    if usage in {"binary", "native"}:
        return _binary_size(pic.digits, machine.binary_sizes)
    return pic.size + bool(pic.signed and item.sign and item.sign.separate)


def alignment(item: Item, size: int) -> int:
    """Give the boundary on which SYNC puts an item."""
    if item.usage in {"binary", "native", "index"}:
        return _ALIGNED_TO.get(size, 1)
    return {"float": 4, "double": 8}.get(item.usage or "", 1)


def _binary_size(digits: int, sizes: tuple[int, ...]) -> int:
    for size in sizes:
        if digits <= len(str(2 ** (8 * size - 1) - 1)) - 1:
            return size
    raise ValueError(f"a binary number can't have {digits} digits")


def reader_of(item: Item, machine: Machine) -> Read:
    """Make what reads one elementary item."""
    usage, pic = item.usage or "display", item.picture
    if pic is None:
        real = _ieee if machine.personal else _hexadecimal
        return _binary(_INDEX, little=machine.personal) if usage == "index" else real
    if pic.kind != "number":
        return _national if pic.kind == "national" else _text(machine)
    if usage in {"binary", "native"}:
        return _binary(pic, little=machine.personal and usage == "native")
    if usage.startswith("packed"):
        return (_packed if usage == "packed" else _packed_unsigned)(pic, machine)
    return _signed(pic, item.sign or Sign(), machine) if pic.signed else _unsigned(pic, machine)


def _text(machine: Machine) -> Read:
    # High-values are a letter in some other code pages.
    latin = machine.encoding in textfile.LATIN
    nothing = " \0" + (b"\xff".decode(machine.encoding) if machine.ebcdic else "")

    def read(_data: bytes, text: str, first: int, end: int) -> str:
        found = text[first:end].strip(nothing)
        if _UNDEFINED in found:
            raise Unreadable("row.encoding", f"a byte of it is no {machine.encoding}")
        if latin and textfile.has_controls(found):
            why = f"a byte of it is no {machine.encoding}. {textfile.PERHAPS_1252}"
            raise Unreadable("row.encoding", why)
        return found

    return read


def _national(data: bytes, _text: str, first: int, end: int) -> str:
    try:
        return data[first:end].decode("utf-16-be").strip(" \0")
    except UnicodeDecodeError:
        raise Unreadable("row.encoding", "it is no UTF-16") from None


def _written(digits: str, minus: str, pic: Picture) -> str:
    """Write a number down. `digits` are all that its picture has."""
    scale = pic.scale
    if scale == 0:
        return minus + digits if minus and digits.strip("0") else digits
    if scale < 0:
        whole, fraction = digits + "0" * -scale, ""
    else:
        digits = digits.rjust(scale + 1, "0")
        whole, fraction = digits[:-scale].lstrip("0") or "0", f".{digits[-scale:]}"
    if not (whole + fraction).strip("0."):
        minus = ""
    return f"{minus}{whole}{fraction}"


def _plain(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _no_digits(data: bytes, fillers: bytes, what: str) -> str:
    if data[0] in fillers and data.count(data[0]) == len(data):
        return ""
    raise Unreadable("cobol.digits", what)


def _unsigned(pic: Picture, machine: Machine) -> Read:
    # Programs write a plus over the last digit of numbers that have no sign, too.
    over, fillers = machine.overpunched(), machine.fillers
    whole = pic.scale == 0

    def read(data: bytes, text: str, first: int, end: int) -> str:
        digits = text[first:end]
        if whole and digits.isascii() and digits.isdecimal():
            return digits
        digits = digits.lstrip(" ").rjust(end - first, "0") if digits.strip(" ") else digits
        last, minus = over.get(digits[-1:], ("", ""))
        digits = digits[:-1] + last
        if minus or not last or not _plain(digits):
            return _no_digits(data[first:end], fillers, "it holds something else than digits")
        return _written(digits, "", pic)

    return read


def _signed(pic: Picture, sign: Sign, machine: Machine) -> Read:
    over, fillers = machine.overpunched(), machine.fillers
    separate = {"+": "", "-": "-", " ": ""}

    def read(data: bytes, text: str, first: int, end: int) -> str:
        digits = text[first:end]
        at = 0 if sign.leading else -1
        mark = digits[at]
        rest = digits[1:] if sign.leading else digits[:-1]
        minus: str | None
        if sign.separate:
            digits, minus = rest, separate.get(mark)
        else:
            last, minus = over.get(mark, ("", None))
            digits = last + rest if sign.leading else rest + last
        if not sign.leading or sign.separate:
            digits = digits.lstrip(" ").rjust(pic.digits, "0") if digits.strip(" ") else digits
        if minus is None or not _plain(digits):
            return _no_digits(
                data[first:end], fillers, "it holds something else than digits and a sign"
            )
        return _written(digits, minus, pic)

    return read


def _packed(pic: Picture, machine: Machine) -> Read:
    odd, fillers = pic.digits % 2, machine.fillers

    def read(data: bytes, _text: str, first: int, end: int) -> str:
        nibbles = data[first:end].hex()
        digits, sign = nibbles[:-1], nibbles[-1]
        if not digits.isdecimal() or not (sign in _PLUS or (pic.signed and sign in _MINUS)):
            what = "its packed digits or their sign can't be"
            return _no_digits(data[first:end], fillers, what)
        if not odd:
            if digits[0] != "0":
                raise Unreadable("cobol.digits", f"it has more than {pic.digits} digits")
            digits = digits[1:]
        return _written(digits, "-" if sign in _MINUS else "", pic)

    return read


def _packed_unsigned(pic: Picture, machine: Machine) -> Read:
    fillers = machine.fillers

    def read(data: bytes, _text: str, first: int, end: int) -> str:
        digits = data[first:end].hex()
        if not digits.isdecimal():
            return _no_digits(data[first:end], fillers, "its packed digits can't be")
        if len(digits) > pic.digits:
            if digits[0] != "0":
                raise Unreadable("cobol.digits", f"it has more than {pic.digits} digits")
            digits = digits[1:]
        return _written(digits, "", pic)

    return read


def _binary(pic: Picture, *, little: bool) -> Read:
    signed, width = pic.signed, pic.digits

    def read(data: bytes, _text: str, first: int, end: int) -> str:
        order = data[first:end]
        if little:
            order = order[::-1]
        value = int.from_bytes(order, "big", signed=signed)
        return _written(str(abs(value)).rjust(width, "0"), "-" if value < 0 else "", pic)

    return read


def _ieee(data: bytes, _text: str, first: int, end: int) -> str:
    value: float = struct.unpack("<f" if end - first == 4 else "<d", data[first:end])[0]  # noqa: PLR2004 - bytes of a COMP-1
    return _decimal(value, end - first)


def _hexadecimal(data: bytes, _text: str, first: int, end: int) -> str:
    head, fraction = data[first], int.from_bytes(data[first + 1 : end], "big")
    value = math.ldexp(fraction, 4 * ((head & 0x7F) - 64) - 8 * (end - first - 1))
    return _decimal(-value if head & 0x80 else value, end - first)


def _decimal(value: float, size: int) -> str:
    if not math.isfinite(value):
        raise Unreadable("cobol.digits", "it is no number")
    if not value:
        return "0"
    text = format(Decimal(f"{value:.{_FLOAT_DIGITS[size]}g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
