"""Which assertions were taken already, kept in the state database until they expire.

Kept on disk, so that a restart forgets none, and shared by all processes of one gateway.
"""

import hashlib
import time

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    delete,
    insert,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gateway.errors import Unavailable

metadata = MetaData()
used_assertions = Table(
    "used_assertions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),
)

_PRUNE_S = 60


class Replays:
    """Takes each assertion once. Blocking; call it on a worker thread. Raises Unavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pruned = 0.0
        try:
            metadata.create_all(engine)
        except SQLAlchemyError as error:
            raise Unavailable(
                f"The state database can't be opened: {type(error).__name__}."
            ) from None

    def take(self, client_id: str, jti: str, expires: int) -> bool:
        """Whether this is the first use. It is on disk when this returns. `expires` in s."""
        digest = hashlib.sha256(f"{client_id}\0{jti}".encode()).digest()
        now = time.time()
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(used_assertions).values(digest=digest, expires=expires))
                if now - self._pruned > _PRUNE_S:
                    # Only what no verifier would take any more.
                    connection.execute(
                        delete(used_assertions).where(used_assertions.c.expires < int(now))
                    )
                    self._pruned = now
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            raise Unavailable(
                f"Log-ons are closed: the state database can't be written ({type(error).__name__})."
            ) from None
        return True
