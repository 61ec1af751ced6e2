"""A mirror takes all of the log, goes on where it was broken off, and names what is not as it was signed."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from typing import TYPE_CHECKING

import pytest

from axis.core.log.tiles import Tile
from axis.errors import Corrupted, Fault, Rejected, Unavailable
from axis.infra.log import store
from axis.infra.log.mirror import source
from axis.services import mirror
from axis.services.questions import log as questions
from tests.line import document, small_home
from tests.log.test_witnesses import begin, counts, enter, kept, minute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from axis.core.log.note import VerifierKey
    from axis.core.log.policy import Policy
    from axis.services.hub.worker import Hub


def export(hub: Hub, folder: Path) -> Path:
    with hub.store.reading() as reader:
        head = store.head(reader.connection)
        assert head is not None
        for name, data in questions.as_tiles(reader, head):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        lines = [json.dumps(one) for one in questions.as_lines(reader)]
    (folder / "entries.jsonl").write_text("\n".join(lines) + "\n", "ascii")
    return folder


class Exported:
    """A log in three steps as files, what agencies were told of it, and its policy."""

    def __init__(self, path: Path) -> None:
        line = small_home(path / "home")
        with line.parts() as (hub, agencies):
            begin(hub, agencies, line)
            line.drop("G22", document(1, to=("H41",)))
            minute(hub, agencies, line, 2)
            self.told = {one.code: kept(one) for one in agencies}
            enter(hub, line, 300)
            self.first = export(hub, path / "first")
            enter(hub, line, 400)
            minute(hub, agencies, line)
            self.second = export(hub, path / "second")
            self.policy: Policy = counts(hub)
            self.key: VerifierKey = self.policy.log


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("log"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_a_mirror_has_all_of_the_log_and_takes_only_what_is_new(exported: Exported, tmp_path: Path) -> None:
    first = mirror.mirror(source(str(exported.first)), tmp_path / "m", exported.key, None)
    assert first.size == first.taken > 300
    asked: list[str] = []

    def fetch(name: str) -> bytes:
        asked.append(name)
        return source(str(exported.second))(name)

    second = mirror.mirror(fetch, tmp_path / "m", exported.key, exported.policy)
    assert (second.taken, second.witnessed) == (400, second.size)
    assert Tile(-1, 0).path not in asked
    theirs, mine = tree(exported.second), tree(tmp_path / "m")
    del theirs["entries.jsonl"]
    assert {name: mine.get(name) for name in theirs} == theirs


def test_broken_off_it_goes_on_and_over_http_it_is_the_same(exported: Exported, tmp_path: Path) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(exported.second))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fetch = source(f"http://127.0.0.1:{server.server_port}/")
        asked: list[str] = []

        def breaks(name: str) -> bytes:
            asked.append(name)
            if len(asked) > 6:
                raise KeyboardInterrupt
            return fetch(name)

        with pytest.raises(KeyboardInterrupt):
            mirror.mirror(breaks, tmp_path / "m", exported.key, None)
        assert not (tmp_path / "m" / "checkpoint").exists()
        rest: list[str] = []

        def goes_on(name: str) -> bytes:
            rest.append(name)
            return fetch(name)

        found = mirror.mirror(goes_on, tmp_path / "m", exported.key, exported.policy)
        assert Tile(-1, 0).path in asked
        assert Tile(-1, 0).path not in rest
        assert found.size > 700
        port = server.server_port
        server.shutdown()
    with pytest.raises(Unavailable):
        mirror.mirror(source(f"http://127.0.0.1:{port}"), tmp_path / "n", exported.key, None)


def test_what_is_not_as_it_was_signed_is_named_and_not_kept(exported: Exported, tmp_path: Path) -> None:
    entries, hashes = Tile(-1, 1).path, Tile(0, 1).path

    def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[str], bytes]:
        return lambda asked: (
            change(source(str(exported.second))(asked)) if asked == name else source(str(exported.second))(asked)
        )

    def flip(data: bytes) -> bytes:
        return data[:700] + bytes([data[700] ^ 1]) + data[701:]

    for fetch, place in (
        (changed(entries, flip), "277"),  # 34 bytes an entry
        (changed(hashes, flip), "278"),  # 32 bytes a hash
        (changed(entries, lambda data: data[34:]), "257"),
        (changed(entries, lambda _: b""), "257"),
        (changed(entries, lambda data: data[34:68] + data[:34] + data[68:]), "257"),
    ):
        with pytest.raises(Corrupted) as caught:
            mirror.mirror(fetch, tmp_path / "m", exported.key, None)
        assert caught.value.problems[0].got == place
        assert not (tmp_path / "m" / "checkpoint").exists()
    mirror.mirror(source(str(exported.second)), tmp_path / "m", exported.key, None)  # nothing wrong has stayed there


def test_a_log_that_goes_back_or_was_cosigned_by_too_few_is_not_taken(exported: Exported, tmp_path: Path) -> None:
    mirror.mirror(source(str(exported.second)), tmp_path / "m", exported.key, None)
    before = tree(tmp_path / "m")
    with pytest.raises(Rejected) as caught:
        mirror.mirror(source(str(exported.first)), tmp_path / "m", exported.key, None)
    assert caught.value.fault is Fault.LOG_PROOF
    with pytest.raises(Rejected) as caught:
        mirror.mirror(
            lambda name: b"" if name == "witnessed" else source(str(exported.second))(name),
            tmp_path / "m",
            exported.key,
            exported.policy,
        )
    assert caught.value.fault is Fault.LOG_QUORUM
    assert tree(tmp_path / "m") == before


def test_what_each_agency_was_told_is_what_stands_in_the_mirror(exported: Exported, tmp_path: Path) -> None:
    mirror.mirror(source(str(exported.second)), tmp_path / "m", exported.key, None)
    lines = (exported.second / "entries.jsonl").read_text("ascii").splitlines()
    for code, told in exported.told.items():
        found = mirror.count(tmp_path / "m", exported.key, lines, told.since, told.told)
        assert (code, found[code]) == (code, told.entries)
    assert exported.told["G22"].entries > 3
    other = [*lines[:9], lines[9].replace("event", "evenT"), *lines[10:]]
    for wrong, place in ((other, "10"), (lines[:9] + lines[10:], "10"), (lines[:-1], str(len(lines)))):
        with pytest.raises(Corrupted) as caught:
            mirror.count(tmp_path / "m", exported.key, wrong, 0, 0)
        assert caught.value.problems[0].got == place
