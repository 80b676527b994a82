"""The yardstick of `bench.fanout`: asks peers side by side, and nothing else.

An application of its own, not the gateway with its doors taken out: the peer client takes only what
policy permitted. It sends questions of the same shape over the same transport, behind httpx's
client.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from bench.load import question
from gateway.http.client import new_search_id
from gateway.peers import AiohttpTransport

port, urls = int(sys.argv[1]), json.loads(sys.argv[2])
http = httpx.AsyncClient(transport=AiohttpTransport(max_bytes=2**20))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with http:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ok"}


async def ask(url: str) -> dict[str, Any]:
    began = time.perf_counter()
    subject = {"names": [{"surname": "HOLLOWQUIST"}], "birth_date": "1949-09-09"}
    body = question("ZZ9990000", new_search_id(), subject, "CA9990000")
    answer = await http.post(url, content=body, headers={"content-type": "application/json"})
    found: dict[str, Any] = answer.json()
    return found | {"ms": (time.perf_counter() - began) * 1000}


@app.post("/v1/searches")
async def search(_: dict[str, Any]) -> dict[str, Any]:
    return {"agencies": await asyncio.gather(*(ask(u) for u in urls))}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
