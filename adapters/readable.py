"""Beside a folder adapter's packets, for clerks without a document system: in ``inbox/`` a folder ``<date> <sender>
<number> <subject>/`` with attachments as files, and a text in ``outbox/`` for each file that is not taken.

Nothing of the hand-over waits for it or depends on it: what fails here is made again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from axis.core.saying import together
from axis.texts import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from axis.adapters.tree import Tree
    from axis.core.readable import Readable

log = logging.getLogger("axis.adapter")
WHY = ".VI-SAO-CHUA-GUI.txt"
_REPORT = ".error.json"
_BOM = "\ufeff"  # or Windows takes it for another encoding
_BEGINNING = f"{_BOM}Tệp «".encode()  # only what begins so is taken away again
_TOLD = 200  # refused files that are told of at once, the newest
_MARK, _HIDDEN = ".readable", ".axis-tmp"
_ANOTHER = {"DUP_CONFLICT", "DOCUMENT_RECALLED"}  # what is not mended in the packet and sent again under its number
_NAME = 255  # bytes
_NO_SUCH_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


class Copies:
    """Readable copies in the folders of one agency. Each is whole or not there; none takes the place of another."""

    def __init__(self, tree: Tree, agency: str) -> None:
        self._tree = tree
        self._agency = agency
        self._said: dict[str, str] | None = None  # what stands beside which file; None: not looked at yet
        self.has_refused = True  # something may lie in failed/ that nobody was told of

    def mark(self) -> str:
        """Up to where copies were made, as it was :meth:`marked`; "" for none."""
        try:
            return self._tree.read(_MARK).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return ""

    def marked(self, mark: str) -> None:
        """All copies up to here are made."""
        temporary = f".{_MARK}{_HIDDEN}"
        self._tree.write(temporary, f"{mark}\n".encode(), later=True)
        self._tree.rename(temporary, _MARK)

    def prepare(self, copy: Readable) -> None:
        """Write it out of sight, on disk when that is flushed; nothing where it is shown already."""
        if self._shown_as(copy):
            return
        folder = self._hidden(copy)
        self._tree.make(folder)
        try:
            try:
                self._write(folder, copy, is_plain=False)
            except OSError as error:
                if error.errno not in _NO_SUCH_NAME:
                    raise
                self._write(folder, copy, is_plain=True)
            self._tree.sync(folder)
        except OSError:
            self._discard(folder)  # on a full disk the room is wanted for packets
            raise

    def show(self, copy: Readable) -> None:
        """Show what was prepared; nothing where it is shown already."""
        if self._shown_as(copy):
            return
        for name in copy.names:
            try:
                self._tree.rename(self._hidden(copy), f"inbox/{name}")
            except OSError as error:
                log.debug("%s: inbox/%s: %s", self._agency, name, error)
                last = error
            else:
                self._tree.sync("inbox")
                return
        raise last

    def explain(self, why: Mapping[str, str]) -> None:
        """A text beside each of these files in ``outbox/``, and beside each in ``failed/`` what its report says; none
        beside any other."""
        if self._said is None:
            self._said = {one.name: "" for one in self._tree.entries("outbox") if one.name.endswith(WHY)}
        wanted = {_beside(name): words for name, words in why.items()}
        for name in self._said.keys() - wanted.keys():
            self._take_away(f"outbox/{name}")
            del self._said[name]
        for name, words in wanted.items():
            if self._said.get(name) != words:
                self._put(f"outbox/{name}", words)
                self._said[name] = words
        if self.has_refused:
            self._explain_refused()
            self.has_refused = False

    def _explain_refused(self) -> None:
        there = self._tree.entries("failed")
        names, reports = {one.name for one in there}, {one.name.removesuffix(_REPORT): one for one in there}
        told = {name for name in names if name.endswith(WHY)}
        new = [
            one for one in there if one.name.endswith(_REPORT) and _beside(one.name.removesuffix(_REPORT)) not in told
        ]
        for entry in sorted(new, key=lambda one: one.mtime, reverse=True)[:_TOLD]:
            name = entry.name.removesuffix(_REPORT)
            if name in names:  # of what was never moved the text stands in outbox/
                self._put(f"failed/{_beside(name)}", _of_report(name, self._tree.read(f"failed/{entry.name}")))
        for name in told - {_beside(one) for one in reports}:
            self._take_away(f"failed/{name}")

    def _put(self, path: str, words: str) -> None:
        folder = path.partition("/")[0]
        temporary = f"{folder}/.{hashlib.sha256(os.fsencode(path)).hexdigest()}{_HIDDEN}"
        self._tree.write(temporary, (_BOM + words.replace("\n", "\r\n")).encode(), later=True)
        self._tree.rename(temporary, path)

    def _take_away(self, path: str) -> None:
        with suppress(FileNotFoundError):
            if self._tree.read(path).startswith(_BEGINNING):
                self._tree.remove(path)

    def _discard(self, folder: str) -> None:
        with suppress(OSError):
            for entry in self._tree.entries(folder):
                self._tree.remove(f"{folder}/{entry.name}")
            self._tree.remove_folder(folder)

    def _write(self, folder: str, copy: Readable, *, is_plain: bool) -> None:
        for name, plain, content in copy.files:
            self._tree.write(f"{folder}/{plain if is_plain else name}", content, later=True)

    def _hidden(self, copy: Readable) -> str:
        return f"inbox/.{copy.identifier}{_HIDDEN}"

    def _shown_as(self, copy: Readable) -> str:
        """The folder that it is shown in; "" for none."""
        for name in copy.names:
            with suppress(OSError):
                self._tree.look(f"inbox/{name}/{copy.sign}")
                return name
        return ""


def _beside(name: str) -> str:
    whole = os.fsencode(name)
    if len(whole) + len(WHY) > _NAME:
        whole = whole[: _NAME - len(WHY) - 9] + b"~" + hashlib.sha256(whole).hexdigest()[:8].encode()
    return os.fsdecode(whole) + WHY


def said(name: str, why: str, **facts: str) -> str:
    """Why a file is not taken, and what to do, as it stands beside it."""
    shown = {key: _plain(one) for key, one in facts.items()}
    return text("why_not.head", "vi", name=_plain(name)) + text(f"why_not.{why}", "vi", **shown)


def _of_report(name: str, report: bytes) -> str:
    """What a report says, in words."""
    try:
        findings = [
            (one["code"], one["text_vi"], one["todo_vi"], one.get("actor")) for one in json.loads(report)["findings"]
        ]
    except (ValueError, KeyError, TypeError):
        findings = []
    told = together([(code, why, todo) for code, why, todo, _ in findings])
    shown = [(findings[at[0]][0], why, findings[at[0]][2]) for at, why in told]
    lines = [f"- {_plain(why)} [{_plain(code)}]\n  → {_plain(todo)}\n" for code, why, todo in shown]
    is_mended = all(actor == "sender" and code not in _ANOTHER for code, _, _, actor in findings)
    end = "\n" + text("why_not.again", "vi") if findings and is_mended else ""
    return text("why_not.refused", "vi", name=_plain(name)) + "".join(lines) + end


def _plain(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)
