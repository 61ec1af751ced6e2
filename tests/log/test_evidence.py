"""Evidence: what a court is given needs no trust in who made it, is checked by common tools, and every change shows."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import cli, config
from axis.commands import console
from axis.commands import evidence as command
from axis.core import parcel, witnesses
from axis.core.evidence import form
from axis.core.evidence.judge import Anchors, judge
from axis.core.log import checkpoint, note, proof
from axis.core.registry import HUB, HubOnly
from axis.core.retention import Rules
from axis.core.witnesses import policy_of
from axis.errors import Rejected
from axis.home import hub_certificate, open_home, reading_registry, signer_of
from axis.infra import keystore
from axis.services import retention
from axis.services.questions.evidence import build
from tests import line as lines
from tests.line import Line, document, small_home
from tests.log.test_witnesses import begin
from tests.sample import FULL, SEED

if TYPE_CHECKING:
    from click.testing import Result

    from axis.core.evidence.form import Evidence
    from axis.core.parcel import Parcel
    from axis.core.registry import Registry

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_evidence.py"
TOOLS = [tool for tool in ("openssl", "unzip", "xmlsec1") if shutil.which(tool) is None]
# So many in each of so many turns, which the workers of a run share.
TURNS, BUNDLES = (20, 500) if FULL else (1, 60)
pytestmark = pytest.mark.timeout(7200 if FULL else 300)


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("verify_evidence", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OTHERS = "cosignatures.ml-dsa-44"
OTHER = _script()  # the second verifier: none of our packages


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A document to two agencies, all that followed, and another document in the same log."""
    line = small_home(tmp_path_factory.mktemp("evidence") / "home")
    line.drop("G22", document(1, to=("H41", "H29")))
    line.drop("H29", document(2, "H29", to=("G22",)))
    line.run()
    return line


@pytest.fixture(scope="module")
def bundle(kept: Line) -> bytes:
    return make(kept, "1/TN-G22")


@pytest.fixture
def line(kept: Line, tmp_path: Path) -> Line:
    return kept.copy(tmp_path / "home")


def axis(line: Line, *words: str) -> Result:
    return CliRunner().invoke(cli.main, [*words, "--home", str(line.path), "--lang", "en"])


def make(line: Line, reference: str, *words: str) -> bytes:
    target = line.path / "made.asice"
    target.unlink(missing_ok=True)
    done = axis(line, "evidence", reference, "-o", str(target), *words)
    assert done.exit_code == 0, done.output
    return target.read_bytes()


def ours(line: Line, data: bytes, *, strict: bool = False, stamped: Any = None) -> list[tuple[str, str, str]]:
    found = judge(data, Anchors(HubOnly(hub_certificate(open_home(line.path))), stamped=stamped), strict=strict)
    return [(one.name, one.verdict, one.part) for one in found.steps]


def theirs(line: Line, data: bytes, *, strict: bool = False) -> list[tuple[str, str, str]]:
    hub = hub_certificate(open_home(line.path)).der
    return [one[:3] for one in OTHER.Judgement(data, hub, "", strict=strict).steps]


def failed(steps: list[tuple[str, str, str]]) -> set[str]:
    return {name for name, verdict, _ in steps if verdict == "FAILED"}


def opened(data: bytes) -> tuple[Parcel, Evidence]:
    from axis.core.evidence.judge import _Anybody

    found = parcel.verify(data, _Anybody(), parcel.peek_signature(data).signing_time)
    return found, form.read(found.content, found.attachments)


def names(data: bytes) -> list[str]:
    return [one.name for one in opened(data)[1].parts]


@pytest.fixture(scope="module")
def cosigned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Line, bytes]:
    """A bundle about what the witnesses have cosigned with both keys; its home."""
    line = small_home(tmp_path_factory.mktemp("cosigned") / "home")
    line.drop("G22", document(1, to=("H41", "H29")))
    line.run()
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
    return line, make(line, "1/TN-G22")


# -- Good ones ----------------------------------------------------------------------------------------------------------


def test_a_bundle_holds_for_both_verifiers_with_the_hubs_certificate_alone(line: Line, bundle: bytes) -> None:
    steps = ours(line, bundle, strict=True)
    assert steps == theirs(line, bundle, strict=True)
    assert failed(steps) == set()
    assert {"container", "maker", "acceptance", "document", "checkpoint", "proof", "receipt", "logged"} <= {
        name for name, verdict, _ in steps if verdict == "PASSED"
    }
    receipts = [one for one in names(bundle) if one.startswith("receipt.")]
    assert {one.split(".")[1] + "." + one.split(".")[2] for one in receipts} >= {"E.1", "S.1"}
    assert {one.split(".")[3] for one in receipts if ".E.1." in one} == {"H41", "H29"}


def test_the_command_and_the_script_say_so(line: Line, bundle: bytes, tmp_path: Path) -> None:
    path, hub = tmp_path / "e.asice", line.path / "pki" / "hub.pem"
    path.write_bytes(bundle)
    for words in ((), ("--trust", str(hub)), ("--trust", str(line.path / "pki" / "ca.pem"))):
        done = axis(line, "verify", str(path), "--strict", *words)
        assert done.exit_code == 0, done.output
        assert "PASSED" in done.output
    ran = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path), "--hub", str(hub), "--strict"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    path.write_bytes(bundle[:-30] + b"x" + bundle[-29:])
    assert axis(line, "verify", str(path)).exit_code == 3
    assert axis(line, "evidence", "1/TN-G22", "-o", str(path)).exit_code == 2, "nothing is overwritten"


def test_each_language_writes_times_as_it_does_everywhere(
    line: Line, bundle: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.asice"
    path.write_bytes(bundle)
    iso, ours = re.compile(r"\b2026-\d\d-\d\d\b"), re.compile(r"\b\d\d/\d\d/2026 \d\d:\d\d:\d\d \+07:00")
    for lang, wanted, other in (("vi", ours, iso), ("en", iso, ours)):
        monkeypatch.setattr(console, "LANG", lang)
        said = axis(line, "verify", str(path)).output
        for shown in (said, part(bundle, f"page.{lang}.html").decode()):
            assert len(wanted.findall(shown)) > 5
            assert not other.search(shown)


def test_the_page_needs_nothing_else_and_says_what_a_signature_does_not_prove(bundle: bytes) -> None:
    found, said = opened(bundle)
    pages = dict(zip((one.name for one in said.parts), found.attachments, strict=True))
    for name, words in (("page.vi.html", "Không chứng minh"), ("page.en.html", "Not who in the agency")):
        text = bytes(pages[name]).decode()
        assert words in text
        assert "<svg" in text
        assert said.digest in text
        assert "default-src 'none'" in text
        assert not any(one in text for one in ("<script", " src=", "href=", "url("))


def test_witnesses_that_have_cosigned_the_checkpoint_count_by_the_policy_that_came_with_it(
    line: Line, bundle: bytes
) -> None:
    assert ("witnessed", "MISSING", "checkpoint") in ours(line, bundle)
    registry = _registry(line)
    found, _ = checkpoint.opened(part(bundle, "checkpoint"), policy_of(registry).log)  # type: ignore[union-attr]
    signed = []
    for code in lines.CODES:
        held = keystore.load_witness_keys(line.path / "keys", code)[note.ED25519_COSIGNATURE]
        key = witnesses.named(registry.installation, code, held.public_key().public_bytes_raw())
        signed.append(checkpoint.signed(found, key, held, 1_800_000_000))
    for count in (0, 2, 3, 5):
        head = note.read(part(bundle, "checkpoint")).with_signatures(signed[:count]).data
        data = altered(line, bundle, {"checkpoint": head})
        verdict = "PASSED" if count > 2 else "MISSING"
        assert ours(line, data) == theirs(line, data)
        assert ("witnessed", verdict, "checkpoint") in ours(line, data)
    false = replace(signed[0], value=signed[1].value)
    data = altered(line, bundle, {"checkpoint": note.read(head).with_signatures([false]).data})
    assert failed(ours(line, data)) == failed(theirs(line, data)) == {"witnessed"}
    loose = "\n".join(
        f"group agencies 1 {row.split(' ', 3)[3]}" if row.startswith("group") else row
        for row in part(bundle, "log.policy").decode().split("\n")
    )
    data = altered(line, bundle, {"log.policy": loose.encode()})
    assert failed(ours(line, data)) == failed(theirs(line, data)) == {"witnessed"}, "quorums that need not meet"
    policy = part(bundle, "log.policy")
    for other in (policy.replace(b"agencies 3", b"agencies 4"), policy.replace(b"witness H41", b"witness H42", 1)):
        assert other != policy
        data = altered(line, bundle, {"log.policy": other})
        assert failed(ours(line, data)) == failed(theirs(line, data)) == {"witnessed"}, "no registry has it"


def test_a_part_that_nobody_would_look_at_is_refused(line: Line, bundle: bytes) -> None:
    """Whatever stands in evidence is looked at, or it says what nobody has checked."""
    for change in ({"checkpoint": b"", "log.policy": b"log x\n"}, {"checkpoint": b""}):
        data = altered(line, bundle, change)
        assert failed(ours(line, data)) == failed(theirs(line, data)) == {"container"}
    assert failed(ours(line, altered(line, bundle, {"checkpoint": b"", "log.policy": b""}))) == set()


def _registry(line: Line) -> Registry:
    with reading_registry(open_home(line.path)) as registry:
        return registry


def test_an_agency_makes_evidence_of_what_it_has(line: Line) -> None:
    line.configure(installation=config.load(line.path).installation._replace(role="agency", agencies=("G22", "H41")))
    assert axis(line, "evidence", "1/TN-G22", "-o", str(line.path / "x")).exit_code == 2
    for code, has in (("G22", {"E.1", "S.1"}), ("H41", {"E.1"})):
        data = make(line, "1/TN-G22", "--as", code)
        assert opened(data)[1].maker == code
        assert has <= {".".join(one.split(".")[1:3]) for one in names(data) if one.startswith("receipt.")}
        for strict in (False, True):
            steps = ours(line, data, strict=strict)
            assert steps == theirs(line, data, strict=strict)
            assert failed(steps) == ({"logged"} if strict else set())


# -- With common tools --------------------------------------------------------------------------------------------------


def follow(line: Line, data: bytes, folder: Path) -> tuple[int, str]:
    """VERIFY.txt as it stands in the bundle, its commands in their order, literally."""
    if TOOLS:
        pytest.skip(f"*** NOT TESTED with {', '.join(TOOLS)}: not installed ***")
    folder.mkdir()
    (folder / "evidence.asice").write_bytes(data)
    (folder / "hub.pem").write_bytes((line.path / "pki" / "hub.pem").read_bytes())
    found, said = opened(data)
    (text,) = [
        bytes(content).decode()
        for one, content in zip(said.parts, found.attachments, strict=True)
        if one.name == "VERIFY.txt"
    ]
    commands = "".join(f"{row[4:]}\n" for row in text.splitlines() if row.startswith("    "))
    ran = subprocess.run(["sh"], input=commands, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return ran.returncode, ran.stdout + ran.stderr


def test_verify_txt_followed_literally_ends_well(line: Line, bundle: bytes, tmp_path: Path) -> None:
    code, said = follow(line, bundle, tmp_path / "v")
    assert (code, said.splitlines()[-1]) == (0, "ALL GOOD"), said


def altered(line: Line, data: bytes, change: dict[str, bytes]) -> bytes:
    """The same with other contents of these parts, signed again by its maker, who has the hub's key."""
    found, said = opened(data)
    contents = [
        change.get(one.name, bytes(content)) for one, content in zip(said.parts, found.attachments, strict=True)
    ]
    kept = [(one, content) for one, content in zip(said.parts, contents, strict=True) if content]
    signer = signer_of(open_home(line.path), HUB)
    parts = tuple(one for one, _ in kept)
    return build(replace(said, parts=parts), [content for _, content in kept], signer)


def part(data: bytes, name: str) -> bytes:
    found, said = opened(data)
    return next(bytes(c) for one, c in zip(said.parts, found.attachments, strict=True) if one.name == name)


def test_what_the_witnesses_have_cosigned_with_both_keys_is_in_it_and_checked(cosigned: tuple[Line, bytes]) -> None:
    line, bundle = cosigned
    steps = ours(line, bundle, strict=True)
    assert steps == theirs(line, bundle, strict=True)
    assert ("witnessed", "PASSED", "checkpoint") in steps
    lines_of = part(bundle, OTHERS)
    assert lines_of.count(b"\n") == len(lines.CODES)
    judged = judge(bundle, Anchors(HubOnly(hub_certificate(open_home(line.path)))))
    (facts,) = (one.facts for one in judged.steps if one.name == "witnessed")
    assert facts == {"by": ", ".join(sorted(lines.CODES)), "others": str(len(lines.CODES))}
    without = altered(line, bundle, {OTHERS: b""})  # one that says less is a good one
    assert failed(ours(line, without)) == failed(theirs(line, without)) == set()


def test_every_change_of_the_other_signatures_is_noticed_by_both(cosigned: tuple[Line, bytes]) -> None:
    line, bundle = cosigned
    good = part(bundle, OTHERS)
    rows, chance = good.splitlines(keepends=True), random.Random(SEED)
    registry = _registry(line)
    head, _ = checkpoint.opened(part(bundle, "checkpoint"), policy_of(registry).log)  # type: ignore[union-attr]
    stranger = keystore.mldsa.MLDSA44PrivateKey.generate()
    key = witnesses.named(
        registry.installation, "H41", stranger.public_key().public_bytes_raw(), note.ML_DSA_44_COSIGNATURE
    )
    wrong = [
        good + rows[0],  # twice
        good[:-1],
        good + b"\n",
        good.replace(b"axis/", b"axis:", 1),
        good.replace("\N{EM DASH}".encode(), "\N{EN DASH}".encode(), 1),
        good.replace("\N{EM DASH}".encode(), b"-", 1),
        rows[0] + checkpoint.signed(head, key, stranger, 1).line.encode(),
        part(bundle, "checkpoint").partition(b"\n\n")[2],  # the log's, and those of the first keys
        b"\xff",
    ]
    for place in sorted(chance.sample(range(len(good)), 400 if FULL else 40)):
        other = bytes([good[place] ^ (1 << chance.randrange(8))])
        if other != good[place : place + 1]:
            wrong.append(good[:place] + other + good[place + 1 :])
    for content in wrong:
        data = altered(line, bundle, {OTHERS: content})
        assert failed(ours(line, data)) == failed(theirs(line, data)) == {"witnessed"}, content[:80]
    alone = altered(line, bundle, {"log.policy": b""})
    assert failed(ours(line, alone)) == failed(theirs(line, alone)) == {"container"}, "nobody says whose they are"


def test_verify_txt_stops_at_what_is_wrong(line: Line, bundle: bytes, tmp_path: Path) -> None:
    proofs = [one for one in names(bundle) if one.endswith(".tlog-proof")]
    receipt = next(one for one in names(bundle) if ".E.1." in one)
    index = part(bundle, proofs[0]).replace(b"index ", b"index 1", 1)
    head = part(bundle, "checkpoint")
    for number, change in enumerate(
        (
            {proofs[0]: index},
            {"checkpoint": head[:-10] + (b"A" if head[-10:-9] != b"A" else b"B") + head[-9:]},
            {receipt: part(make(line, "2/TN-H29"), "accepted.A.1.asice")},
            {"document.asice": part(make(line, "2/TN-H29"), "document.asice")},
        )
    ):
        code, said = follow(line, altered(line, bundle, change), tmp_path / str(number))
        assert code != 0, said
        assert "ALL GOOD" not in said


@pytest.fixture
def then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    """An axis of years ago: every certificate of it ended long before this machine's today."""
    past = datetime(2009, 3, 12, 3, tzinfo=UTC)
    monkeypatch.setattr(lines, "Clock", type("Past", (lines.Clock,), {"__init__": lambda s: setattr(s, "now", past)}))
    monkeypatch.setattr(command, "now", lambda: past + timedelta(days=1))
    lines._template.cache_clear()
    try:
        line = small_home(tmp_path / "home")
    finally:
        lines._template.cache_clear()
    line.drop("G22", document(1, issued="2009/03/12"))
    line.run()
    return line


def test_a_bundle_of_seven_years_ago_and_more_is_checked_when_every_certificate_in_it_has_ended(
    then: Line, tmp_path: Path
) -> None:
    data = make(then, "1/TN-G22")
    hub = hub_certificate(open_home(then.path)).x509
    assert hub.not_valid_after_utc < datetime.now(UTC) - timedelta(days=365)
    assert failed(ours(then, data, strict=True)) == set()
    assert ours(then, data, strict=True) == theirs(then, data, strict=True)
    code, said = follow(then, data, tmp_path / "v")
    assert (code, said.splitlines()[-1]) == (0, "ALL GOOD"), said
    path = tmp_path / "e.asice"
    path.write_bytes(data)
    assert axis(then, "verify", str(path), "--strict").exit_code == 0


# -- What was changed ---------------------------------------------------------------------------------------------------


def test_each_byte_changed_in_turn_is_noticed_by_both(line: Line, bundle: bytes) -> None:
    """A sample here, around every structure; `make sweep` tries all."""
    places = range(len(bundle)) if FULL else sorted(random.Random(SEED).sample(range(len(bundle)), 250))
    hub = HubOnly(hub_certificate(open_home(line.path)))
    for at in places:
        changed = bytearray(bundle)
        changed[at] ^= 1 << random.Random(at + SEED).randrange(8)
        assert not judge(bytes(changed), Anchors(hub)).is_good, at
        assert not OTHER.Judgement(bytes(changed), hub.hub.der, "", strict=False).is_good, at
    for cut in (bundle[:-1], bundle + b"\0", bundle[1:], b"", bundle[: len(bundle) // 2]):
        assert failed(ours(line, cut)) == failed(theirs(line, cut)) == {"container"}


def _mutations(bundle: bytes, other: bytes, rng: random.Random) -> dict[str, bytes]:
    """What somebody with the hub's own key might put into a bundle: something is missing, another's, or altered."""
    change: dict[str, bytes] = {}
    held, foreign = [n for n in names(bundle) if not n.startswith(("page", "VERIFY"))], names(other)
    for name in rng.sample(held, rng.choice((0, 1, 1, 1, 2, 3))):
        data = part(bundle, name)
        match rng.randrange(5):
            case 0:
                change[name] = b"" if name != "accepted.A.1.asice" else data[:-1]
            case 1:
                at = rng.randrange(len(data))
                change[name] = data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]
            case 2:
                change[name] = part(other, rng.choice(foreign))
            case 3:
                change[name] = part(bundle, rng.choice(held))
            case _:
                change[name] = data[: rng.randrange(1, len(data))]
    return change


@pytest.mark.parametrize("turn", range(TURNS))
def test_both_verifiers_agree_on_every_bundle_whatever_its_maker_has_put_into_it(
    line: Line, bundle: bytes, turn: int
) -> None:
    other, rng, good = make(line, "2/TN-H29"), random.Random(SEED * TURNS + turn), 0
    hub = HubOnly(hub_certificate(open_home(line.path)))
    for number in range(BUNDLES):
        change = _mutations(bundle, other, rng)
        data, strict = altered(line, bundle, change), bool(number % 2)
        found = judge(data, Anchors(hub), strict=strict)
        mine = [(one.name, one.verdict, one.part) for one in found.steps]
        yours = [one[:3] for one in OTHER.Judgement(data, hub.hub.der, "", strict=strict).steps]
        assert mine == yours, (number, change.keys())
        own = [
            b"",
            *(part(bundle, name) for name in names(bundle)),
        ]  # what is missing, there twice, or lacks its last line end
        is_touched = any(content not in own and content + b"\n" not in own for content in change.values())
        assert not (is_touched and found.is_good), (number, change)
        good += found.is_good
    assert 0 < good < BUNDLES


def test_a_receipt_without_its_proof_is_refused_in_strict_mode_only(line: Line, bundle: bytes) -> None:
    for name in [one for one in names(bundle) if one.endswith(".tlog-proof")]:
        quoted = proof.read(part(bundle, name)).extra or b""
        data = altered(line, bundle, {name: b""})
        assert failed(ours(line, data)) == failed(theirs(line, data)) == set()
        wanted = set() if b'"delivery.handed_over"' in quoted else {"logged"}
        assert failed(ours(line, data, strict=True)) == failed(theirs(line, data, strict=True)) == wanted


def test_an_entry_that_is_not_in_the_log_and_a_checkpoint_of_another_key_are_noticed(line: Line, bundle: bytes) -> None:
    name = next(one for one in names(bundle) if one.endswith(".tlog-proof"))
    found = proof.read(part(bundle, name))
    text = (found.extra or b"").replace(b'"sender":"G22"', b'"sender":"G06"')
    data = altered(line, bundle, {name: replace(found, extra=text).data})
    assert failed(ours(line, data)) == failed(theirs(line, data)) == {"proof"}
    elsewhere = small_home(line.path.parent / "other", ("G22", "H41"))  # other agencies: made anew, with other keys
    elsewhere.drop("G22", document(7))
    elsewhere.run()
    foreign = make(elsewhere, "7/TN-G22")
    data = altered(line, bundle, {one: part(foreign, one) for one in ("log.vkey", "checkpoint")})
    assert failed(ours(line, data)) == failed(theirs(line, data)) >= {"proof"}
    path = line.path / "e.asice"
    path.write_bytes(data)
    assert axis(line, "verify", str(path)).exit_code == 3, "the home knows the log's key"


# -- As of --------------------------------------------------------------------------------------------------------------


def test_what_was_good_when_the_hub_accepted_it_is_good_after_its_key_was_revoked(line: Line) -> None:
    with reading_registry(open_home(line.path)) as registry:
        held = registry.by_code["H41"].certificates[0].digest
    done = axis(line, "agency", "revoke", "H41", "--certificate", held[:16])
    assert done.exit_code == 0, done.output
    data = make(line, "1/TN-G22")
    assert len([one for one in names(data) if one.startswith("registry-")]) == 2
    assert failed(ours(line, data, strict=True)) == set()
    assert ours(line, data, strict=True) == theirs(line, data, strict=True)


def test_bytes_that_have_ended_leave_an_entry_and_what_was_proved_goes_on_being_proved(line: Line) -> None:
    """Unless somebody holds them."""
    line.clock.now += timedelta(days=100)
    assert axis(line, "retention", "hold", "2/TN-H29", "--reason", "court").exit_code == 0
    with line.parts() as (hub, _):
        for _ in islice(retention.Retention(Rules(parcels=90), hub, ()).run(line.clock(), "2027-03-04"), 1000):
            pass
    line.run()
    data = make(line, "1/TN-G22")
    assert "document.asice" not in names(data)
    steps = ours(line, data, strict=True)
    assert failed(steps) == set()
    assert steps == theirs(line, data, strict=True)
    assert ("document", "MISSING", "") in steps
    path = line.path / "e.asice"
    path.write_bytes(data)
    assert "ended by retention" in axis(line, "verify", str(path), "--strict").output
    assert "document.asice" in names(make(line, "2/TN-H29")), "it was held"
    said = json.loads(axis(line, "audit", "verify", "--json").output)
    assert said["entries"] == said["logged"]


def test_what_is_no_evidence_is_refused_with_its_code(line: Line, bundle: bytes) -> None:
    found, said = opened(bundle)
    for bad in (
        found.content.replace(b'kind="proof"', b'kind="other"', 1),
        found.content.replace(b'kind="proof"', b'kind="log"', 1),
        found.content.replace(b"  <part", b" <part", 1),
        form.text(replace(said, parts=said.parts[:-1])),
    ):
        with pytest.raises(Rejected):
            form.read(bad, found.attachments)
