"""Signed bundles: who signed, a version that only goes up, an end, the last good, two people."""

import gzip
import io
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy import Limits, Policy, bundles
from gateway.policy.kept import Floor, KeptSets
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.signers import SignerEntry, Signers, load_signers, signers_of
from gateway.policy.sources import (
    SIGNATURES,
    BundleSource,
    FolderSource,
    changed_parts,
    package_of,
    sign_folder,
)
from gateway.policy.vet import vet
from gateway.policy.vetting import Vetter
from gateway.trust.jwk import ec_jwk
from tests.policy.made import NOW, SMALL, TEXAS, pairwise, question, write_set

ANN, BEA, EVE = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))


def entry(name: str, key: ec.EllipticCurvePrivateKey) -> SignerEntry:
    return SignerEntry(name=name, key=ec_jwk(key.public_key()))


SIGNERS = signers_of([entry("ann", ANN), entry("bea", BEA)])
AT = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def built(
    policy_set: PolicySet,
    version: int = 1,
    *keys: ec.EllipticCurvePrivateKey,
    issued: datetime = AT - DAY,
    expires: datetime = AT + 90 * DAY,
) -> bytes:
    raw = bundles.build(policy_set, version=version, issued=issued, expires=expires)
    for key in keys:
        raw = bundles.sign(raw, key)
    return raw


def edited(tmp_path: Path, word: str) -> PolicySet:
    """The small set with another text in it: another revision that passes vetting."""
    return load_set(write_set(tmp_path / word, {"note/data.yaml": f"word: {word}\n"}))


def repacked(raw: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """A bundle with some files replaced, added or left out, as an attacker would write it."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(raw))) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    files |= {n: c for n, c in changes.items() if c is not None}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            if name in changes and changes[name] is None:
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(packed.getvalue())


@pytest.fixture(autouse=True)
def _vetted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vet within the test: a child process takes most of a second, and has tests of its own."""

    async def vet_here(_self: Vetter, candidate: PolicySet, self_ori: str, *, folder: Path) -> None:
        assert folder.is_relative_to("/")
        vet(candidate, self_ori, Limits(case_ms=500))

    monkeypatch.setattr(Vetter, "vet", vet_here)


@pytest.fixture(scope="module")
def small() -> PolicySet:
    return load_set(SMALL)


# -- the file ---------------------------------------------------------------------------------


def test_a_bundle_holds_the_whole_set_and_names_who_signed(small: PolicySet) -> None:
    bundle = bundles.read_bundle(built(small, 7, ANN, BEA), SIGNERS)
    assert bundle.policy_set == small
    assert (bundle.lease.version, bundle.lease.expires) == (7, AT + 90 * DAY)
    assert bundle.lease.signers == ("ann", "bea")
    assert built(small, 7) == built(small, 7)


def test_a_stranger_counts_for_nothing_and_nobody_is_two_people(small: PolicySet) -> None:
    assert bundles.read_bundle(built(small), SIGNERS).lease.signers == ()
    assert bundles.read_bundle(built(small, 1, EVE), SIGNERS).lease.signers == ()
    assert bundles.read_bundle(built(small, 1, EVE, ANN), SIGNERS).lease.signers == ("ann",)
    assert bundles.read_bundle(built(small, 1, ANN, ANN), SIGNERS).lease.signers == ("ann",)
    twice = signers_of([entry("ann", ANN), entry("ann", BEA)])
    assert bundles.read_bundle(built(small, 1, ANN, BEA), twice).lease.signers == ("ann",)


def manifest(small: PolicySet, **changes: Any) -> bytes:
    said = {"version": 9, "issued": "2026-01-01T00:00:00Z", "expires": "2099-01-01T00:00:00Z"}
    whole = {
        "revision": small.revision,
        "roots": [""],
        "rego_version": 1,
        "metadata": {"sallyport": {**said, **changes}},
    }
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)


def test_whatever_is_changed_after_signing_is_noticed(small: PolicySet) -> None:
    raw = built(small, 1, ANN)
    rego = next(iter(small.modules))
    other = built(edited_in_memory(small), 1, ANN)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(other))) as archive:
        signatures = archive.extractfile(".signatures.json").read()  # type: ignore[union-attr]
    for changes in (
        {rego: small.modules[rego].encode() + b"\n# more\n"},
        {"more.rego": b"package more\n"},
        {"more.txt": b"x"},
        {rego: None},
        {"data.json": b"{}"},
        {".manifest": manifest(small)},
        {".manifest": None},
        {".signatures.json": signatures},
        {".signatures.json": b'{"signatures":["a.b.c"]}'},
        {".signatures.json": b"[]"},
        {"../escaped.rego": b"package x\n"},
        {"/rooted.rego": b"package x\n"},
    ):
        with pytest.raises(PolicyRejected):
            bundles.read_bundle(repacked(raw, changes), SIGNERS)


def edited_in_memory(small: PolicySet) -> PolicySet:
    return make_set(small.modules, {**small.data, "note": 1})


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04", id="a zip"),
        pytest.param(gzip.compress(b"no tar"), id="no tar"),
        pytest.param(gzip.compress(b"\0" * (32 * 2**20)), id="a bomb"),
    ],
)
def test_what_is_no_bundle_is_refused(raw: bytes) -> None:
    with pytest.raises(PolicyRejected):
        bundles.read_bundle(raw, SIGNERS)


def test_a_bundle_that_is_cut_off_says_so_wherever_it_ends(small: PolicySet) -> None:
    whole = built(small, 1, ANN)
    for end in (0, 1, 9, 10, 11, len(whole) // 2, len(whole) - 9, len(whole) - 8, len(whole) - 1):
        with pytest.raises(PolicyRejected) as caught:
            bundles.read_bundle(whole[:end], SIGNERS)
        assert caught.value.detail == (
            f"the bundle is cut off after {end} bytes: copy it here again, whole"
        )
    with pytest.raises(PolicyRejected, match="something stands behind the bundle's end"):
        bundles.read_bundle(whole + whole[:100], SIGNERS)
    assert bundles.read_bundle(whole, SIGNERS).lease.signers


def test_a_link_in_a_bundle_is_refused(small: PolicySet) -> None:
    packed = io.BytesIO(gzip.decompress(built(small, 1, ANN)))
    with tarfile.open(fileobj=packed, mode="a") as archive:
        link = tarfile.TarInfo("link.rego")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(PolicyRejected, match="plain file"):
        bundles.read_bundle(gzip.compress(packed.getvalue()), SIGNERS)


@pytest.mark.parametrize(
    "said",
    [
        {"version": 0},
        {"version": "9"},
        {"version": True},
        {"expires": "2099-01-01"},
        {"expires": "x"},
        {"issued": None},
    ],
)
def test_a_lease_that_is_malformed_is_refused(small: PolicySet, said: dict[str, Any]) -> None:
    raw = repacked(built(small), {".manifest": manifest(small, **said)})
    with pytest.raises(PolicyRejected, match="version, issued and expires"):
        bundles.read_bundle(raw, SIGNERS)


def test_a_key_is_one_persons_and_the_file_is_strict(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="has the key of ann"):
        signers_of([entry("ann", ANN), entry("bea", ANN)])
    assert load_signers(tmp_path).names == frozenset()
    path = tmp_path / "policy_signers.yaml"
    path.write_text("version: 1\nsigners: [{name: ann, key: {kty: EC}}]\n")
    with pytest.raises(Misconfigured, match="ann"):
        load_signers(tmp_path)


@pytest.mark.opa
def test_opa_reads_it_and_verifies_one_signature(
    opa_program: Path, tmp_path: Path, small: PolicySet
) -> None:
    pem = ANN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "ann.pem").write_bytes(pem)
    good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
    good.write_bytes(built(small, 1, ANN))
    bad.write_bytes(built(small, 1, BEA))

    def verified(file: Path) -> bool:
        # `opa run` reads a bundle, verifies it, and then evaluates what its standard input asks.
        done = subprocess.run(
            [
                *(opa_program, "run", "--format", "json", "--bundle", file),
                *("--verification-key", tmp_path / "ann.pem", "--signing-alg", "ES256"),
                *("--history", tmp_path / "history"),
            ],
            input=b"1 + 1\n",
            capture_output=True,
            check=False,
            timeout=30,
        )
        return done.returncode == 0

    assert verified(good)
    assert not verified(bad)


# -- in a gateway -----------------------------------------------------------------------------


async def start(
    tmp_path: Path, signers: Signers = SIGNERS, two: tuple[str, ...] = (), **more: Any
) -> Policy:
    return await Policy.start(
        folder=tmp_path,
        data_dir=tmp_path / "data",
        self_ori=TEXAS,
        pairwise=pairwise,
        source=BundleSource(tmp_path / bundles.FILE, signers, two),
        **more,
    )


def put(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / bundles.FILE).write_bytes(raw)


async def rejected(policy: Policy, words: str) -> None:
    before = policy.revision
    with pytest.raises(PolicyRejected, match=words) as caught:
        await policy.apply()
    assert policy.revision == before
    # Who signed is for who applies, and not for whoever sees the state.
    shown = policy.status()["rejected"]["reason"]
    assert shown == caught.value.shown
    assert not any(f"{name}'s" in shown for name in ("ann", "bea"))
    await policy.permit_answer(question(), now=NOW)


async def test_only_newer_versions_count_also_after_a_restart(
    tmp_path: Path, small: PolicySet
) -> None:
    one, two = small, edited(tmp_path, "two")
    put(tmp_path, built(one, 3, ANN))
    policy = await start(tmp_path)
    assert policy.status()["bundle"]["version"] == 3
    put(tmp_path, built(two, 5, ANN))
    assert await policy.apply() == two.revision
    older = "is not newer than 5"
    for raw in (built(one, 3, ANN), built(one, 4, ANN), built(one, 5, ANN)):
        put(tmp_path, raw)
        await rejected(policy, older)
    await policy.close()
    # After a restart the older one still does not count, and the last good one goes on.
    again = await start(tmp_path)
    assert again.revision == two.revision
    assert older in again.status()["rejected"]["reason"]
    # The very bundle that counts may be brought again, with a second signature too.
    put(tmp_path, built(two, 5, ANN, BEA))
    await again.apply()
    assert again.status()["bundle"] == {
        "version": 5,
        "signatures": 2,
        "expires": again.status()["bundle"]["expires"],
    }
    # And so may an older set under a newer version: that is how one goes back.
    put(tmp_path, built(one, 6, BEA))
    assert await again.apply() == one.revision
    assert KeptSets(tmp_path / "data").floor() == Floor(6, again._lease.id)  # type: ignore[union-attr]
    await again.close()


async def test_a_bad_bundle_leaves_the_last_good_one_also_after_a_restart(
    tmp_path: Path, small: PolicySet
) -> None:
    put(tmp_path, built(small, 1, ANN))
    policy = await start(tmp_path)
    broken = make_set({**small.modules, "x.rego": "package x\ny := [\n"}, dict(small.data))
    for raw, words in (
        (built(broken, 2, ANN), "expecting"),
        (built(small, 2, EVE), "nobody of policy_signers.yaml signed it"),
        (b"rubbish", "this is no bundle"),
        (built(small, 2, ANN)[:-300], "the bundle is cut off after"),
        (built(small, 2, ANN, expires=AT - timedelta(hours=1)), "it ended at"),
        (built(small, 2, ANN, issued=AT + DAY), "one of the two clocks"),
    ):
        put(tmp_path, raw)
        await rejected(policy, words)
        again = await start(tmp_path)
        assert again.revision == small.revision
        assert again.status()["bundle"]["version"] == 1
        await again.close()
    (tmp_path / bundles.FILE).unlink()
    again = await start(tmp_path)
    assert again.revision == small.revision
    await again.close()
    await policy.close()


async def test_whoever_may_no_longer_sign_takes_the_last_good_one_along(
    tmp_path: Path, small: PolicySet
) -> None:
    put(tmp_path, built(small, 1, ANN))
    await (await start(tmp_path)).close()
    with pytest.raises(PolicyRejected, match="nobody of policy_signers"):
        await start(tmp_path, signers_of([entry("bea", BEA)]))
    # Nor does a kept copy count that somebody changed.
    file = tmp_path / "data" / "policy_sets" / small.digest / "bundle.tar.gz"
    file.write_bytes(built(edited(tmp_path, "two"), 1, ANN))
    (tmp_path / bundles.FILE).unlink()
    with pytest.raises(PolicyRejected):
        await start(tmp_path)


async def test_what_an_edited_folder_brought_does_not_count_where_bundles_must(
    tmp_path: Path, small: PolicySet
) -> None:
    KeptSets(tmp_path / "data").keep(small)
    with pytest.raises(PolicyRejected, match="no such bundle"):
        await start(tmp_path)


class Later:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


async def test_a_stale_bundle_refuses_everything_and_says_so_before_and_after(
    tmp_path: Path, small: PolicySet
) -> None:
    put(tmp_path, built(small, 1, ANN, expires=AT + 20 * DAY))
    policy = await start(tmp_path, warn=7 * DAY)
    policy._clock = clock = Later()  # type: ignore[assignment]
    assert policy.status()["status"] == "ok"
    clock.at = AT + 15 * DAY
    status = policy.status()
    assert (status["status"], status["warning"]) == (
        "degraded",
        "the signed policy bundle ends in 5 days: have a newer one signed and applied",
    )
    await policy.probe()
    clock.at = AT + 20 * DAY
    for decide in (policy.probe(), policy.permit_answer(question(), now=NOW)):
        with pytest.raises(PolicyUnavailable, match="the signed policy bundle ended at"):
            await decide
    assert "has ended" in policy.status()["warning"]
    # A newer one mends it. It came in time, by the machine's own clock.
    put(tmp_path, built(small, 2, ANN))
    await policy.apply()
    await policy.permit_answer(question(), now=NOW)
    assert "warning" not in policy.status()
    await policy.close()


async def test_it_starts_on_a_stale_bundle_that_counted_and_refuses(
    tmp_path: Path, small: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3)
    put(tmp_path, built(small, 1, ANN, expires=soon))
    await (await start(tmp_path)).close()

    class InAWeek(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + 7 * DAY

    for module in ("clock", "sources"):
        monkeypatch.setattr(f"gateway.policy.{module}.datetime", InAWeek)
    policy = await start(tmp_path)
    with pytest.raises(PolicyUnavailable, match="ended at"):
        await policy.permit_answer(question(), now=NOW)
    # One that never counted does not come in at its end.
    put(tmp_path, built(small, 2, ANN, expires=soon))
    with pytest.raises(PolicyRejected, match="it ended at"):
        await policy.apply()
    await policy.close()


def test_the_clock_does_not_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.policy import clock  # noqa: PLC0415 - patched below

    steady = clock.SteadyClock()

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - DAY

    monkeypatch.setattr(clock, "datetime", Yesterday)
    assert steady.now() > AT


# -- the second person ------------------------------------------------------------------------


async def test_a_bundle_that_changes_the_law_needs_two_people(
    tmp_path: Path, small: PolicySet
) -> None:
    put(tmp_path, built(small, 1, ANN, BEA))
    policy = await start(tmp_path, two=("law",))
    local = edited(tmp_path, "note")
    put(tmp_path, built(local, 2, ANN))
    assert await policy.apply() == local.revision, "one person is enough for the rest"
    law = load_set(
        write_set(tmp_path / "law", {"x.rego": "package law.x\n\ny := 1\n", "n/data.yaml": "a: 1"})
    )
    put(tmp_path, built(law, 3, BEA))
    await rejected(policy, "a change of law needs the signatures of two people, and it has bea's")
    put(tmp_path, built(law, 3, BEA, EVE))
    await rejected(policy, "needs the signatures of two people")
    put(tmp_path, built(law, 3, BEA, ANN))
    assert await policy.apply() == law.revision
    await policy.close()


async def test_an_edited_folder_needs_two_people_where_the_law_changes(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "policies", {})

    async def starting(signers: Signers = SIGNERS) -> Policy:
        return await Policy.start(
            folder=folder,
            data_dir=tmp_path / "data",
            self_ori=TEXAS,
            pairwise=pairwise,
            source=FolderSource(folder, signers, ("law", "agreements")),
        )

    with pytest.raises(PolicyRejected, match="a change of law and agreements"):
        await starting()
    for key in (ANN, BEA):
        sign_folder(folder, load_set(folder), key)
    policy = await starting()
    (folder / "note.rego").write_text("package note\n\nx := 1\n")
    await policy.apply()
    # The law, in a file that lies elsewhere.
    (folder / "note.rego").write_text("package law.elsewhere\n\nx := 1\n")
    await rejected(
        policy, "a change of law needs the signatures of two people, and as it is now it has none"
    )
    assert sign_folder(folder, load_set(folder), ANN) == 1, "those under the old text are gone"
    await rejected(policy, "and it has ann's")
    assert sign_folder(folder, load_set(folder), ANN) == 1
    await rejected(policy, "and it has ann's")
    assert sign_folder(folder, load_set(folder), BEA) == 2
    revision = await policy.apply()
    assert revision == load_set(folder).revision
    # Signed, and changed afterwards.
    (folder / "note.rego").write_text("package law.elsewhere\n\nx := 2\n")
    await rejected(policy, "and as it is now it has none")
    assert policy.revision == revision
    (folder / SIGNATURES).unlink()
    await rejected(policy, "and as it is now it has none")
    await policy.close()
    again = await starting()
    assert again.revision == revision
    await again.close()


def test_what_belongs_to_a_part() -> None:
    base = {"a.rego": "package a\n", "law/x.rego": "package law.x\n"}
    before = make_set(base, {"law": {"x": {"n": 1}}, "local": {"n": 1}})

    def parts(modules: dict[str, str], data: dict[str, Any] | None = None) -> tuple[str, ...]:
        given = data if data is not None else dict(before.data)
        return changed_parts(before, make_set({**base, **modules}, given), ("law", "sallyport/law"))

    assert parts({}) == ()
    assert parts({"b.rego": "package b\n"}) == ()
    assert parts({}, {"law": {"x": {"n": 1}}, "local": {"n": 2}}) == ()
    assert parts({}, {"law": {"x": {"n": 2}}, "local": {"n": 1}}) == ("law",)
    assert parts({"law/y.rego": "package other\n"}) == ("law",)
    assert parts({"b.rego": '# c\n\npackage law["y"] # law\n'}) == ("law",)
    core = "sallyport, which counts as law,"
    assert parts({"b.rego": "package sallyport\nlaw.x := 1\n"}) == (core, "sallyport/law")
    # What applies the law counts as law: the doors, the words, and what an agency is.
    assert parts({"sallyport/ask/ask.rego": "package sallyport.ask\n"}) == (core,)
    assert parts({"b.rego": "package sallyport.vocabulary\n"}) == (core,)
    assert parts({}, {**before.data, "sallyport": {"vocabulary": {"purposes": {}}}}) == (core,)
    directory = {**before.data, "agencies": {"TX9990000": {"jurisdiction": "texas"}}}
    assert parts({}, directory) == ("agencies, which counts as law,",)
    changed = make_set({**base, "sallyport/a.rego": "package sallyport.a\n"}, before.data)
    of_a_place = "sallyport, which counts as law/california,"
    assert changed_parts(before, changed, ("law/california",)) == (of_a_place,)
    assert changed_parts(before, changed, ("local", "lawn")) == ()
    # What can't be told plainly belongs to every part.
    assert parts({"b.rego": 'package law [ "y" ]\n'}) == ("law", "sallyport/law")
    assert changed_parts(before, make_set({**base, "b.rego": "package b\n"}, {}), ("*",)) == ("*",)
    assert changed_parts(before, before, ("*", "law")) == ()
    assert changed_parts(None, before, ("law",)) == ("law",)
    assert package_of("import x\npackage a\n") is None
    assert package_of("") is None
