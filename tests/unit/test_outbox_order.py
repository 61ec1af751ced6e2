"""In which order files are taken from an outbox: as they came, whatever a listing of the folder has missed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from axis.adapters.tree import LocalTree
from tests.unit.test_folder import folders, refs, root

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["root"]  # a fixture


def test_of_files_that_come_while_the_folder_is_listed_none_is_taken_before_one_that_came_earlier(root: Path) -> None:
    """A listing may miss what comes meanwhile and have what comes later: of a series the last step was sent alone."""
    outbox, total = root / "outbox", 3000

    def drop() -> None:
        for number in range(total):
            (outbox / f".{number}").write_bytes(b"x")
            (outbox / f".{number}").rename(outbox / f"{number * 7919 % total:05}-{number}.edxml")

    writer = threading.Thread(target=drop)
    writer.start()
    adapter, seen = folders(root, 0.0), set[int]()
    try:
        while len(seen) < total:
            seen |= {int(ref.partition("-")[2].partition(".")[0]) for ref in refs(adapter)}
            assert seen == set(range(len(seen))), "whoever is there came before whoever is not"
    finally:
        writer.join()


def test_what_a_listing_has_missed_and_is_as_old_is_taken_with_the_rest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1.edxml", "2.edxml", "3.edxml"):
        (root / "outbox" / name).write_bytes(b"x")
    listed = LocalTree.entries
    monkeypatch.setattr(LocalTree, "entries", lambda *of: [one for one in listed(*of) if one.name != "1.edxml"])
    assert refs(folders(root, 0.0)) == ["1.edxml", "2.edxml", "3.edxml"]
