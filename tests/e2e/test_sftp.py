"""SFTP: the folder adapter's folders on a real OpenSSH server, with every promise of the contract; and a document that
enters by any of the four ways reaches an agency on each of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest

from axis import bootstrap, config, fronts
from axis.adapters import sftp as sftp_module
from axis.adapters import systems
from axis.adapters.base import Guarded, LocalFile, Place
from axis.adapters.client import Client
from axis.adapters.conformance import CHECKS, name_of
from axis.adapters.folder import FOLDERS
from axis.adapters.readable import WHY
from axis.adapters.sftp import SftpAdapter
from axis.adapters.tokens import create_token
from axis.core import edxml
from axis.core.readable import Readable
from axis.errors import Misconfigured, Unavailable
from tests.line import document, rest, small_home
from tests.vxp_client import SdkClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers import OpenSsh


def options(server: OpenSsh, root: Path, **more: Any) -> dict[str, Any]:
    return {
        "settle_seconds": 0,
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "root": str(root),
        "key_file": str(server.folder / "client"),
        "host_key": server.host_key,
        **more,
    }


class DropBox:
    """An agency's system at the other end: it works on the server's own disk."""

    def __init__(self, root: Path, server: OpenSsh) -> None:
        self._root = root
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        self.adapter = SftpAdapter(Place("H41", root, options(server, root)))

    def send(self, packet: bytes, name: str) -> None:
        (self._root / "outbox" / ".new").write_bytes(packet)
        (self._root / "outbox" / ".new").rename(self._root / "outbox" / f"{name}.edxml")

    def mail(self) -> dict[str, bytes]:
        found = (self._root / "inbox").glob("*.edxml")
        return {path.name: path.read_bytes() for path in found if not path.name.startswith(".")}

    def take(self, name: str) -> None:
        (self._root / "inbox" / name).unlink()

    def told(self, name: str) -> str:
        if (self._root / "sent" / f"{name}.edxml").exists():
            return "accepted"
        return "refused" if (self._root / "failed" / f"{name}.edxml.error.json").exists() else ""


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_it_keeps_its_promise(check: Callable[[Callable[[], Any]], None], openssh: OpenSsh, tmp_path: Path) -> None:
    check(lambda: DropBox(tmp_path / "agency", openssh))


@pytest.mark.timeout(60)
def test_what_others_put_into_the_folders_keeps_nothing_back_and_is_not_written_through(
    openssh: OpenSsh, tmp_path: Path
) -> None:
    root = tmp_path / "agency"
    box = DropBox(root, openssh)
    for name in ("a", "b", "c", "d"):
        box.send(name.encode(), name)
    sources = box.adapter.collect()
    assert next(sources).ref == "a.edxml"
    for name in ("b", "c"):
        (root / "outbox" / f"{name}.edxml").unlink()
    os.mkfifo(root / "outbox" / "b.edxml")
    (root / "outbox" / "c.edxml").symlink_to(root / "outbox" / "a.edxml")
    assert [source.ref for source in sources] == ["d.edxml"]
    (root / "precious").write_bytes(b"precious")
    os.mkfifo(root / "inbox" / ".x.edxml.axis-tmp")
    os.link(root / "precious", root / "inbox" / ".y.edxml.axis-tmp")
    files = [LocalFile("inbox", "x.edxml", b"x"), LocalFile("inbox", "y.edxml", b"y")]
    box.adapter.prepare(files)
    box.adapter.complete([(file.folder, file.name) for file in files])
    assert box.mail() == {"x.edxml": b"x", "y.edxml": b"y"}
    assert (root / "precious").read_bytes() == b"precious"


def test_a_link_in_the_place_of_the_days_folder_leads_nowhere(openssh: OpenSsh, tmp_path: Path) -> None:
    root = tmp_path / "agency"
    DropBox(root, openssh)
    adapter = SftpAdapter(Place("H41", root, options(openssh, root, by_day=True)))
    adapter.prepare([LocalFile("inbox", "x.edxml", b"document")])
    adapter.complete([("inbox", "x.edxml")])
    (day,) = (root / "inbox").iterdir()
    shutil.rmtree(day)
    day.symlink_to(root / "sent")
    adapter.prepare([LocalFile("inbox", "y.edxml", b"document")])
    with pytest.raises(OSError):
        adapter.complete([("inbox", "y.edxml")])
    assert list((root / "sent").iterdir()) == []


def test_readable_copies_and_why_a_file_is_not_taken_lie_on_the_server(openssh: OpenSsh, tmp_path: Path) -> None:
    root = tmp_path / "agency"
    DropBox(root, openssh)
    adapter = SftpAdapter(Place("H41", root, options(openssh, root, readable=True)))
    (root / "outbox" / "Công văn.pdf").write_bytes(b"x")
    assert list(adapter.collect()) == []
    adapter.explain()
    assert {one.name for one in (root / "outbox").iterdir()} == {"Công văn.pdf", f"Công văn.pdf{WHY}"}
    assert adapter.copies is not None
    for name, identifier in (("2026 A", "1"), ("2026 A", "2"), ("2026 A", "2")):
        copy = Readable(identifier, (name, f"{name} {identifier}"), (("a.pdf", "1.pdf", b"x"), (identifier, "2", b"y")))
        adapter.copies.prepare(copy)
        adapter.copies.show(copy)
    adapter.copies.marked("7 abc")
    assert sorted(one.name for one in (root / "inbox").iterdir()) == ["2026 A", "2026 A 2"]
    assert adapter.copies.mark() == "7 abc"


def test_a_server_that_does_not_answer_is_not_waited_for_by_each_question(
    openssh: OpenSsh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp_module, "CONNECT", 0.5)
    monkeypatch.setattr(sftp_module, "SLOW", 0.2)
    monkeypatch.setattr(sftp_module, "REST", 1000)
    asked = 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        silent_options = options(openssh, tmp_path, port=silent.getsockname()[1])
        adapter = SftpAdapter(Place("H41", tmp_path, silent_options))
        for _ in range(50):
            with pytest.raises(Unavailable):
                list(adapter.collect())
        try:
            while silent.accept():
                asked += 1
        except BlockingIOError:
            pass
    assert asked == 1


def test_a_server_that_goes_away_and_comes_back_loses_and_doubles_nothing(openssh: OpenSsh, tmp_path: Path) -> None:
    box = DropBox(tmp_path / "agency", openssh)
    adapter = Guarded(box.adapter, "H41")
    box.send(b"<a/>", "a")
    list(adapter.collect())
    openssh.stop()
    with pytest.raises(Unavailable) as caught:
        list(adapter.collect())
    assert caught.value.fault.code == "ADAPTER_AWAY"
    openssh.start()
    assert len(list(adapter.collect())) == 1
    openssh.stop()
    openssh.start()  # the connection had died unseen
    assert len(list(adapter.collect())) == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkmSyz6vVqgF9HH2h3z0Pk0y6JZrDk2v0nqL0m0m0m0"},
            Misconfigured,
        ),
        ({"key_file": "stranger"}, Misconfigured),
        ({"key_file": "open"}, Misconfigured),
        ({"key_file": "missing"}, Misconfigured),
        ({"host_key": "rubbish"}, Misconfigured),
        ({"root": "/no/such/place"}, Misconfigured),
        ({"port": 1}, Unavailable),
    ],
    ids=[
        "another server",
        "another key",
        "a key that all may read",
        "no key",
        "no host key",
        "no folders",
        "nobody there",
    ],
)
def test_what_is_not_as_it_was_agreed_is_not_worked_with(
    openssh: OpenSsh, tmp_path: Path, change: dict[str, Any], fault: type[Exception]
) -> None:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    shutil.copy(openssh.folder / "client", openssh.folder / "open")
    (openssh.folder / "open").chmod(0o644)
    if "key_file" in change:
        change = {"key_file": str(openssh.folder / change["key_file"])}
    good = SftpAdapter(Place("H41", tmp_path, options(openssh, tmp_path)))
    good.check()
    with pytest.raises(fault):
        SftpAdapter(Place("H41", tmp_path, options(openssh, tmp_path) | change)).check()
    with pytest.raises(Misconfigured):
        SftpAdapter(Place("H41", tmp_path, {"host": "127.0.0.1"}))


def test_a_link_on_the_server_leads_nowhere(openssh: OpenSsh, tmp_path: Path) -> None:
    box = DropBox(tmp_path / "agency", openssh)
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "agency" / "outbox" / "a.edxml").symlink_to(tmp_path / "secret")
    assert list(box.adapter.collect()) == []


# -- By any way, to each ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["vxp", "http", "folder", "sftp"])
def test_a_document_that_enters_by_one_way_reaches_an_agency_on_each(
    openssh: OpenSsh, tmp_path: Path, way: str
) -> None:
    by_way = {"vxp": "H41", "http": "H29", "folder": "G06", "sftp": "G18"}
    line = small_home(tmp_path / "home", codes=("G22", "H41", "G06", "H29", "G18"))
    box = tmp_path / "box"
    for name in FOLDERS:
        (box / name).mkdir(parents=True)
    fetching, dropping = {"kind": "spool"}, {"kind": "sftp", **options(openssh, box)}
    kinds: dict[str, Any] = {"H41": fetching, "H29": fetching, "G18": dropping}
    sender = "G22"
    source = tmp_path / "source"
    for name in FOLDERS:
        (source / name).mkdir(parents=True)
    if way in {"vxp", "http"}:
        kinds[sender] = fetching
    elif way == "sftp":
        kinds[sender] = {"kind": "sftp", **options(openssh, source)}
    line.configure(
        adapter=config.Adapter(settle_seconds=0.0, agencies=kinds), server=config.Server(listen="127.0.0.1:0")
    )
    home = bootstrap.open_home(line.path)
    content = bytes(range(256)) * 50
    packet = document(1, to=tuple(by_way.values()), content=content, subject="V/v bốn đường")
    for code in (sender, "H41"):
        systems.add_system(bootstrap.systems_file(home), f"SYS.{code}", code, "bí mật")
    tokens = {code: create_token(bootstrap.tokens_file(home), code) for code in (sender, "H29")}
    with bootstrap.embedded_parts(home) as (hub, agencies), fronts.front(home, agencies) as port:
        url = f"http://127.0.0.1:{port}"
        if way == "vxp":
            assert SdkClient(port, f"SYS.{sender}", "bí mật").send(packet)["status"] == "OK"
        elif way == "http":
            with Client(url, tokens[sender]) as client:
                client.submit(packet)
        elif way == "folder":
            line.drop(sender, packet)
        else:
            (source / "outbox" / "a.edxml").write_bytes(packet)
        rest(hub, agencies, line.clock)
        came: dict[str, bytes] = {}
        system = SdkClient(port, "SYS.H41", "bí mật")
        (row,) = system.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")["data"]
        came["vxp"] = system.fetch(row["docId"])
        system.call("updateStatus", status="done", docId=row["docId"])
        with Client(url, tokens["H29"]) as client:
            (item,) = client.inbox()
            came["http"] = client.fetch(item["id"])
            client.acknowledge(item["id"])
        rest(hub, agencies, line.clock)
    (name,) = line.files("G06", "inbox", "*.edxml")
    came["folder"] = (line.folder("G06", "inbox") / name).read_bytes()
    (path,) = (box / "inbox").glob("*.edxml")
    came["sftp"] = path.read_bytes()
    assert set(line.states("1/TN-G22").values()) == {"HANDED_OVER"}
    assert len(set(came.values())) == 1, "each has the same bytes"
    sent, got = edxml.convert(packet), edxml.convert(came["sftp"])
    assert got.document == sent.document, "with every value"
    assert [hashlib.sha256(one).hexdigest() for one in got.attachments] == [hashlib.sha256(content).hexdigest()]
    traced = line.trace("1/TN-G22")
    assert {d["recipient"] for d in traced["deliveries"]} == set(by_way.values()), "and one trace for all"
