"""The folder adapter: an agency's system drops packets into ``outbox/`` and finds its mail in folders.

A file appears complete or not at all: written under a dot name, fsynced, renamed, the folder fsynced. Nothing here
waits for a notice from the file system: network drives give none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from axis.adapters.base import Answer, LocalFile, Place, Source
from axis.adapters.readable import WHY, Copies, said
from axis.adapters.tree import Entry, LocalTree, Tree
from axis.core import refusal, xml
from axis.core.instant import VIETNAM
from axis.errors import Fault, Misconfigured, Problem, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from axis.adapters.base import Folder

log = logging.getLogger("axis.adapter")
FOLDERS = ("outbox", "sent", "failed", "inbox", "receipts", "status")
ENDINGS = (".edxml", ".asice")
READY = ".ready"
MAX_REPORTS, MAX_REPORT = 5000, 1024 * 1024  # of a folder looked at, and bytes of one
# What those who write leave beside a packet for a while; told of to nobody.
_PASSING = (READY, ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
_BY_DAY = ("inbox", "receipts", "status")
_DAY_FOLDERS = (*_BY_DAY, "sent")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TEMPORARY = ".axis-tmp"
_REPORT = ".error.json"
_NAME = 255  # bytes that a file's name may have
_NAME_IN_FAILED = _NAME - len(f".{_REPORT}{_TEMPORARY}")  # so that its report and that one's temporary name fit, too
LOOK_AGAIN = 15.0  # seconds until an outbox is looked at though nothing tells that it has changed
UNTRUSTED = 0.5  # where nothing ever tells
LATELY = 40  # folders of days in which it is looked for something that was shown
EXPIRING = 0.3  # seconds that files are removed at a time: on a server each takes its time
READ_AGAIN = 10.0  # seconds between two attempts at a file that cannot be read
WAITS = 60.0  # seconds after which somebody is told that a file waits
_LISTINGS = 20  # of an outbox in one look
_LEFT_BEHIND = 86400.0  # seconds after which nobody is still writing a file into outbox/


class FolderAdapter:
    """Folders of one agency below the place's own. A file in ``outbox/`` is taken once it has looked the same for
    `settle_seconds` on this machine's own clock (a network drive's time stamps may be off). Options:

    A file that can never be taken stays where it is, and is told of once, in ``failed/NAME.error.json``.
    One that cannot be read now is tried again; neither keeps the others back.

    `ready`: a packet is taken as soon as ``NAME.ready`` lies beside it, and not before; the sign goes with it.
    `by_day`: what comes in lies in a folder for the day in Viet Nam on which it came, ``inbox/2026-11-25/``.
    `day_folders`: the same for these of ``inbox``, ``receipts``, ``status`` and ``sent``.
    `readable`: for clerks without a document system, see :mod:`axis.adapters.readable`.
    """

    OPTIONS: ClassVar[Mapping[str, type]] = {"ready": bool, "by_day": bool, "day_folders": tuple, "readable": bool}

    def __init__(self, place: Place, tree: Tree | None = None) -> None:
        self.agency = place.agency
        self._tree = tree or LocalTree(place.folder, place.disk, place.agency)
        self._outbox = os.fspath(place.folder / "outbox")
        self._bell = place.bell if tree is None else None  # of a server's folders the kernel tells nothing
        self._tells = False  # whether the times of the outbox tell of a change
        self._settle = float(place.options.get("settle_seconds", 1.0))
        self._ready: bool = place.options.get("ready", False)
        self._days = {*place.options.get("day_folders", ()), *(_BY_DAY if place.options.get("by_day") else ())}
        if unknown := self._days.difference(_DAY_FOLDERS):
            expected = ", ".join(_DAY_FOLDERS)
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, "day_folders", expected, ", ".join(sorted(unknown))))
        self._looks: dict[str, tuple[Entry, float]] = {}
        self._digests: dict[str, tuple[Entry, str]] = {}
        self._unreadable: dict[str, tuple[Entry, float]] = {}  # until when each is left alone
        self._told: dict[str, Entry] = {}  # what can never be taken
        self._unsettled = False
        self._settles_at: float | None = None  # the first of those that are not settled, on the monotonic clock
        self._seen: object | None = None  # of the outbox, when it was last looked at to the end
        self.copies = Copies(self._tree, place.agency) if place.options.get("readable") else None
        self._why: dict[str, str] = {}  # of what is not taken, as far as anybody is told
        self._look_again = 0.0

    def check(self) -> None:
        """Every folder is there and can be written. Raises Misconfigured CONFIG_INVALID."""
        for name in FOLDERS:
            if not self._tree.check(name):
                raise Misconfigured(Problem(Fault.CONFIG_INVALID, name, "a folder that can be written", "?"))

    def tidy(self, kept: Sequence[tuple[Folder, str]]) -> None:
        """See :meth:`axis.adapters.base.Guarded.tidy`."""
        wanted = {_temporary(folder, name) for folder, name in kept}
        for folder in ("failed", *_BY_DAY):
            for entry in self._tree.entries(folder):
                if _is_temporary(entry.name) and f"{folder}/{entry.name}" not in wanted:
                    self._tree.remove(f"{folder}/{entry.name}")
        for entry in self._tree.entries("outbox"):
            if _is_temporary(entry.name) and time.time() - entry.mtime / 10**9 > _LEFT_BEHIND:
                self._tree.remove(f"outbox/{entry.name}")

    def collect(self) -> Iterator[Source]:
        """Complete packets (``.edxml``) and signed parcels (``.asice``), in order of name."""
        if self._bell is not None:
            self._bell.watch(self._outbox)  # before it is looked at
        now, looks = time.monotonic(), dict[str, tuple[Entry, float]]()
        self._seen, seen_now = None, self._tree.changed("outbox")
        self._tells = seen_now is not None
        there = self._in_outbox()
        entries = [one for one in there if one.is_file]
        names, why = {one.name for one in entries}, dict[str, str]()
        for other in there if self.copies is not None and len(entries) < len(there) else ():
            if not other.is_file and not other.name.startswith((".", "~$")):
                why[other.name] = said(other.name, "no_file", endings=", ".join(ENDINGS))
        for entry in entries:
            if entry.name.endswith(WHY):
                continue
            if entry.name.startswith((".", "~$")) or entry.name.lower().endswith(_PASSING):
                if self.copies is not None and not entry.name.startswith(".") and _is_old(entry):
                    why[entry.name] = said(entry.name, "passing")
                continue
            if self._ready and _is_packet(entry.name) and entry.name + READY not in names:
                why[entry.name] = said(entry.name, "ready", sign=entry.name + READY)
                continue
            seen, since = self._looks.get(entry.name, (None, now))
            looks[entry.name] = (entry, since if seen == entry else now)
        begun = [since for name, (_, since) in looks.items() if not self._is_settled(name, since, now)]
        self._looks, self._unsettled = looks, bool(begun)
        self._settles_at = min(begun) + self._settle if begun else None
        self._digests = {name: kept for name, kept in self._digests.items() if name in looks}
        self._unreadable = {name: kept for name, kept in self._unreadable.items() if name in looks}
        self._told = {name: kept for name, kept in self._told.items() if name in looks}
        for name, (look, since) in list(looks.items()):
            if name not in looks:
                continue  # moved away since it was listed
            if not self._is_settled(name, since, now):
                continue
            if (source := self._considered(name, look, now)) is not None:
                yield source
            elif self.copies is not None:
                why[name] = said(name, "unreadable" if _is_packet(name) else "ending", endings=", ".join(ENDINGS))
        self._seen, self._look_again = seen_now and seen_now[0], now + LOOK_AGAIN
        self._why = why

    def _in_outbox(self) -> list[Entry]:
        """What lies in ``outbox/`` by its names; of each also what came before it.

        What comes while a folder is listed may be listed or not (POSIX readdir), so the last step of a series may be
        seen without the first, and be sent before it. Whatever came before a file that was seen is there in the next
        listing: it is listed again until nothing comes to light that is as old. That is soon, but where the clock of
        the file system was put back: then all that comes is."""
        there = self._tree.everything("outbox")
        if any(one.is_file and one.name not in self._looks and not one.name.startswith(".") for one in there):
            last, names = max(one.changed for one in there), {one.name for one in there}
            for _ in range(_LISTINGS):
                more = [one for one in self._tree.everything("outbox", names) if one.changed <= last]
                if not more:
                    break
                there += more
                names.update(one.name for one in more)
        return sorted(there, key=lambda one: one.name)

    def changed(self) -> bool:
        """See :meth:`axis.adapters.base.Guarded.changed`: names come and go with the time of their folder.
        Where that cannot be trusted, and every few seconds, it is looked at."""
        if self._unsettled:
            return True
        now = time.monotonic()
        if now >= self._look_again:
            return True
        seen = self._tree.changed("outbox")
        self._tells = seen is not None
        if seen is None:
            return now >= self._look_again - LOOK_AGAIN + UNTRUSTED
        return seen[1] or self._seen is None or seen[0] != self._seen

    def rings(self) -> bool:
        """See :meth:`axis.adapters.base.Guarded.rings`: on this machine the kernel tells of new names."""
        return self._tells and self._bell is not None and self._bell.is_watched(self._outbox)

    def look_at(self) -> float | None:
        """See :meth:`axis.adapters.base.Guarded.look_at`."""
        return self._settles_at

    def unsettled(self) -> bool:
        """See :meth:`axis.adapters.base.Adapter.unsettled`."""
        return self._unsettled

    def accepted(self, ref: str) -> None:
        """Move the packet to ``sent/``."""
        self._move(ref, self._shown("sent"))

    def refused(self, ref: str, report: bytes) -> None:
        """Move the packet to ``failed/``, with `report` beside it as ``<name>.error.json``."""
        if not self._is_as_collected(ref):
            return
        target = self._free(f"outbox/{ref}", "failed", ref, _NAME_IN_FAILED)
        self._put(f"{target}{_REPORT}", report)
        self._move(ref, "failed", target)
        if self.copies is not None:
            self.copies.has_refused = True

    def lifted(self, digests: Sequence[str]) -> None:
        """Move these packets from ``failed/`` to ``sent/``; their reports go. Of very many the last are read."""
        found = [one for one in self._tree.entries("failed") if one.name.endswith(_REPORT) and one.size <= MAX_REPORT]
        for entry in sorted(found, key=lambda one: one.mtime, reverse=True)[:MAX_REPORTS]:
            if _source_of(self._tree.read(f"failed/{entry.name}")) not in digests:
                continue
            name = entry.name.removesuffix(_REPORT)
            source, sent = f"failed/{name}", self._shown("sent")
            with suppress(FileNotFoundError):  # moved before a crash, or taken away by its owner
                self._tree.rename(source, f"{sent}/{self._free(source, sent, name)}")
            for place in dict.fromkeys((sent, "sent")):
                self._tree.sync(place)
            self._tree.remove(f"failed/{entry.name}")
        self._tree.sync("failed")

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """Write each file under its temporary name and fsync it."""
        for file in files:
            self._tree.write(_temporary(file.folder, file.name), file.content, later=True)
        # The names too: after a power loss a missing temporary name means that it was shown.
        for folder in sorted({file.folder for file in files}):
            self._tree.sync(folder)

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """Remove the temporary files of these names."""
        for folder, name in names:
            self._tree.remove(_temporary(folder, name))

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        """Rename each from its temporary name, in order; then fsync the folders."""
        touched: dict[str, None] = {}
        for folder, name in names:
            shown = self._shown(folder)
            try:
                self._tree.rename(_temporary(folder, name), f"{shown}/{name}")
            except FileNotFoundError:
                continue  # it was shown before a crash; the local system may have taken it away since
            touched |= {shown: None, folder: None}
        for place in touched or {folder: None for folder, _ in names}:
            self._tree.sync(place)
        return True

    def beside(self, folder: Folder, files: Mapping[str, Mapping[str, bytes]], flush: Callable[[], None]) -> int:
        """See :meth:`axis.adapters.base.Guarded.beside`."""
        places: dict[str, str] = {name: folder for name in files if self._is_there(f"{folder}/{name}")}
        # Where many files lie flat in it they are not listed for nothing.
        for day in self._last_days(folder) if len(places) < len(files) else ():
            places |= {name: day for name in files if name not in places and self._is_there(f"{day}/{name}")}
        moves = {other: f"{place}/{other}" for name, place in places.items() for other in files[name]}
        written = [LocalFile(folder, other, content) for name in places for other, content in files[name].items()]
        if not moves:
            return 0
        self.prepare(written)
        flush()
        for other, path in moves.items():
            self._tree.rename(_temporary(folder, other), path)
        for one in sorted({folder, *(path.rpartition("/")[0] for path in moves.values())}):
            self._tree.sync(one)
        return len(moves)

    def _last_days(self, folder: str) -> list[str]:
        """Its folders of the last days, the newest first."""
        days = sorted((one for one in self._tree.folders(folder) if _DAY.fullmatch(one)), reverse=True)
        return [f"{folder}/{one}" for one in days[:LATELY]]

    def _is_there(self, path: str) -> bool:
        try:
            self._tree.look(path)
        except FileNotFoundError:
            return False
        return True

    def expire(self, folder: str, before: str, limit: int) -> tuple[int, int]:
        """See :meth:`axis.adapters.base.Guarded.expire`. What lies flat in a folder stays, and so does every folder
        that is not named after a day."""
        count = size = 0
        end = time.monotonic() + EXPIRING
        for day in sorted(one for one in self._tree.folders(folder) if _DAY.fullmatch(one) and one < before):
            for entry in self._tree.entries(f"{folder}/{day}"):
                if limit and (count == limit or (count and time.monotonic() >= end)):
                    return count, size
                if limit:
                    self._tree.remove(f"{folder}/{day}/{entry.name}")
                count, size = count + 1, size + entry.size
            if limit:
                self._tree.remove_folder(f"{folder}/{day}")
        return count, size

    def explain(self) -> None:
        """Say beside each file that is not taken why; nothing without `readable`."""
        if self.copies is None:
            return
        now = time.monotonic()
        waits = {name for name, (_, since) in self._looks.items() if now - since >= WAITS and name in self._digests}
        self.copies.explain({name: said(name, "waits") for name in waits} | self._why)

    def answers(self) -> Iterator[Answer]:
        """None: a file that is there is the agency's."""
        return iter(())

    def answered(self, ref: str) -> None:
        """See :meth:`answers`."""

    def _shown(self, folder: str) -> str:
        """Where what is shown in `folder` lies today."""
        if folder not in self._days:
            return folder
        today = f"{folder}/{datetime.now(UTC).astimezone(VIETNAM):%Y-%m-%d}"
        self._tree.make(today)
        return today

    def _is_settled(self, name: str, since: float, now: float) -> bool:
        """Whether a file that has looked the same `since` then is complete: its author may have said so himself."""
        return now - since >= self._settle or (self._ready and _is_packet(name))

    def _considered(self, name: str, look: Entry, now: float) -> Source | None:
        """The source that this file is; None, and a word about it once, where it is none: its own trouble alone."""
        known, again_at = self._unreadable.get(name, (None, 0.0))
        if known == look and now < again_at:
            return None
        try:
            if not _is_packet(name):
                self._tell(name, look)
                return None
            source = self._source(name, look)
        except FileNotFoundError:
            return None  # its owner has taken it away
        except OSError as error:
            if known != look:
                log.warning("%s: %r in outbox: %s", self.agency, name, error)
            self._unreadable[name] = (look, now + READ_AGAIN)
            return None
        self._unreadable.pop(name, None)
        return source

    def _tell(self, name: str, look: Entry) -> None:
        """Say of a file that can never be taken that it cannot; once, also over a restart."""
        if self._told.get(name) == look:
            return
        problem = Problem(Fault.FILE_ENDING, got=name, expected=", ".join(ENDINGS))
        modified = look.mtime // 10**9
        report = refusal.report(name, "adapter", [problem.as_json()], size=look.size, modified=modified)
        place = f"{_shortened(name, _NAME_IN_FAILED)}{_REPORT}"
        try:
            before = self._tree.read(f"failed/{place}")
        except OSError:
            before = b""
        if before != report:
            log.warning("%s: %s", self.agency, problem.text())
            self._put(place, report)
        self._told[name] = look

    def _put(self, name: str, report: bytes) -> None:
        temporary = _temporary("failed", name)
        self._tree.write(temporary, report)
        self._tree.rename(temporary, f"failed/{name}")
        self._tree.sync("failed")

    def _source(self, name: str, look: Entry) -> Source:
        known, digest = self._digests.get(name, (None, ""))
        if known != look:
            # What is over the limit is refused unread; until it changes it has a digest of its own.
            content = self._tree.read(f"outbox/{name}") if look.size <= xml.MAX_BYTES else repr(look).encode()
            if self._tree.look(f"outbox/{name}") != look:
                raise FileNotFoundError(name)  # somebody writes it anew: it has to settle
            digest = hashlib.sha256(content).hexdigest()
            self._digests[name] = (look, digest)

        def read() -> bytes:
            if look.size > xml.MAX_BYTES:
                raise rejected(Fault.XML_TOO_BIG, look.size, xml.MAX_BYTES)
            return self._tree.read(f"outbox/{name}")

        return Source(name, digest, read)

    def _move(self, name: str, folder: str, target: str = "") -> None:
        source = f"outbox/{name}"
        if not self._is_as_collected(name):
            return  # another file under the same name has come since: it is a source of its own
        try:
            self._tree.rename(source, f"{folder}/{target or self._free(source, folder, name)}")
        except FileNotFoundError:
            return  # moved before a crash, or taken away by its owner
        if self._ready:
            self._tree.remove(source + READY)
        for place in dict.fromkeys((folder, folder.partition("/")[0], "outbox")):
            self._tree.sync(place)
        self._looks.pop(name, None)

    def _is_as_collected(self, name: str) -> bool:
        try:
            found = self._tree.look(f"outbox/{name}")
        except FileNotFoundError:
            return False
        look, _ = self._digests.get(name, (None, ""))
        return look is None or look == found

    def _free(self, source: str, folder: str, name: str, room: int = _NAME) -> str:
        """`name`, or ``name~2``…, so that no other content is overwritten in `folder`; of at most `room` bytes."""
        stem, dot, ending = name.rpartition(".")
        candidate, number = _shortened(name, room), 1
        while self._is_another(f"{folder}/{candidate}", source):
            number += 1
            candidate = _shortened(f"{stem}~{number}{dot}{ending}", room)
        return candidate

    def _is_another(self, path: str, source: str) -> bool:
        """Whether something else than `source` lies at `path`."""
        try:
            there = self._tree.look(path)
        except FileNotFoundError:
            return False
        try:
            size = self._tree.look(source).size
            return there.size != size or size > xml.MAX_BYTES or self._tree.read(path) != self._tree.read(source)
        except OSError:
            return True  # no file at all, or none that can be compared


def _is_packet(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _is_old(entry: Entry) -> bool:
    """Whether what somebody writes for a while has lain there longer than that takes."""
    return time.time() - entry.mtime / 10**9 > WAITS


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(_TEMPORARY)


def _source_of(report: bytes) -> str:
    """The digest that a report names; "" where it is none of ours."""
    try:
        return str(json.loads(report)["source_digest"])
    except (ValueError, KeyError, TypeError):
        return ""


def _temporary(folder: str, name: str) -> str:
    return f"{folder}/.{_shortened(name, _NAME - len(f'.{_TEMPORARY}'))}{_TEMPORARY}"


def _shortened(name: str, room: int) -> str:
    """`name`, or where it has more than `room` bytes its beginning, marked so that no other name becomes the same."""
    whole = os.fsencode(name)
    if len(whole) <= room:
        return name
    _, dot, ending = name.rpartition(".")
    mark = "~" + hashlib.sha256(whole).hexdigest()[:8] + (f".{ending}" if dot and len(ending) < 10 else "")
    return whole[: room - len(os.fsencode(mark))].decode("utf-8", "ignore") + mark
