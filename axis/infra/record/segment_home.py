"""Parcels in segments lie on one machine, the record on PostgreSQL is reached from many: a worker that could not read
what others have written does not run."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.errors import Fault, Misconfigured, Problem
from axis.infra.database import insert_or_ignore
from axis.infra.record.tables import segment_home

if TYPE_CHECKING:
    from axis.infra.database import Database
    from axis.infra.segments import Segments

_NAME = "id"
MACHINE = Path("/etc/machine-id")


def check(database: Database, *, moved: bool = False) -> None:
    """This worker has the folder that the record's parcels lie in; it is this worker's from now on where the record has
    none yet and parcels are to be put into segments. `moved`: the folder is taken to have come to this machine.

    Raises :class:`Misconfigured` SEGMENTS_ELSEWHERE, and for a folder that cannot be used FILE_UNUSABLE."""
    segments, machine = database.segments, _machine()
    own = _id(segments) if segments is not None else ""
    with database.begin() as connection:
        known = connection.execute(sa.select(segment_home)).first()
        if known is None:
            if segments is None or not segments.appends:
                return
            own = own or _new_id(segments)
            insert_or_ignore(connection, segment_home, {"folder": own, "machine": machine})
            known = connection.execute(sa.select(segment_home)).one()
        if known.folder == own and moved:
            connection.execute(sa.update(segment_home).values(machine=machine))
        elif known.folder != own or (known.machine and machine and known.machine != machine):
            path = str(segments.folder) if segments is not None else ""
            expected, got = (f"{name or '-'} @ {where or '-'}" for name, where in (known, (own, machine)))
            raise Misconfigured(Problem(Fault.SEGMENTS_ELSEWHERE, path, expected, got))


def _machine() -> str:
    """What tells this machine from others; "" where nothing does."""
    with suppress(OSError):
        return MACHINE.read_text("ascii").strip()
    return ""


def _id(segments: Segments) -> str:
    with suppress(FileNotFoundError):
        return (segments.folder / _NAME).read_text("ascii").strip()
    return ""


def _new_id(segments: Segments) -> str:
    segments.make_folder()
    made, temporary = uuid.uuid4().hex, segments.folder / f".{_NAME}.{os.getpid()}"
    temporary.write_text(made, "ascii")
    with suppress(FileExistsError):  # of another worker that starts at the same time
        os.link(temporary, segments.folder / _NAME)
    temporary.unlink()
    segments.flush_names()
    return _id(segments)
