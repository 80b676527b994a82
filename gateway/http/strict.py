"""What the framework would let pass: keys that stand twice, and parameters that nobody reads.

Of two keys the last would count, here; for a proxy or a log in between it may be the first. A
filter whose name is misspelt would filter nothing.
"""

import functools
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response

from gateway.errors import Invalid


class StrictRoute(APIRoute):
    """A route that reads JSON strictly, and takes the parameters that it knows, each once.

    Its endpoint takes the `request`.
    """

    def __init__(
        self, path: str, endpoint: Callable[..., Coroutine[Any, Any, Any]], **more: Any
    ) -> None:
        @functools.wraps(endpoint)
        async def strict(*, request: Request, **given: Any) -> Any:
            # Here, and not before: who may not call it is told that first.
            if request.scope["query_string"]:
                _require_known(request, known)
            return await endpoint(request=request, **given)

        super().__init__(path, strict, **more)
        known = dict(_parameters(self.dependant))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Read bodies strictly."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    """A request whose JSON is UTF-8, has each key once, and no NaN."""

    async def json(self) -> Any:
        return parse_once((await self.body()).decode("utf-8-sig"))


def parse_once(text: str) -> Any:
    """Read JSON with each key once, and no NaN. Raises ValueError, RecursionError."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("a key stands twice in one object", "", 0)
    return found


def _no_number(_: str) -> NoReturn:
    raise json.JSONDecodeError("NaN and Infinity are no numbers", "", 0)


def _parameters(of: Dependant) -> Iterator[tuple[str, bool]]:
    """Give each parameter of the query by its name, and whether it may stand several times."""
    for field in of.query_params:
        kind = field.field_info.annotation
        yield field.alias, any(get_origin(k) is list for k in (kind, *get_args(kind)))
    for other in of.dependencies:
        yield from _parameters(other)


def _require_known(request: Request, known: dict[str, bool]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            raise Invalid(
                "A parameter of this address is not known here. Known: "
                f"{', '.join(sorted(known)) or 'none'}.",
                code="request.unknown_parameter",
            )
        if names.count(name) > 1 and not known[name]:
            raise Invalid("Give this parameter once.", pointer=f"/{name}")
