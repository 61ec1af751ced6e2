"""A third party's time on the log's checkpoints: `openssl ts` is the authority, and nobody waits for it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from axis import config
from axis.core import ledger
from axis.core.evidence import form
from axis.errors import AxisError, Fault
from axis.infra import timestamps
from axis.infra.log import stamps
from axis.services.hub import stamps as service
from tests.line import Line, document, small_home
from tests.log.test_evidence import OTHER, altered, axis, failed, follow, make, opened, ours, part, theirs
from tests.sample import SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.services.hub.worker import Hub

CONFIG = """
[tsa]
default_tsa = one
[one]
dir = .
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamping service; `answer`: what it says instead of a good reply; `count` times asked."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("*** NOT TESTED with openssl: not installed ***")
        self.folder, self.answer, self.count = folder, b"", 0
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self.openssl(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=TSA root", "-days", "3650")
        self.openssl(*new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=TSA of a test")
        signed = ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        self.openssl(*signed, "-out", "own.pem", "-days", "3000", "-extfile", "ext")
        self.pem = (folder / "own.pem").read_bytes() + (folder / "ca.pem").read_bytes()

    def openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def reply(self, question: bytes) -> bytes:
        (self.folder / "q").write_bytes(question)
        self.openssl(
            *("ts", "-reply", "-queryfile", "q", "-signer", "own.pem", "-inkey", "tsa.key"),
            *("-config", "tsa.cnf", "-out", "r"),
        )
        return (self.folder / "r").read_bytes()

    @contextmanager
    def serve(self) -> Iterator[str]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = self.rfile.read(int(self.headers["Content-Length"]))
                authority.count += 1
                reply = authority.answer or authority.reply(question)
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tsa")


@pytest.fixture
def line(tmp_path: Path) -> Line:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    return line


def wanted(line: Line, url: str, authority: Authority) -> None:
    (line.path / "pki" / "tsa.pem").write_bytes(authority.pem)
    line.configure(timestamps=config.Timestamps(url, hours=24))


def ask(hub: Hub, line: Line) -> int:
    """Once, until what was asked is answered."""
    assert service.step(hub, line.clock()) == 0, "nobody waits"
    if hub.stamping is None or hub.stamping.asked is None:
        return 0
    hub.stamping.asked[1].exception(timeout=30)
    return service.step(hub, line.clock())


def stamp(line: Line, authority: Authority) -> None:
    """The newest checkpoint gets a time-stamp of this service."""
    with authority.serve() as url:
        wanted(line, url, authority)
        with line.parts() as (hub, _):
            assert ask(hub, line) == 1
        line.run()


def test_a_checkpoint_is_stamped_its_reply_bound_by_the_log_and_the_evidence_has_it(
    line: Line, authority: Authority, tmp_path: Path
) -> None:
    with authority.serve() as url:
        wanted(line, url, authority)
        with line.parts() as (hub, _):
            assert ask(hub, line) == 1
            assert ask(hub, line) == 0, "once in 24 hours"
        line.run()
    assert authority.count == 1
    with line.parts() as (hub, _), hub.store.reading() as reader:
        stamp = stamps.last(reader.connection)
        assert stamp is not None
        entries = [
            ledger.read(row.canonical)
            for row in reader.connection.exec_driver_sql("SELECT canonical FROM ledger WHERE position IS NOT NULL")
        ]
    (said,) = [one for one in entries if one.event == "log.stamped"]
    assert said.detail["reply"] == hashlib.sha256(stamp.reply).hexdigest()
    data = make(line, "1/TN-G22")
    assert part(data, "checkpoint.tsr") == stamp.reply
    found = [one for one in ours(line, data, stamped=timestamps.stamped) if one[0] == "timestamp"]
    assert found == [("timestamp", "PASSED", "checkpoint.tsr")]
    assert theirs(line, data, strict=True) == ours(line, data, strict=True, stamped=timestamps.stamped)
    path = tmp_path / "e.asice"
    path.write_bytes(data)
    assert "the checkpoint was there at" in axis(line, "verify", str(path), "--strict").output
    code, output = follow(line, data, tmp_path / "v")
    assert (code, output.splitlines()[-1]) == (0, "ALL GOOD"), output


def said(verify: Callable[[], object]) -> str:
    """What a verifier says: the time; the code, or "no"."""
    try:
        return str(verify())
    except AxisError as error:
        return error.fault.code
    except (OTHER.Bad, ValueError, KeyError, IndexError, TypeError, AttributeError):  # as the script's steps do
        return "no"


def test_a_changed_reply_is_refused_with_its_code_or_says_the_same_time_to_both(authority: Authority) -> None:
    """What nobody has signed, and changes nothing of what it says, may be another: the version of the form, say."""
    data = b"a checkpoint"
    reply = authority.reply(timestamps.question(data))
    at, by = timestamps.stamped(reply, data, [authority.pem])
    assert by == "CN=TSA of a test"
    assert OTHER.stamped(reply, data, [("tsa.pem", authority.pem)]) == (at, by)
    for place in range(SEED % 3, len(reply), 3):
        changed = reply[:place] + bytes((reply[place] ^ 1 << (SEED + place) % 8,)) + reply[place + 1 :]
        mine = said(lambda changed=changed: timestamps.stamped(changed, data, [authority.pem])[0].isoformat())  # type: ignore[misc]
        yours = said(lambda changed=changed: OTHER.stamped(changed, data, [("tsa.pem", authority.pem)])[0].isoformat())  # type: ignore[misc]
        assert mine == at.isoformat() or mine.startswith("TSA_"), place
        assert mine == yours or (mine.startswith("TSA_") and yours == "no"), (place, mine, yours)
    for bad, fault in (
        (b"", Fault.TSA_REPLY_MALFORMED),
        (b"no reply", Fault.TSA_REPLY_MALFORMED),
        (reply[:-1], Fault.TSA_REPLY_MALFORMED),
        (reply + b"\0", Fault.TSA_REPLY_MALFORMED),
        (b"x" * (timestamps.MAX_REPLY + 1), Fault.TSA_REPLY_MALFORMED),
    ):
        with pytest.raises(AxisError) as caught:
            timestamps.stamped(bad, data, [authority.pem])
        assert caught.value.fault is fault
    with pytest.raises(AxisError) as caught:
        timestamps.stamped(reply, b"another checkpoint", [authority.pem])
    assert caught.value.fault is Fault.TSA_REPLY_DIFFERS


def test_a_reply_of_another_authority_counts_for_nobody(line: Line, authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    data = b"a checkpoint"
    reply = other.reply(timestamps.question(data))
    for pem in (authority.pem, (authority.folder / "ca.pem").read_bytes(), (other.folder / "ca.pem").read_bytes()):
        with pytest.raises(AxisError) as caught:
            timestamps.stamped(reply, data, [pem])
        assert caught.value.fault is Fault.TSA_REPLY_DIFFERS


def test_documents_go_on_while_the_service_is_away_or_talks_nonsense_and_doctor_names_the_debt(
    line: Line, authority: Authority
) -> None:
    with authority.serve() as url:
        wanted(line, url, authority)
        authority.answer = b"<html>under construction</html>"
        with line.parts() as (hub, _):
            assert ask(hub, line) == 0
            assert ask(hub, line) == 0, "not asked again at once"
            assert authority.count == 1
            line.drop("G22", document(2))
        line.run()
        assert set(line.states("2/TN-G22").values()) == {"HANDED_OVER"}
        assert "[timestamps]" in axis(line, "doctor").output
        authority.answer = b""
        line.clock.now += timedelta(hours=7)
        with line.parts() as (hub, _):
            assert ask(hub, line) == 1
    line.configure(timestamps=config.load(line.path).timestamps._replace(url="http://127.0.0.1:1/"))
    line.clock.now += timedelta(hours=25)
    line.drop("G22", document(3))
    line.run()
    with line.parts() as (hub, _):
        assert ask(hub, line) == 0
    assert failed(ours(line, make(line, "3/TN-G22"))) == set()


def test_settings_that_cannot_be_used_are_named_at_the_start(line: Line, authority: Authority) -> None:
    for given in (
        config.Timestamps("ftp://tsa.example/"),
        config.Timestamps("http://tsa.example/", "pki/none.pem"),
        config.Timestamps("http://tsa.example/", "axis.toml"),
    ):
        line.configure(timestamps=given)
        with pytest.raises(AxisError), line.parts():
            pass


def test_a_false_time_stamp_in_a_bundle_is_refused_by_all(line: Line, authority: Authority, tmp_path: Path) -> None:
    with authority.serve() as url:
        wanted(line, url, authority)
        with line.parts() as (hub, _):
            assert ask(hub, line) == 1
    data = make(line, "1/TN-G22")
    foreign = authority.reply(timestamps.question(b"something else"))
    other = Authority(tmp_path / "other")
    for number, change in enumerate(({"checkpoint.tsr": foreign}, {"tsa.pem": other.pem})):
        bad = altered(line, data, change)
        assert failed(ours(line, bad, stamped=timestamps.stamped)) == failed(theirs(line, bad)) == {"timestamp"}
        assert follow(line, bad, tmp_path / str(number))[0] != 0


def test_a_time_stamp_is_renewed_by_the_next_one_which_the_log_binds_to_it(
    line: Line, authority: Authority, tmp_path: Path
) -> None:
    """The first one's service is there no more, and its algorithms may be broken: the log had its digest before a later
    time-stamp was on the log."""
    stamp(line, authority)
    once = make(line, "1/TN-G22")
    assert "renewed.tsr" not in [one.name for one in opened(once)[1].parts], "nothing renews it yet"
    later = Authority(tmp_path / "tsa-later")
    line.clock.now += timedelta(hours=25)
    line.drop("G22", document(2), "b.edxml")
    line.run()
    stamp(line, later)
    data = make(line, "1/TN-G22")
    steps = ours(line, data, strict=True, stamped=timestamps.stamped)
    assert steps == theirs(line, data, strict=True)
    assert failed(steps) == set()
    assert ("renewal", "PASSED", "renewed.tsr") in steps
    assert part(data, "tsa.pem") == authority.pem
    assert part(data, "tsa-now.pem") == later.pem
    path = tmp_path / "e.asice"
    path.write_bytes(data)
    assert "that time-stamp was there at" in axis(line, "verify", str(path), "--strict").output
    code, output = follow(line, data, tmp_path / "v")
    assert (code, output.splitlines()[-1]) == (0, "ALL GOOD"), output
    assert "that time-stamp was there at" in output

    entries = [one for one in opened(data)[1].parts if one.kind == form.PROOF]
    wrong: list[tuple[dict[str, bytes], str]] = [
        ({"renewed.tsr": part(data, "checkpoint.tsr")}, "renewal"),  # on another checkpoint
        ({"renewed.tlog-proof": part(data, entries[0].name)}, "renewal"),  # of an entry that binds nothing
        ({"renewed.tlog-proof": part(data, "renewed.tlog-proof").replace(b"index ", b"index 1", 1)}, "renewal"),
        ({"tsa-now.pem": authority.pem}, "renewal"),  # by a service that nobody names
        ({"renewed.tsr": b""}, "container"),  # a proof of nothing
        ({"renewed.tlog-proof": b""}, "container"),
    ]
    with later.serve() as url:  # another good reply on the first checkpoint: the log does not have it
        other = timestamps.Service(url, later.pem).ask(part(data, "checkpoint"))
    wrong.append(({"checkpoint.tsr": other, "tsa.pem": later.pem, "tsa-now.pem": later.pem}, "renewal"))
    for change, step in wrong:
        made = altered(line, data, change)
        assert failed(ours(line, made, stamped=timestamps.stamped)) == failed(theirs(line, made)) == {step}, (
            change.keys()
        )
    code, output = follow(line, altered(line, data, wrong[0][0]), tmp_path / "w")
    assert code != 0, output
