"""The published API is the API that is served."""

from pathlib import Path

import orjson

from gateway.app import routes

ROOT = Path(__file__).resolve().parent.parent


def test_the_published_document_is_what_the_app_serves() -> None:
    published = orjson.loads((ROOT / "openapi" / "sallyport.json").read_bytes())
    assert routes().openapi() == published, "run `make openapi` and read the difference"


def test_every_operation_says_what_it_is_and_how_it_fails() -> None:
    for path, methods in routes().openapi()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (path, method)
            if path.startswith("/v1/"):
                assert {"401", "403"} <= operation["responses"].keys(), (path, method)
                assert operation.get("security"), (path, method)


def test_its_version_is_the_api_s_and_says_so() -> None:
    served = routes().openapi()
    major = served["info"]["version"].split(".")[0]
    assert "The version is the API's" in served["info"]["description"]
    versions = {
        part for path in served["paths"] for part in path.split("/")[1:3] if part[:1] == "v"
    }
    assert versions == {f"v{major}"}
