"""Texts of a PostgreSQL database that does not know how they are written (SQL_ASCII).

They come and go as bytes, in the encoding that the URL names (`client_encoding`), or UTF-8.
"""

from typing import Any, Final

from psycopg import Connection
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.types.string import StrDumper, StrDumperUnknown

from adapters.typed import decoded

_TEXTS: Final = ("text", "varchar", "bpchar", "name", '"char"')
_ANY_OTHER: Final = 0


def take(connection: Connection[Any]) -> type[Loader]:
    """Have a new connection take bytes for texts. Gives what decodes them, for other types."""
    asked = connection.info.encoding
    encoding = "utf-8" if asked == "ascii" else asked

    class Decoded(Loader):
        """Decodes a text, whatever bytes are in it."""

        def load(self, data: Buffer) -> str:
            """Give it as `adapters.typed.decoded` does."""
            return decoded(bytes(data), encoding)

    def encoded(dumper: type[Dumper]) -> type[Dumper]:
        class Encoded(dumper):  # type: ignore[valid-type, misc] # made for this connection
            """Encodes what is asked for."""

            def __init__(self, cls: type, context: AdaptContext | None = None) -> None:
                super().__init__(cls, context)
                self._encoding = encoding

        return Encoded

    connection.execute("SET client_encoding TO 'SQL_ASCII'")
    connection.commit()
    for name in _TEXTS:
        connection.adapters.register_loader(name, Decoded)
    connection.adapters.register_loader(_ANY_OTHER, Decoded)
    for dumper in (StrDumper, StrDumperUnknown):
        connection.adapters.register_dumper(str, encoded(dumper))
    return Decoded
