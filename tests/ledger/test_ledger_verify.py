import asyncio
import contextlib
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import Invalid, LedgerUnavailable
from gateway.ledger.checkpoint import read, sign
from gateway.ledger.entry import canonical
from gateway.ledger.evidence import HeldReceipt, read_checkpoints, read_receipts
from gateway.ledger.seal import SealingKey
from gateway.ledger.tree import leaf_hash, root_of
from tests.ledger.made import LOG_KEY, ORIGIN, SEALING_KEY, LogOnDisk, draft, use, write
from tests.soak import count

TABLES = ("entries", "month_keys", "tiles", "checkpoints", "nonces")


@pytest.fixture
def copy(written: LogOnDisk, tmp_path: Path) -> LogOnDisk:
    return written.copy(tmp_path / "copy")


def test_an_untouched_log_is_intact(written: LogOnDisk) -> None:
    report = written.verify()
    assert report.intact, report.findings
    assert report.entries == 603
    assert report.unnumbered == 0
    assert report.erased == 1
    assert report.checkpoints >= 3
    assert report.opened == 599  # three starts have no part, one part is erased


def test_without_the_sealing_key_it_says_what_it_could_not_check(written: LogOnDisk) -> None:
    report = written.verify(sealed=True)
    assert report.intact
    assert report.opened == 0
    assert "sealing key" in report.notes[0]


def test_no_log_is_an_error_not_a_finding(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        LogOnDisk(tmp_path / "ledger.db").verify()


def flipped(value: Any, chance: random.Random) -> Any:
    """Change one byte, or one bit of a number, or put something where there was nothing."""
    if value is None:
        return chance.choice([1, "x", b"x"])
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(20))
    data = bytearray(value if isinstance(value, bytes) else value.encode())
    if not data:
        return b"x"
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    if isinstance(value, bytes):
        return bytes(data)
    return data.decode(errors="replace")


@pytest.mark.parametrize("seed", range(count(1, 40)))
def test_any_change_of_any_column_of_any_table_is_found(
    written: LogOnDisk, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    base = written.copy(tmp_path / "base")
    base.change(
        "INSERT INTO nonces VALUES (?, ?, ?)",
        b"n" * 32,
        5,
        SealingKey(SEALING_KEY).tag(b"nonce\n" + b"n" * 32 + (5).to_bytes(8, "big")),
    )
    assert base.verify().intact
    for table in TABLES:
        columns = [row[1] for row in base.query(f"PRAGMA table_info({table})")]
        keys = [r[1] for r in base.query(f"PRAGMA table_info({table})") if r[5]]
        for column in columns:
            row = chance.choice(base.rows(table, column, *keys))
            value = flipped(row[0], chance)
            if value == row[0]:
                continue
            copy = base.copy(tmp_path / f"{table}-{column}")
            where = dict(zip(keys, row[1:], strict=True))
            try:
                changed = copy.set(table, column, value, where)
            except sqlite3.IntegrityError:
                continue  # the file itself refuses it
            assert changed == 1
            report = copy.verify()
            assert not report.intact, (table, column, row, value)
            if table == "entries":
                position = base.query("SELECT position FROM entries WHERE id = ?", row[1])[0][0]
                named = {f.position for f in report.findings} | {f.entry for f in report.findings}
                writer, number = base.query(
                    "SELECT writer, sequence FROM entries WHERE id = ?", row[1]
                )[0]
                assert position in named or f"{writer}.{number}" in named, (column, report)


@pytest.mark.parametrize("seed", range(count(6, 400)))
def test_any_byte_changed_in_the_file_is_found_or_harmless(
    copy: LogOnDisk, written: LogOnDisk, seed: int
) -> None:
    """Below SQL: a byte in a page. If the tables still read the same, nothing was changed."""
    chance = random.Random(seed)
    data = bytearray(copy.path.read_bytes())
    data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
    copy.path.write_bytes(bytes(data))
    if copy.verify().intact:
        for table in TABLES:
            assert copy.rows(table) == written.rows(table)


def kinds(log: LogOnDisk, **options: Any) -> dict[str, int]:
    return dict(log.verify(**options).kinds)


def positions(log: LogOnDisk, kind: str) -> list[int | None]:
    return [f.position for f in log.verify().findings if f.kind == kind]


def test_an_altered_entry_is_named(copy: LogOnDisk) -> None:
    [(entry,)] = copy.query("SELECT entry FROM entries WHERE position = 300")
    fields = json.loads(entry)
    fields["decision"] = "deny"
    copy.change(
        "UPDATE entries SET entry = ?, decision = 'deny' WHERE position = 300", canonical(fields)
    )
    report = copy.verify()
    altered = [f for f in report.findings if f.kind == "altered"]
    assert [f.position for f in altered] == [300]
    assert altered[0].entry == f"{fields['writer']}.{fields['seq']}"
    assert kinds(copy, sealed=True)["altered"] == 1


def test_an_entry_altered_together_with_its_leaf_is_named_by_its_tag_and_bounded_without(
    copy: LogOnDisk,
) -> None:
    [(entry,)] = copy.query("SELECT entry FROM entries WHERE position = 12")
    fields = json.loads(entry)
    fields["results"] = 9999
    altered = canonical(fields)
    copy.change("UPDATE entries SET entry = ? WHERE position = 12", altered)
    [(tile,)] = copy.query("SELECT hashes FROM tiles WHERE level = 0 AND number = 0")
    tile = tile[: 12 * 32] + leaf_hash(altered) + tile[13 * 32 :]
    copy.change("UPDATE tiles SET hashes = ? WHERE level = 0 AND number = 0", tile)
    assert positions(copy, "not_ours") == [12]
    found = kinds(copy, sealed=True)
    assert found["checkpoint"] > 0
    assert found["tree"] > 0


def test_an_altered_tile_is_told_from_an_altered_entry(copy: LogOnDisk) -> None:
    [(tile,)] = copy.query("SELECT hashes FROM tiles WHERE level = 0 AND number = 1")
    copy.change("UPDATE tiles SET hashes = ? WHERE level = 0 AND number = 1", bytes(32) + tile[32:])
    report = copy.verify()
    assert {f.kind for f in report.findings} == {"tree"}
    assert 256 in {f.position for f in report.findings}


def test_a_removed_entry_is_named(copy: LogOnDisk) -> None:
    copy.change("DELETE FROM entries WHERE position IN (40, 41)")
    assert positions(copy, "removed") == [40, 41]


def test_a_removed_entry_is_named_when_the_others_close_the_gap(copy: LogOnDisk) -> None:
    copy.change("DELETE FROM entries WHERE position = 600")
    copy.change("UPDATE entries SET position = 600, id = 601 WHERE position = 601")
    copy.change("UPDATE entries SET position = 601, id = 602 WHERE position = 602")
    report = copy.verify()
    assert {"moved", "tail_removed", "sequence"} <= set(report.kinds)
    assert {600, 601} <= {f.position for f in report.findings}


def test_swapped_entries_are_named(copy: LogOnDisk) -> None:
    copy.change("UPDATE entries SET position = -1 WHERE position = 7")
    copy.change("UPDATE entries SET position = 7 WHERE position = 500")
    copy.change("UPDATE entries SET position = 500 WHERE position = -1")
    moved = [f for f in copy.verify().findings if f.kind == "moved"]
    assert [f.position for f in moved] == [7, 500]
    assert "position 500" in moved[0].text


def test_an_entry_put_at_the_end_is_named(copy: LogOnDisk) -> None:
    forge(copy, position=603)
    report = copy.verify()
    assert 603 in {f.position for f in report.findings}
    assert "checkpoint" in report.kinds  # no signed root covers it


def test_an_entry_put_among_those_without_a_number_is_named_for_good(copy: LogOnDisk) -> None:
    forge(copy, position=None)
    assert "not_ours" in kinds(copy)

    async def read_status(ledger: Any) -> dict[str, Any]:
        status: dict[str, Any] = await ledger.status()
        return status

    [status] = asyncio.run(use(copy, read_status))
    assert status["status"] == "degraded"
    assert "did not write" in status["why"]
    report = copy.verify()
    assert [f.position for f in report.findings if f.kind == "not_ours"] == [603]
    [(told,)] = copy.query(
        "SELECT results FROM (SELECT json_extract(CAST(entry AS TEXT), "
        "'$.results') AS results, decision FROM entries) "
        "WHERE decision = 'foreign_entries'"
    )
    assert told == 1


def forge(log: LogOnDisk, position: int | None) -> None:
    """Put in an entry that looks right, as somebody without the keys could."""
    [(entry, tag)] = log.query("SELECT entry, tag FROM entries WHERE position = 602")
    fields = json.loads(entry)
    del fields["personal"], fields["case"]
    fields["seq"] += 1
    log.change(
        'INSERT INTO entries (id, position, writer, sequence, time, type, "transaction", peer, '
        "purpose, decision, subject, tag, entry) VALUES (604, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        position,
        *(fields[n] for n in ("writer", "seq", "time", "type", "transaction", "peer")),
        *(fields[n] for n in ("purpose", "decision", "subject")),
        tag,
        canonical(fields),
    )


def test_sealed_parts_that_change_places_are_named(copy: LogOnDisk) -> None:
    [a, b] = copy.query(
        "SELECT part_key, part, month_key FROM entries WHERE position IN (50, 51) ORDER BY position"
    )
    for position, part in ((50, b), (51, a)):
        copy.change(
            "UPDATE entries SET part_key = ?, part = ?, month_key = ? WHERE position = ?",
            *part,
            position,
        )
    assert positions(copy, "part") == [50, 51]


def test_a_part_taken_away_without_an_erase_entry_is_named(copy: LogOnDisk) -> None:
    copy.change(
        "UPDATE entries SET part = NULL, part_key = NULL, month_key = NULL WHERE position = 33"
    )
    assert positions(copy, "part") == [33]
    assert [f.kind for f in copy.verify(sealed=True).findings] == ["part"]


def test_a_part_said_to_be_erased_but_there_is_named(written: LogOnDisk, copy: LogOnDisk) -> None:
    [(position,)] = written.query(
        "SELECT position FROM entries WHERE part IS NULL AND type = 'query_in'"
    )
    copy.change(
        "UPDATE entries SET (month_key, part_key, part) = "
        "(SELECT month_key, part_key, part FROM entries WHERE position = 1) "
        "WHERE position = ?",
        position,
    )
    assert any("was not" in f.text for f in copy.verify().findings)


def test_a_trigger_or_a_table_put_into_the_file_is_named(copy: LogOnDisk) -> None:
    copy.change(
        "CREATE TRIGGER quiet AFTER INSERT ON entries BEGIN "
        "DELETE FROM entries WHERE id = new.id; END"
    )
    assert [f.kind for f in copy.verify().findings] == ["schema"]


def test_a_checkpoint_with_a_wrong_root_signed_by_another_key_is_named(copy: LogOnDisk) -> None:
    note = sign(ORIGIN, 603, bytes(32), Ed25519PrivateKey.generate()).note
    copy.change("UPDATE checkpoints SET note = ? WHERE size = 603", note)
    assert "checkpoint" in kinds(copy)


def test_a_file_that_is_no_database_is_a_finding(tmp_path: Path) -> None:
    log = LogOnDisk(tmp_path / "ledger.db")
    log.path.write_bytes(b"this is no database" * 100)
    assert [f.kind for f in log.verify().findings] == ["file"]


# -- by someone with the database and the keys ------------------------------------------------


def test_the_tail_cut_off_cleanly_needs_and_is_found_by_evidence_from_elsewhere(
    log: LogOnDisk, tmp_path: Path
) -> None:
    """Putting back yesterday's file is the cleanest cut there is."""
    asyncio.run(use(log, write(20)))
    before = log.copy(tmp_path / "yesterday")
    [[*logged]] = asyncio.run(use(log, write(10, first=50)))
    [(note,)] = log.query("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    receipt = HeldReceipt(
        bytes.fromhex(logged[3].leaf[8:]), draft(53).transaction or "", "response_in", "r:1"
    )
    assert log.verify(kept=[read(note)], receipts=[receipt]).intact
    assert before.verify().intact
    assert kinds(before, kept=[read(note)]) == {"tail_removed": 1}
    assert kinds(before, receipts=[receipt]) == {"receipt": 1}


def test_a_log_written_anew_with_all_keys_is_found_by_evidence_from_elsewhere(
    tmp_path: Path,
) -> None:
    real = LogOnDisk(tmp_path / "real" / "ledger.db")
    forged = LogOnDisk(tmp_path / "forged" / "ledger.db")
    for log in (real, forged):
        log.path.parent.mkdir()
    [logged] = asyncio.run(use(real, write(40)))
    asyncio.run(use(forged, write(20), write(25, first=21)))  # one is left out, more follow
    notes = [n for (n,) in real.query("SELECT note FROM checkpoints ORDER BY size")]
    receipts = [
        HeldReceipt(bytes.fromhex(one.leaf[8:]), f"srch_{i:026d}", "response_in", f"r:{i}")
        for i, one in enumerate(logged)
    ]
    assert real.verify(kept=[read(n) for n in notes], receipts=receipts).intact
    assert forged.verify().intact  # with the keys, anybody can write a log that fits itself
    assert "rewritten" in kinds(forged, kept=[read(notes[-1])])
    assert kinds(forged, receipts=receipts) == {"receipt": 40}


def test_a_log_rewritten_under_a_new_key_is_found(log: LogOnDisk) -> None:
    asyncio.run(use(log, write(3)))
    kept = sign(ORIGIN, 2, bytes(32), Ed25519PrivateKey.generate())
    assert kinds(log, kept=[kept]) == {"kept_checkpoint": 1}


def test_a_rewrite_is_narrowed_down_between_two_kept_checkpoints(log: LogOnDisk) -> None:
    asyncio.run(use(log, write(30)))
    entries = [e for (e,) in log.query("SELECT entry FROM entries ORDER BY position")]
    leaves = [leaf_hash(e) for e in entries]
    good = sign(ORIGIN, 10, root_of(leaves[:10]), LOG_KEY)
    other = sign(ORIGIN, 20, root_of([*leaves[:15], bytes(32), *leaves[16:20]]), LOG_KEY)
    assert log.verify(kept=[good]).intact
    [finding] = log.verify(kept=[other, good]).findings
    assert finding.kind == "rewritten"
    assert "after entry" in finding.text
    assert 10 <= (finding.position or 0) <= 15


def test_a_receipt_for_another_transaction_is_named(log: LogOnDisk) -> None:
    [logged] = asyncio.run(use(log, write(2)))
    receipt = HeldReceipt(bytes.fromhex(logged[0].leaf[8:]), "srch_x", "response_in", "r:1")
    assert kinds(log, receipts=[receipt]) == {"receipt": 1}


# -- files from elsewhere ----------------------------------------------------------------------


def test_several_checkpoints_stand_in_one_file(tmp_path: Path) -> None:
    notes = [sign(ORIGIN, n, bytes(32), LOG_KEY).note for n in (1, 2, 3)]
    (tmp_path / "kept").write_text("\n".join(notes), encoding="utf-8")
    assert [c.size for c in read_checkpoints([tmp_path / "kept"])] == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "hello\n", "a\nb\nc\n\n\u2014 x y\n"])
def test_a_file_without_checkpoints_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "kept").write_text(text, encoding="utf-8")
    with pytest.raises(Invalid):
        read_checkpoints([tmp_path / "kept"])


@pytest.mark.parametrize(
    "line",
    ["x", "[]", "{}", '{"leaf":"sha-256:00","transaction":"t","type":"x"}', '"leaf"', "1"],
)
def test_a_line_that_is_no_receipt_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    good = json.dumps({"leaf": "sha-256:" + "0" * 64, "transaction": "t", "type": "x"})
    (tmp_path / "held").write_text(f"{good}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(Invalid, match="held:3"):
        read_receipts([tmp_path / "held"])


def test_verification_works_while_the_log_is_written(log: LogOnDisk) -> None:
    async def both(ledger: Any) -> None:
        writing = asyncio.create_task(write(300)(ledger))
        reports = []
        with contextlib.suppress(asyncio.CancelledError):
            while not writing.done():
                reports.append(await asyncio.to_thread(log.verify))
        await writing
        assert len(reports) > 1
        assert all(r.intact for r in reports), [r.findings for r in reports]

    asyncio.run(use(log, both, checkpoint_every_s=0.01))
    assert log.verify().entries == 301
