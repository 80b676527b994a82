"""The texts that a rule of a mapping reads from a row's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.mapping import PLACEHOLDER
from adapters.rows import Fault


@dataclass(frozen=True, slots=True)
class Take:
    """A piece of a text: from one position to another, or one of several parts. All from 1."""

    first: int = 1
    last: int = 0
    by: str | None = None
    part: int = 1

    def of(self, text: str) -> str:
        """Give the piece; blank if the text is too short, or has too few parts."""
        if self.by is None:
            return text[self.first - 1 : self.last].strip()
        pieces = text.split() if self.by == " " else text.split(self.by)
        at = self.part - 1 if self.part > 0 else self.part
        return pieces[at].strip() if -len(pieces) <= at < len(pieces) else ""


@dataclass(frozen=True, slots=True)
class Texts:
    """Where a rule's texts come from. `each` parts one value into several.

    `take` cuts a piece out of the text, `pad` fills it up, `upper` writes it in capitals.
    """

    columns: tuple[str, ...]
    template: str | None = None
    each: str | None = None
    remove: Mapping[int, None] | None = None
    blank: frozenset[str] = frozenset()
    default: str = ""
    required: bool = False
    take: "Take | None" = None
    pad: tuple[int, str] | None = None
    upper: bool = False
    plain: bool = field(init=False)
    """Whether it is what stands in one column, as it stands."""
    alone: bool = field(init=False)
    """Whether, besides, it is one text."""

    def __post_init__(self) -> None:
        changed = self.template is not None or self.remove is not None or self.upper
        plain = len(self.columns) == 1 and not changed and self.take is None and self.pad is None
        object.__setattr__(self, "plain", plain)
        object.__setattr__(self, "alone", plain and self.each is None)

    def read(self, row: Mapping[str, str]) -> Sequence[str]:
        """Give the texts that are not blank. Raises Fault if one is required and there is none."""
        if self.plain:
            found = row.get(self.columns[0], "")
            found = "" if found in self.blank else found
        else:
            found = self._whole(row)
        if not found:
            if self.required:
                raise Fault("value.missing", "the value must be there", self.columns[0], "")
            return (self.default,) if self.default else ()
        if self.each is None:
            return (found,)
        parts = (p.strip() for p in found.split(self.each))
        return [p for p in parts if p and p not in self.blank]

    def _whole(self, row: Mapping[str, str]) -> str:
        parts = [text for c in self.columns if (text := row.get(c, "")) and text not in self.blank]
        if self.template is None:
            text = " ".join(parts)
        elif len(parts) == len(self.columns):
            text = PLACEHOLDER.sub(lambda m: row.get(m[1], ""), self.template).strip()
        else:
            return ""
        if self.remove is None and self.take is None and self.pad is None and not self.upper:
            return text
        return self._trimmed(text)

    def _trimmed(self, text: str) -> str:
        if self.take is not None:
            text = self.take.of(text)
        if self.remove is not None:
            text = text.translate(self.remove).strip()
        if self.upper:
            text = text.upper()
        if text and self.pad is not None:
            text = text.rjust(*self.pad)
        return "" if text in self.blank else text

    @property
    def named(self) -> str:
        """The columns' names, for a row that is set aside."""
        return ", ".join(self.columns)
