"""Records of an XML file, and their damage: within an element, which it stays, or of the syntax."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any
from xml.sax.saxutils import escape

from tests.adapters.damage import damaged, in_xml, odd
from tests.soak import count

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<all xmlns:s="urn:s">\n'
TAIL = b"</all>\n"
ELEMENT = re.compile(r"<(\w+)>([^<]*)</\w+>")


def record(cells: Sequence[str]) -> bytes:
    names = ("ID", "NAME", "BORN", "SEX", "MARK", "MARK")
    inner = (f"<{n}>{escape(c)}</{n}>" for n, c in zip(names, cells, strict=True))
    return f"<p>{''.join(inner)}</p>\n".encode()


INTO_ELEMENT: Sequence[Callable[[str, str], str]] = (
    lambda _, __: "",
    lambda name, text: f"<{name}>{text}</{name}>" * 2,
    lambda name, text: f"<{name}>{text}</{name}><{name}>other</{name}>",
    lambda name, text: f"<{name}><{name}>{text}</{name}></{name}>",
    lambda name, text: f"<{name.lower()}>{text}</{name.lower()}>",
    lambda name, text: f"<s:{name}>{text}</s:{name}>",
    lambda name, text: f"<{name}/>{text}",
    lambda name, _: f'<{name} s:ref="nobody"/>',
    lambda name, text: f'<{name} s:id="a" s:ref="a">{text}</{name}>',
    lambda name, text: f"<{name}><![CDATA[{text}<&>]]></{name}>",
    lambda name, text: f"<!-- <p> --><{name}>{text}<!-- x --></{name}>",
    lambda name, text: f"<{name}>&#x41;{text}&amp;&lt;/p&gt;</{name}>",
    lambda name, text: "<x>" * 60 + f"<{name}>{text}</{name}>" + "</x>" * 60,
)


def within_element(row: bytes, chance: Random) -> bytes:
    """Damage a record so that it stays an element."""
    text = row.decode()
    for _ in range(chance.randint(1, 3)):
        found = list(ELEMENT.finditer(text))
        if not found:
            break
        one = chance.choice(found)
        if chance.random() < 0.6:
            inner = in_xml(odd(one[2], chance))
            made = f"<{one[1]}>{inner}</{one[1]}>"
        else:
            made = chance.choice(INTO_ELEMENT)(one[1], one[2])
        text = text[: one.start()] + made + text[one.end() :]
    return text.encode()


BROKEN: Sequence[tuple[bytes, bytes]] = (
    (b"<NAME>", b"<NAME> & "),
    (b"<NAME>", b"<NAME>< "),
    (b"</NAME>", b"</NOM>"),
    (b"</NAME>", b""),
    (b"</p>", b""),
    (b"</p>", b"</"),
    (b"<BORN>", b'<BORN a="1>'),
    (b"<BORN>", b'<BORN a="1" a="2">'),
    (b"<BORN>", b"<BORN>\x01"),
    (b"<BORN>", b"<BORN>\xff\xfe"),
    (b"<SEX>", b"<SEX>&who;"),
    (b"<SEX>", b"<SEX>" + b"\0" * 90),
)
"""What breaks the syntax of one record and of no other."""
SELDOM = count(300, 2_000)
"""After a hundred such places the rest of a file is set aside as one row."""


def hurt(row: bytes, chance: Random) -> bytes:
    """Damage a record: a few so that its syntax is broken."""
    if chance.randrange(SELDOM) == 0:
        was, now = chance.choice(BROKEN)
        return row.replace(was, now, 1)
    return within_element(row, chance)


def broken(row: bytes, chance: Random) -> bytes:
    """Break the syntax of every hundredth record, some beyond its own end."""
    if chance.random() >= 0.01:
        return row
    if chance.random() < 0.5:
        return damaged(row, chance)
    was, now = chance.choice(BROKEN)
    return row.replace(was, now, 1)


def file(rows: Iterable[bytes]) -> bytes:
    return HEAD + b"".join(rows) + TAIL


def elements(one: bytes) -> list[Any]:
    """Give all that an element holds. Raises ParseError."""
    (root,) = ET.fromstring(HEAD + one + TAIL)  # noqa: S314 - made here
    return [(e.tag, (e.text or ""), e.tail, sorted(e.attrib.items())) for e in root.iter()][1:]


def every_element(data: bytes, raws: Sequence[str]) -> None:
    """Each record is one row, whole; of a broken one its very bytes."""
    body = data.removeprefix(HEAD).removesuffix(TAIL)
    written = [r for r in re.split(rb"(?<!<!-- )(?=<p>)", body) if r.strip()]
    assert len(raws) == len(written)
    for raw, one in zip(raws, written, strict=True):
        try:
            held = elements(one)
        except ET.ParseError:
            kept = raw.removesuffix(TAIL.decode())
            assert kept.strip() == one.decode("utf-8", "replace").strip()
        else:
            assert elements(raw.encode()) == held


NUMBER = re.compile(r"P-\d{6}")
KEPT_OF_DAMAGE = 50_000
"""Characters, of which more may be the 64 KiB that are kept at most: the rest is named by place."""


def every_number(data: bytes, raws: Sequence[str]) -> None:
    """Each record's number is in a row, or in what was kept of the rest that was not read."""
    written, found = (
        NUMBER.findall(data.decode("utf-8", "replace")),
        NUMBER.findall("\n".join(raws)),
    )
    if raws and len(raws[-1]) >= KEPT_OF_DAMAGE:
        written = written[: len(found)]
    assert found == written
