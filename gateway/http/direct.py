"""Other gateways' questions, straight to their endpoint.

The framework's way to a route costs a twelfth of an answer: five layers, and a look at every
router. The endpoint takes the request as it is and needs none of it. The route itself stays where
it is, for the OpenAPI document, and for all that is not exactly such a question.
"""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.errors import SallyportError
from gateway.http import peer, problems
from gateway.peers import PATH


class Direct:
    """Wrap the framework's app."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a question; leave all else to the app. What is unexpected goes on to the edge."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        scope["route"] = _ROUTE
        request = Request(scope, receive)
        try:
            response = await peer.question(request)
        except SallyportError as error:
            response = problems.of_error(request, error)
        except HTTPException as error:
            response = problems.of_http(request, error)
        await response(scope, receive, send)


class _Route:
    """What the edge counts a request by."""

    path = PATH


_ROUTE = _Route()
