"""In which order files are taken from an outbox: as they came, whatever a listing of the folder has missed."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from axis.adapters.tree import LocalTree
from tests.unit.test_folder import folders, refs, root

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import pytest

    from axis.adapters.tree import Entry

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
    listed = LocalTree.everything

    def missing(tree: LocalTree, folder: str, known: Collection[str] = ()) -> list[Entry]:
        return [one for one in listed(tree, folder, known) if known or one.name != "1.edxml"]

    monkeypatch.setattr(LocalTree, "everything", missing)
    assert refs(folders(root, 0.0)) == ["1.edxml", "2.edxml", "3.edxml"]


def test_a_look_ends_though_all_that_comes_is_as_old_by_a_clock_that_was_put_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, count = LocalTree.everything, iter(range(10**6))

    def goes_on(tree: LocalTree, folder: str, known: Collection[str] = ()) -> list[Entry]:
        if folder == "outbox":
            (root / folder / f"{next(count)}.edxml").write_bytes(b"x")
        return [replace(one, changed=1) for one in listed(tree, folder, known)]

    monkeypatch.setattr(LocalTree, "everything", goes_on)
    assert 10 < len(refs(folders(root, 0.0))) < 100
