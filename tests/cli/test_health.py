"""What `sallyport health` shows of `/readyz`, as its reader sees it at 80 columns."""

from io import StringIO

from rich.console import Console

from gateway.cli.health import sets_of, table_of

STATE = {
    "status": "degraded",
    "components": {
        "ledger": {"status": "ok", "entries": 3},
        "records": {
            "status": "degraded",
            "sources": {
                "warrants": {"kind": "mirror", "stale": True, "last_result": "unchanged"},
                "wanted": {"last_result": "failed", "last_code": "source.missing"},
                "names": {"kind": "live", "stale": False},
                "jail": {"kind": "not imported", "fault": "mapping.wrong"},
            },
        },
        "peers": {
            "status": "ok",
            "known": ["NM9990000"],
            "backing_off_s": {"NM9990000": 4},
            "policies": {
                "NM9990000": {
                    "revision": "sha-256:" + 4 * "0123456789abcdef",
                    "since": "2026-11-23T20:46:10.12Z",
                    "seen": "2026-11-24T07:02:55.00Z",
                    "changed": True,
                    "before": "sha-256:" + 64 * "f",
                }
            },
        },
        "agreements": {"status": "ok", "in_force": 0, "suspended": [], "untold": {}},
    },
}


def test_each_source_has_a_line_that_says_what_is_wrong() -> None:
    console = Console(file=StringIO(), width=80)
    console.print(table_of("Brazos Fork Police Department", STATE))
    for table in sets_of(STATE):
        console.print(table)
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    lines = [line.rstrip("│ \n").rpartition("│ ")[2].strip() for line in said.splitlines()]
    for line in (
        "warrants: unchanged, STALE",
        "wanted: failed, source.missing",
        "names: live",
        "jail: not imported, mapping.wrong",
        "More: sallyport source list",
        "known: NM9990000",
        "backing_off_s: NM9990000 4",
        "in_force 0",
    ):
        assert line in lines
    shown = "2026-11-23 │ 2026-11-24 07:02 │ ffffffffffff"
    assert f"│ NM9990000 │ 0123456789ab │ {shown} │" in said
    assert "{" not in said
    assert list(sets_of({"components": {"peers": {"policies": {}}}})) == []
    assert "…" not in said
