"""Readable copies: whatever a document calls itself and its files, everything of it lies in its own folder, and nothing
outside."""

from __future__ import annotations

import errno
import hashlib
import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from axis.adapters.base import Place
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.adapters.readable import WHY, Copies
from axis.adapters.tree import LocalTree
from axis.core import edxml, parcel, readable, xml
from axis.core.edxml.values import clean
from axis.core.identity import uuid7
from tests import pki
from tests.hostile_names import NAMES
from tests.line import document

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTENT = b"%PDF-1.4 noi dung"


def arrived(number: int, subject: str, names: Sequence[str]) -> readable.Arrived:
    """A document with this subject, and a file under each of these names, that came as the hub has taken it."""
    written = document(number, subject="chủ đề", content=CONTENT).decode()
    head, _, rest = written.partition("<Reference>")
    reference, _, tail = rest.partition("</Reference>")
    before, _, coded = tail.partition("<Attachment>")
    attachment, _, end = coded.partition("</Attachment>")
    every = [(f"cid:{at}", _text(name) or "x") for at, name in enumerate(names)]
    made = head.replace("chủ đề", _text(subject) or "x")
    made += "".join(f"<Reference>{_as(reference, *one)}</Reference>" for one in every) + before
    made += "".join(f"<Attachment>{_as(attachment, *one)}</Attachment>" for one in every) + end
    converted = edxml.convert(made.encode())
    assert converted.packet is not None, converted.problems
    body = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, pki.signer("G22"), pki.NOW)
    return readable.Arrived(uuid7(pki.NOW, number.to_bytes(10, "big")), body, b"A.1", b"E.1", pki.NOW)


def _text(name: str) -> str:
    return xml.escape(clean(xml.NOT_TEXT.sub("\ufffd", name)))


def _as(part: str, content_id: str, name: str) -> str:
    at, _, rest = part.partition("<AttachmentName>")
    return at.replace("cid:1", content_id) + f"<AttachmentName>{name}" + rest[rest.index("</AttachmentName>") :]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FOLDERS:
        (tmp_path / "H41" / name).mkdir(parents=True)
    return tmp_path / "H41"


def show(copies: Copies, copy: readable.Readable) -> None:
    copies.prepare(copy)
    copies.show(copy)


def test_two_hundred_hostile_subjects_and_names_of_files_lose_nothing_and_leave_no_folder(root: Path) -> None:
    (root.parent / "outside").write_bytes(b"x")
    copies = Copies(LocalTree(root), "H41")
    for number, name in enumerate(NAMES):
        files = NAMES[20 * (number % 10) : 20 * (number % 10) + 20] if number < 10 else [name]
        one = arrived(number, name, files)
        show(copies, readable.of_document(one, {}))
        show(copies, readable.of_document(one, {}))  # once more, after a crash
    folders = list((root / "inbox").iterdir())
    assert len(folders) == len(NAMES), "one for each document"
    found = [path for folder in folders for path in folder.iterdir()]
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in found]
    assert digests.count(hashlib.sha256(CONTENT).digest()) == 10 * 20 + len(NAMES) - 10
    assert sum(path.name.endswith(".A.1.asice") for path in found) == len(NAMES)
    assert all(path.is_file() and not os.access(path, os.X_OK) for path in found)
    assert sorted(os.listdir(root.parent)) == ["H41", "outside"]
    assert sorted(os.listdir(root)) == sorted(FOLDERS)
    assert [os.listdir(root / name) for name in FOLDERS if name != "inbox"] == [[]] * 5


def test_the_page_shows_what_anybody_wrote_and_runs_none_of_it() -> None:
    evil = "</title><script>alert(1)</script>"
    one = readable.of_document(arrived(1, evil, ['a"onmouseover=alert(1).pdf']), {"G22": "<b>Văn phòng</b>"})
    (page,) = [content.decode() for name, _, content in one.files if name == readable.PAGE]
    assert "<script" not in page
    assert '"onmouseover' not in page
    assert escape(evil) in page
    assert "default-src 'none'" in page
    assert hashlib.sha256(CONTENT).hexdigest() in page


def test_two_documents_of_one_number_have_a_folder_each(root: Path) -> None:
    copies = Copies(LocalTree(root), "H41")
    for number in (1, 2):
        one = readable.of_document(arrived(number, "Về việc A", ["a.pdf"]), {})
        show(copies, readable.Readable(one.identifier, ("same", f"same {one.identifier}"), one.files))
    assert len(os.listdir(root / "inbox")) == 2


def test_a_system_that_keeps_no_such_names_gets_plain_ones(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = LocalTree.write

    def old(self: LocalTree, path: str, content: bytes, *, later: bool = False) -> None:
        if len(path.rpartition("/")[2].encode()) > 60:
            raise OSError(errno.ENAMETOOLONG, "too long", path)
        write(self, path, content, later=later)

    monkeypatch.setattr(LocalTree, "write", old)
    show(Copies(LocalTree(root), "H41"), readable.of_document(arrived(1, "A", ["ế" * 40 + ".pdf", "b.pdf"]), {}))
    (folder,) = (root / "inbox").iterdir()
    assert {"1.pdf", "2.pdf", readable.PAGE} <= set(os.listdir(folder))


def test_a_full_disk_gets_its_room_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = LocalTree.write

    def full(self: LocalTree, path: str, content: bytes, *, later: bool = False) -> None:
        if path.endswith(".A.1.asice"):
            raise OSError(errno.ENOSPC, "full", path)
        write(self, path, content, later=later)

    copies, one = Copies(LocalTree(root), "H41"), readable.of_document(arrived(1, "A", ["a.pdf"]), {})
    monkeypatch.setattr(LocalTree, "write", full)
    with pytest.raises(OSError, match="full"):
        copies.prepare(one)
    assert os.listdir(root / "inbox") == []
    monkeypatch.undo()
    show(copies, one)
    assert len(os.listdir(root / "inbox")) == 1


def test_a_link_in_the_place_of_a_copy_leads_nowhere(root: Path) -> None:
    one = readable.of_document(arrived(1, "A", ["a.pdf"]), {})
    outside = root.parent / "outside"
    outside.mkdir()
    (root / "inbox" / f".{one.identifier}.axis-tmp").symlink_to(outside)
    with pytest.raises(OSError, match=r"symbolic|directory"):
        Copies(LocalTree(root), "H41").prepare(one)
    assert os.listdir(outside) == []


# -- Why a file is not taken ------------------------------------------------------------------------------------


def explained(root: Path, adapter: FolderAdapter) -> dict[str, str]:
    for _ in adapter.collect():
        pass
    adapter.explain()
    found = {p.name: p.read_text("utf-8-sig") for p in (root / "outbox").iterdir() if p.name.endswith(WHY)}
    return {name.removesuffix(WHY): text for name, text in found.items()}


def test_each_file_that_is_not_taken_says_why_until_it_is(root: Path) -> None:
    adapter = FolderAdapter(Place("H41", root, {"settle_seconds": 0.0, "readable": True, "ready": True}))
    for name in ("Công văn.pdf", "a.edxml", "x" * 255, "-rf"):
        (root / "outbox" / name).write_bytes(b"x")
    found = explained(root, adapter)
    assert len(found) == 4
    assert "axis write" in found["Công văn.pdf"]
    assert "a.edxml.ready" in found["a.edxml"]
    (root / "outbox" / "a.edxml.ready").write_bytes(b"")
    (root / "outbox" / "Công văn.pdf").unlink()
    assert set(explained(root, adapter)) & {"a.edxml", "Công văn.pdf"} == set()
    again = FolderAdapter(Place("H41", root, {"settle_seconds": 0.0, "readable": True, "ready": True}))
    (root / "outbox" / "-rf").unlink()
    assert len(explained(root, again)) == 1, "also after a restart"
    assert len(os.listdir(root / "failed")) == 3, "what programs read is told as before"


def test_a_text_of_somebody_elses_stays(root: Path) -> None:
    (root / "outbox" / f"a{WHY}").write_text("ghi chú của tôi")
    adapter = FolderAdapter(Place("H41", root, {"settle_seconds": 0.0, "readable": True}))
    assert explained(root, adapter) == {"a": "ghi chú của tôi"}


def test_without_the_option_nothing_is_written(root: Path) -> None:
    (root / "outbox" / "a.pdf").write_bytes(b"x")
    adapter = FolderAdapter(Place("H41", root, {"settle_seconds": 0.0}))
    assert explained(root, adapter) == {}
    assert adapter.copies is None
