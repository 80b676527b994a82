"""The yardstick of `bench.answers`: the gateway's records behind FastAPI, and nothing else.

An application of its own, not the gateway with its doors taken out: only `gateway.policy` can make
what a route may write, so there is no such gateway. It parses the same question with the same
model, searches the same records by the same code and writes all that it found, in the same server.
No signature, policy, log or release, and no parts of an answer beside the records.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response

from bench.people import searched
from gateway import settings as settings_files
from gateway.peers import QUESTION
from gateway.records.find import Records

home = Path(os.environ["SALLYPORT_HOME"])
settings = settings_files.load(home)
records = Records(home / "data" / "records.db")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await records.start()
    yield
    await records.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/bare/questions")
async def question(request: Request) -> Response:
    asked = QUESTION.validate_json(await request.body())
    _, found = await searched(
        records,
        asked,
        terms=frozenset(asked.subject.query.terms()),
        record_types=frozenset(asked.record_types),
    )
    body = orjson.dumps(
        {
            "status": "answered",
            "matches": [{"record": f.message} for f in found],
        }
    )
    return Response(body, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
