"""The codes of problems are public: docs/problems.md lists each, with its status, and no other."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import adapters
import gateway
from gateway.app import routes
from gateway.errors import SallyportError, Untranslatable
from gateway.http import problems

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)+")
COMMANDS = (
    *("gateway/cli/", "gateway/records/importer.py", "gateway/records/sums.py", "adapters/"),
    "gateway/records/doubts.py",
)
"""Who raises here is heard by a command, and by no address. Live sources are the exception."""
LIVE = "adapters/sql_live.py"
MADE = {
    "gateway/cli/admin_client.py": set[str](),  # passes on what the gateway said
    "gateway/exchange/sealed.py": {
        f"{kept}.unavailable" for kept in ("confirmations", "duties", "releases", "searches")
    },
    "gateway/http/client.py": {"search.unknown_purpose", "search.unknown_record_type"},
}
"""Where a code is put together, and what comes of it."""

PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
Use = tuple[str, int, str]
"""Code, status, file."""


def kinds() -> dict[str, type[SallyportError]]:
    """Every kind of error by its name, but what sets a legacy row aside: that is no problem."""
    for package in (gateway, adapters):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", "redecide", "vet", "aside", "reindex")):
                importlib.import_module(found.name)

    def below(kind: type[SallyportError]) -> Iterator[type[SallyportError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    return {k.__name__: k for k in below(SallyportError) if not issubclass(k, Untranslatable)}


def status_of(kind: type[SallyportError]) -> int:
    return next(status for each, status in problems.STATUSES if issubclass(kind, each))


def uses() -> set[Use]:
    every, found, made = kinds(), set[Use](), set[str]()
    for top in ("gateway", "adapters"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if name.startswith("gateway/http/"):
                    found |= {(code, status, name) for status, code in literal(node)}
                if not isinstance(node, ast.Call):
                    continue
                kind = every.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
                if kind is None:
                    continue
                given = [k.value for k in node.keywords if k.arg == "code"]
                if not given:
                    found.add((kind.default_code, status_of(kind), name))
                elif isinstance(given[0], ast.Constant):
                    found.add((str(given[0].value), status_of(kind), name))
                else:
                    made.add(name)
                    found |= {(code, status_of(kind), name) for code in MADE.get(name, set())}
    assert made == set(MADE), "a code is put together: say here what comes of it"
    return found


def literal(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Status and code beside each other, in a call or in a table."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Call):
        pairs = list(zip(node.args, node.args[1:], strict=False))
    elif isinstance(node, ast.Dict):
        pairs = [
            (key, value.elts[0])
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None and isinstance(value, ast.Tuple)
        ]
    for status, code in pairs:
        if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
            one, other = status.value, code.value
            if isinstance(one, int) and isinstance(other, str) and CODE.fullmatch(other):
                yield one, other


def listed() -> dict[str, set[int]]:
    """The codes of the page, with their statuses; none where only commands give it."""
    rows = re.findall(r"^\| `([^`]+\.[^`]+)` \|(?: ([\d, ]+) \|)? .+ \|$", PAGE, re.MULTILINE)
    assert len(rows) == len({code for code, _ in rows}), "a code stands twice"
    return {code: {int(s) for s in statuses.split(",") if s} for code, statuses in rows}


def test_every_code_is_listed_with_its_status_and_no_other_is() -> None:
    over_http: dict[str, set[int]] = {}
    commands: dict[str, set[int]] = {}
    for code, status, name in uses():
        command = name.startswith(COMMANDS) and name != LIVE
        if command:
            commands.setdefault(code, set())
        else:
            over_http.setdefault(code, set()).add(status)
    assert listed() == commands | over_http


def test_the_tables_are_in_order_and_every_code_has_the_form_of_one() -> None:
    assert all(CODE.fullmatch(code) for code in listed())
    for section in PAGE.split("\n## "):
        codes = re.findall(r"^\| `([^`]+\.[^`]+)` \|", section, re.MULTILINE)
        assert codes == sorted(codes)


def test_a_new_code_or_a_status_that_changed_would_be_seen() -> None:
    found = {(code, status) for code, status, _ in uses()}
    for each in (
        ("search.too_vague", 422),  # a default
        ("auth.scope", 403),  # given where it is raised
        ("searches.unavailable", 503),  # put together
        ("request.not_http", 400),  # beside its status
        ("request.too_slow", 408),  # in a table
        ("request.too_large", 431),
    ):
        assert each in found


def test_the_document_of_the_api_lists_every_status_that_any_address_may_give() -> None:
    anywhere = {str(status) for status in problems.ANYWHERE}
    assert {"405", "408", "413", "431", "500"} <= anywhere
    statuses = {str(s) for code in listed() for s in listed()[code]}
    given: set[str] = set()
    for path, methods in routes().openapi()["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            assert anywhere <= responses.keys(), (path, method)
            given |= responses.keys()
            if path.startswith("/v1/"):
                for status in responses.keys() - {"200"}:
                    assert responses[status]["content"] == {problems.MEDIA_TYPE: PROBLEM}
    # 502 and 504 are other agencies' and stand in an answer.
    assert statuses - {"502", "504"} <= given


def test_a_token_s_refusal_is_described_apart_from_problems() -> None:
    """RFC 6749 has its own form of errors; what the server itself refuses is a problem."""
    token = routes().openapi()["paths"]["/oauth2/token"]["post"]["responses"]
    for status in ("400", "413", "503"):
        assert token[status]["content"].keys() == {"application/json", problems.MEDIA_TYPE}
        assert token[status]["content"][problems.MEDIA_TYPE] == PROBLEM
        assert token[status]["content"]["application/json"]["schema"]["required"] == ["error"]
        assert "$ref" not in token[status]["content"]["application/json"]["schema"]
    assert routes().openapi()["components"]["schemas"]["Problem"]["required"]
