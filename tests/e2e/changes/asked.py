"""What the tests beside ask of a line, and make of it."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.adapters.folder import FolderAdapter
from axis.errors import Fault, Problem, Rejected
from axis.infra import payloads, volumes
from axis.services.operate import registry as members
from tests.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from axis.adapters.base import LocalFile


CONTENT = b"%PDF-1.4 noi dung"
# Where servers have no part in what is decided: as a value it is decided in tests/hub and tests/golden, and here on the
# embedded line each time, served in turn.
decided = pytest.mark.part(4, of="served")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def codes_of(line: Line, code: str = "G22", name: str = "a.edxml") -> list[str]:
    return [finding["code"] for finding in line.error(code, name)["findings"]]


def stored(line: Line) -> set[str]:
    """Digests of all payloads that the home keeps."""
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        those = [payloads.payload] if record.database.is_sqlite else [payloads.payload, volumes.parcel]
        return {one for table in those for one in reader.connection.execute(sa.select(table.c.digest)).scalars()}


def suspend(line: Line, code: str) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, code, "thử", line.clock())


def resume(line: Line, code: str) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.resume(registrar, code, "thử", line.clock())


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within, no agency's system takes a document."""
    prepare = FolderAdapter.prepare

    def refuses(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
        if files[0].folder == "inbox":
            raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
        prepare(self, files)

    with monkeypatch.context() as patch:
        patch.setattr(FolderAdapter, "prepare", refuses)
        yield
