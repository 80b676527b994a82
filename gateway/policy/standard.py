"""What is left of a record, as a message of the standard schema again."""

from gateway import niem
from gateway.model import Message


def as_standard(message: Message) -> Message | None:
    """Prune what the withheld elements left behind, and check the rest; None if nothing is left.

    Raises ValueError if it does not conform: then nothing of it may leave.
    """
    plain = niem.whole(message)
    if plain is not None:
        return plain  # nothing to prune, nothing wrong: one walk instead of three
    left = niem.prune(message)
    if left is None or left.keys() <= {"@context"}:
        return None
    if niem.findings(left):
        raise ValueError("not a message of the standard schema")
    return left
