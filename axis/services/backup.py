"""A home copied while it works, and a home made from the copy.

It is the home of one moment: while nobody can commit, a reader of each database is begun and the names of all files are
listed. What was committed before and what lies in the folders then fit together as they do after a crash. All is copied
afterwards, while work goes on: rows as these readers see them, the segments up to what those rows name, which nobody
changes or deletes meanwhile, and the listed files; those that are renamed or deleted before long have got a second name
at that moment. What came later is left out: a document that the rows do not know would be sent again beside it. Every
payload that is named is compared with its digest. A folder is a backup only when it has its manifest, which is written
last; until then it has another name.

A restored home is not the home as it was: what came after the backup is missing. So it begins as a record does that was
put back (``axis reconcile --restored``); an agency's home is asked by the hub, which knows more than it does.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from axis import __version__
from axis.core.instant import to_text
from axis.errors import Corrupted, Fault, Misconfigured, Problem, Unavailable, unusable
from axis.infra import files, snapshot
from axis.infra.database import SCHEMA_VERSION
from axis.infra.record import ledger
from axis.infra.record.high_water import HighWater, LedgerEnd
from axis.infra.record.store import HubReader
from axis.infra.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from axis.infra.database import Database

    Progress = Callable[[int, int], None]

FORMAT = 1
MANIFEST = "manifest.json"
ASIDE = ".axis-aside-"
OWN, DUMP, MARK = "axis.db", "record.dump", "hub.mark"
SEGMENTS = {OWN: "axis.db-segments", DUMP: "record-segments"}
AHEAD = 1000  # versions of the registry that may have gone out since
_LEFT_OUT = {".lock", MARK, "incidents", *SEGMENTS.values()}
_KEYS = {"keys", "pki", "tls"}
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Backup:
    """What a backup holds. `damaged`: digests of payloads whose bytes were no longer what they were; `record`: of the
    hub: "sqlite", "postgresql" (in `record.dump`), "apart" (not in it), or "" for an agency's home."""

    folder: Path
    made_at: str
    record: str
    files: int
    size: int
    payloads: int
    has_keys: bool
    damaged: Sequence[str]
    schema: str = SCHEMA_VERSION
    end: LedgerEnd | None = None


def back_up(
    home: Path,
    own: Database,
    record: Database | None,
    target: Path,
    now: datetime,
    progress: Progress,
    *,
    role: str,
    keys: bool = True,
) -> Backup:
    """Copy a home that may be working into `target`, which is made. `own`: its SQLite file; `record`: the hub's, where
    that is not in it; without `keys` no private key is copied.

    Raises :class:`Misconfigured` BACKUP_TARGET, FILE_UNUSABLE; :class:`Unavailable` STORE_DOWN, HOME_LOCKED."""
    own.check_version()
    if record is not None:
        record.check_version()
    with _built(target) as building, ExitStack() as kept:
        making = _Making(home, building, progress, target, keys=keys)
        for name in SEGMENTS.values():
            kept.enter_context(Segments(home / name, appends=False).kept())
        connection, end = None, None
        aside = kept.enter_context(_aside(home))
        with snapshot.held(home / OWN):
            making.stand_still(kept, aside)
            if record is not None:
                connection = kept.enter_context(snapshot.pinned_record(record))
            elif role == "all":
                with own.read() as rows:
                    end = ledger.standing(HubReader(rows)).end
        making.databases()
        in_file = snapshot.named_in_sqlite(building / OWN)
        making.damaged += snapshot.damaged_in_sqlite(building / OWN)
        making.segments(OWN, in_file)
        payloads, place = len(in_file), "sqlite" if role == "all" else ""
        if connection is not None:
            named, end = snapshot.named_in(connection), ledger.standing(HubReader(connection)).end
            is_dumped = snapshot.dump(connection, building / DUMP)
            payloads, place = payloads + len(named), "postgresql" if is_dumped else "apart"
            if is_dumped:
                making.add_made(DUMP)
            making.segments(DUMP, named)
        making.everything_else()
        os.sync()
        made = making.done(now, place, payloads, end)
        _write_manifest(building, making, made)
    return made


class _Making:
    """A backup that is being made."""

    def __init__(self, home: Path, building: Path, progress: Progress, target: Path, *, keys: bool) -> None:
        self.home = home
        self.building = building
        self.damaged: list[str] = []
        self.files: list[list[Any]] = []  # path, size, SHA-256, mode
        self.folders: list[list[Any]] = []  # path, mode
        self._keys = keys
        self._target = target
        self._progress = progress
        self._done, self._all = 0, 1
        self._apart = {target.resolve(), building.resolve()}
        found = (path for path, is_folder in _walk(home, self._apart) if not is_folder and path.suffix == ".db")
        self._databases = [path for path in found if _is_sqlite(path)]
        self._listed: list[tuple[Path, bool]] = []
        self._rows: dict[Path, sqlite3.Connection] = {}
        self._aside: dict[Path, Path] = {}

    def stand_still(self, kept: ExitStack, aside: Path) -> None:
        """The moment that the backup is of; nobody commits meanwhile, so only what is quick is done."""
        for path in (self.home / OWN, *self._databases):
            self._rows[path] = kept.enter_context(snapshot.pinned(path))
        # After the rows: what a row names is there before it.
        self._listed = list(_walk(self.home, self._apart))
        for path, is_folder in self._listed:
            if not is_folder and self.home / "agencies" in path.parents and _is_passing(path):
                place = self._aside[path] = aside / str(len(self._aside))
                try:
                    os.link(path, place)
                except FileNotFoundError:
                    pass  # its owner has taken it away
                except OSError:  # another disk, or one that knows no links
                    with suppress(OSError):
                        shutil.copy2(path, place)

    def step(self, size: int) -> None:
        self._done = min(self._done + size, self._all)
        self._progress(self._done, self._all)

    def add_made(self, name: str) -> None:
        """A file that was made here belongs to it."""
        size, digest = _digest(self.building / name)
        self.files.append([name, size, digest, 0o600])
        self.step(size)

    def segments(self, which: str, named: list[snapshot.Named]) -> None:
        """Up to what is named of the segments that belong to the rows in this file."""
        folder = SEGMENTS[which]
        self.damaged += snapshot.copy_segments(self.home / folder, self.building / folder, named, self.step)
        has_id = (self.home / folder / "id").exists()
        if named or has_id:
            (self.building / folder).mkdir(mode=0o700, exist_ok=True)
            self.folders.append([folder, 0o700])
            for path in sorted((self.building / folder).iterdir()):
                self.files.append([f"{folder}/{path.name}", *_digest(path), 0o600])
            if has_id:
                self._copy(self.home / folder / "id", self.home / folder / "id")

    def databases(self) -> None:
        """The SQLite files, as they were at that moment."""
        segments = (one for name in SEGMENTS.values() for one in (self.home / name).glob("*"))
        self._all = max(1, sum(map(_size, [*self._rows, *segments, *(path for path, _ in self._listed)])))
        for path, rows in self._rows.items():
            self._folder(path.parent)
            name = path.relative_to(self.home).as_posix()
            snapshot.copy_sqlite(rows, self.building / name)
            self.add_made(name)

    def everything_else(self) -> None:
        """The other files that were listed. What is gone was taken away, and whoever took it has it."""
        for path, is_folder in sorted(self._listed):
            if path in self._rows or (not self._keys and _is_secret(path.relative_to(self.home).as_posix())):
                continue
            with suppress(FileNotFoundError):
                self._folder(path) if is_folder else self._copy(path, self._aside.get(path, path))

    def _folder(self, path: Path) -> None:
        name, mode = path.relative_to(self.home).as_posix(), stat.S_IMODE(path.stat().st_mode)
        if name != "." and not (self.building / name).exists():
            self._folder(path.parent)
            (self.building / name).mkdir(mode=0o700)
            self.folders.append([name, mode])

    def _copy(self, path: Path, source: Path) -> None:
        name = path.relative_to(self.home).as_posix()
        mode = stat.S_IMODE(source.stat().st_mode)
        try:
            size, digest = _copied(source, self.building / name, 0o600, self.step)
        except PermissionError as error:
            raise unusable(source, error) from None
        self.files.append([name, size, digest, 0o600 if _is_secret(name) else mode])

    def done(self, now: datetime, place: str, payloads: int, end: LedgerEnd | None) -> Backup:
        size = sum(int(one[1]) for one in self.files)
        has_keys = any(_is_secret(str(one[0])) for one in self.files)
        return Backup(
            self._target, to_text(now), place, len(self.files), size, payloads, has_keys, self.damaged, end=end
        )


def _is_secret(name: str) -> bool:
    place = PurePosixPath(name)
    return (place.parts[0] == "keys" and len(place.parts) > 1) or (place.parts[0] in _KEYS and place.suffix == ".key")


def _walk(home: Path, left_out: set[Path]) -> Iterator[tuple[Path, bool]]:
    """(path, whether it is a folder) of what a backup copies as it is."""
    seen: set[tuple[int, int]] = set()
    waiting = [home]
    while waiting:
        here = waiting.pop()
        top = here == home
        try:
            status, entries = here.stat(), list(os.scandir(here))
        except FileNotFoundError:
            continue  # a day that has ended
        except OSError as error:
            raise unusable(here, error) from None
        if (status.st_dev, status.st_ino) in seen or (not top and here.resolve() in left_out):
            continue
        seen.add((status.st_dev, status.st_ino))
        if not top:
            yield here, True
        for entry in entries:
            path = here / entry.name
            if top and (entry.name in _LEFT_OUT or entry.name.startswith((OWN, ASIDE))):
                continue
            if entry.is_dir():
                waiting.append(path)
            elif entry.is_file() and not entry.name.endswith((".db-wal", ".db-shm")):
                yield path, False


def _is_passing(path: Path) -> bool:
    """Whether an agency's file waits to be sent or is about to be shown."""
    return path.parent.name in {"outbox", "out"} or path.name.startswith(".")


@contextmanager
def _aside(home: Path) -> Iterator[Path]:
    """A folder of the home, gone afterwards; what killed ones have left is cleared away."""
    for left in home.glob(f"{ASIDE}*"):
        with _locked_folder(left) as is_left:
            if is_left:
                shutil.rmtree(left, ignore_errors=True)
    try:
        made = Path(mkdtemp(prefix=ASIDE, dir=home))
    except OSError as error:
        raise unusable(home, error) from None
    try:
        with _locked_folder(made) as is_own:
            if not is_own:  # another backup that begins has taken it for one that was left
                raise Unavailable(Problem(Fault.HOME_LOCKED, got=str(home)))
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _locked_folder(folder: Path) -> Iterator[bool]:
    """Whether nobody else has it locked."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _write_manifest(building: Path, making: _Making, made: Backup) -> None:
    end = made.end
    said = {
        "format": FORMAT,
        "program": __version__,
        "schema": made.schema,
        "made_at": made.made_at,
        "record": made.record,
        "ledger": [end.position, end.link, end.registry, end.entry, end.digest] if end is not None else None,
        "payloads": made.payloads,
        "damaged": list(made.damaged),
        "keys": made.has_keys,
        "folders": making.folders,
        "files": making.files,
    }
    with os.fdopen(os.open(building / MANIFEST, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(said, file, ensure_ascii=False, indent=0)
        file.flush()
        os.fsync(file.fileno())


def restore(folder: Path, home: Path, progress: Progress) -> Backup:
    """Make `home`, which is not there yet or empty, from a backup. Every file is compared with the manifest and every
    payload with its digest first; the home is there when all of it is, or not at all.

    Raises :class:`Misconfigured` BACKUP_TARGET, SCHEMA_VERSION; :class:`Corrupted` BACKUP_INVALID, BACKUP_DAMAGED."""
    said = _read_manifest(folder)
    made = _made(folder, said)
    if made.schema > SCHEMA_VERSION:
        raise Misconfigured(Problem(Fault.SCHEMA_VERSION, got=made.schema, expected=SCHEMA_VERSION))
    with _built(home) as building:
        done = 0

        def step(size: int) -> None:
            nonlocal done
            done += size
            progress(min(done, made.size), made.size)

        for name, _ in said["folders"]:
            (building / _safe(name)).mkdir(mode=0o700)
        for name, size, digest, mode in said["files"]:
            if name == DUMP:
                found = _digest(folder / DUMP)
            else:
                try:
                    found = _copied(folder / _safe(name), building / name, 0o600, step)
                    (building / name).chmod(mode & 0o777)
                except FileNotFoundError:
                    raise _damaged(folder, name) from None
            if found != (size, digest):
                raise _damaged(folder, name)
        snapshot.check_sqlite(building / OWN)
        named = snapshot.named_in_sqlite(building / OWN)
        bad = {
            *snapshot.damaged_in_sqlite(building / OWN),
            *snapshot.damaged_in_segments(building / SEGMENTS[OWN], named),
        }
        if new := sorted(bad - set(made.damaged)):
            raise _damaged(folder, new[0])
        if made.end is not None:
            ahead = LedgerEnd(made.end.position + 1, "restored", made.end.registry + AHEAD)
            HighWater(building / MARK).write(ahead)
        for name, mode in reversed(said["folders"]):
            (building / name).chmod(mode & 0o777)
        os.sync()
    return made


def _made(folder: Path, said: dict[str, Any]) -> Backup:
    end = LedgerEnd(*said["ledger"]) if said["ledger"] else None
    size = sum(int(one[1]) for one in said["files"])
    facts = (said["made_at"], said["record"], len(said["files"]), size, said["payloads"], said["keys"])
    return Backup(folder, *facts, tuple(said["damaged"]), said["schema"], end)


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        if said["format"] != FORMAT:
            raise ValueError(said["format"])
        _made(folder, said)
        for name, *_ in (*said["files"], *said["folders"]):
            _safe(name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        got = getattr(error, "strerror", None) or f"{type(error).__name__} {error}"
        raise Corrupted(Problem(Fault.BACKUP_INVALID, str(folder), got=got)) from None
    return said


def _safe(name: str) -> str:
    """Raises ValueError for a name that leads out of the folder."""
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or not place.parts:
        raise ValueError(name)
    return name


def _damaged(folder: Path, what: str) -> Corrupted:
    return Corrupted(Problem(Fault.BACKUP_DAMAGED, str(folder), got=what))


@contextmanager
def _built(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` when the block is done, and is gone when it is not; what a process that was killed
    has left of one is cleared away."""
    target = target.absolute()
    building, gate = (target.parent / f".{target.name}.axis-{what}" for what in ("partial", "lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(gate, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(target, error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable(Problem(Fault.HOME_LOCKED, got=str(target))) from None
        try:
            _check_free(target)
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(mode=0o700)
            yield building
            building.rename(target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        finally:
            gate.unlink(missing_ok=True)
        files.flush_folder(target.parent)
    finally:
        os.close(descriptor)


def _check_free(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Misconfigured(Problem(Fault.BACKUP_TARGET, str(target)))


def _copied(source: Path, target: Path, mode: int, step: Callable[[int], None]) -> tuple[int, str]:
    """(size, SHA-256) of what was copied."""
    digest, size = hashlib.sha256(), 0
    with (
        source.open("rb") as file,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as copy,
    ):
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
            size += len(chunk)
            step(len(chunk))
    return size, digest.hexdigest()


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
