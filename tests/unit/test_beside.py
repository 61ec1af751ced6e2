"""What the folder adapter puts beside files that were shown before: the proofs of receipts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from axis.adapters.base import Place
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_put_beside_files_is_written_flushed_once_and_only_then_seen(tmp_path: Path) -> None:
    root = tmp_path
    for name in FOLDERS:
        (root / name).mkdir()
    adapter = FolderAdapter(Place("H41", root, {"settle_seconds": 0, "day_folders": ("receipts",)}))
    today = datetime.now(VIETNAM).date().isoformat()
    (root / "receipts" / today).mkdir()
    for path in ("a.asice", f"{today}/b.asice"):
        (root / "receipts" / path).write_bytes(b"receipt")
    files = {f"{one}.asice": {f"{one}.tlog-proof": one.encode()} for one in ("a", "b", "gone")}
    seen: list[list[str]] = []

    def flush() -> None:
        seen.append(sorted(path.name for path in (root / "receipts").rglob("*proof*")))

    def no_space() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        adapter.beside("receipts", files, no_space)
    assert not list((root / "receipts").rglob("[!.]*proof"))
    assert adapter.beside("receipts", files, flush) == 2
    assert len(seen) == 1
    assert [name[0] for name in seen[0]] == [".", "."], "out of sight until it is on disk"
    found = {path.relative_to(root / "receipts").as_posix() for path in (root / "receipts").rglob("*proof*")}
    assert found == {"a.tlog-proof", f"{today}/b.tlog-proof"}
    assert adapter.beside("receipts", {"gone.asice": files["gone.asice"]}, no_space) == 0, "nothing to flush"
