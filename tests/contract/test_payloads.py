"""Payloads, in rows and in segments, on both databases: the same promises."""

from __future__ import annotations

import fcntl
import os
import random
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Misconfigured, Unavailable
from axis.infra import payloads, segments
from axis.infra.database import Database
from axis.infra.payloads import payload
from axis.infra.record import segment_home, tables
from axis.infra.segments import Range, Segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import PostgreSql

SOURCE = random.Random(7)
LARGE = 100_000


def some(size: int = LARGE) -> bytes:
    return SOURCE.randbytes(size)


class Day:
    def __init__(self) -> None:
        self.now = "2026-11-23"

    def __call__(self) -> str:
        return self.now


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture(params=["in rows", "in segments"])
def database(request: pytest.FixtureRequest, database_url: str, tmp_path: Path, day: Day) -> Iterator[Database]:
    kept = Segments(tmp_path / "kept", appends=request.param == "in segments", today=day)
    opened = Database(database_url, kept)
    opened.create(tables.TABLES)
    yield opened
    opened.close()


@pytest.fixture
def apart(database_url: str, tmp_path: Path, day: Day) -> Iterator[Database]:
    """One that keeps large payloads in segments."""
    opened = Database(database_url, Segments(tmp_path / "kept", today=day))
    opened.create(tables.TABLES)
    yield opened
    opened.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Database]:
    """An SQLite file as a home has it."""
    opened = Database(f"sqlite:///{tmp_path / 'axis.db'}")
    opened.create(tables.TABLES)
    yield opened
    opened.close()


def put(database: Database, *contents: bytes) -> list[str]:
    with database.begin() as connection:
        return [payloads.put(connection, content) for content in contents]


def get(database: Database, digest: str) -> bytes:
    with database.read() as connection:
        return payloads.get(connection, digest)


_opened: list[Database] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def again(database: Database) -> Database:
    """The same, opened by another process: nothing is in memory."""
    kept = database.segments
    opened = Database(
        database.url.render_as_string(hide_password=False), Segments(kept.folder) if kept is not None else None
    )
    _opened.append(opened)
    return opened


def where(database: Database, digest: str) -> Range:
    with database.read() as connection:
        row = connection.execute(sa.select(payload).where(payload.c.digest == digest)).one()
        return Range(row.segment, row.start, row.length)


def damage(database: Database, digest: str, at: int = 5) -> None:
    place = where(database, digest)
    assert database.segments is not None
    with (database.segments.folder / place.segment).open("r+b") as file:
        file.seek(place.start + at)
        file.write(b"damaged")


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(payload)).scalar_one())


# -- What both promise --------------------------------------------------------------------------------------------


def test_what_is_put_is_there_once_whatever_its_size(database: Database) -> None:
    contents = [some(size) for size in (1, 4000, payloads.SMALL, payloads.SMALL + 1, LARGE, 3_000_000)]
    digests = put(database, *contents)
    assert put(database, *contents) == digests
    with database.begin() as connection:
        payloads.put_all(connection, sorted(zip(digests, contents, strict=True)))
        if database.is_sqlite:
            payloads.put_known(connection, dict(zip(digests, contents, strict=True)))
    assert count(database) == len(contents)
    for one in (database, again(database)):
        assert [get(one, digest) for digest in digests] == contents
        with one.read() as connection:
            assert payloads.get_sound(connection, [*digests, "0" * 64]) == dict(zip(digests, contents, strict=True))


@pytest.mark.parametrize("size", [4000, LARGE])
def test_many_at_once_are_there_too(database: Database, size: int) -> None:
    contents = {payloads.digest_of(content): content for content in (some(size) for _ in range(20))}
    with database.begin() as connection:
        payloads.put_all(connection, sorted(contents.items()))
    with again(database).read() as connection:
        assert payloads.get_sound(connection, contents) == contents


@pytest.mark.parametrize("size", [4000, LARGE])
def test_what_was_rolled_back_is_not_there_and_may_be_put_again(database: Database, size: int) -> None:
    before, content = some(size), some(size)
    (first,) = put(database, before)
    with suppress(KeyError), database.begin() as connection:
        digest = payloads.put(connection, content)
        raise KeyError
    with pytest.raises(Corrupted):
        get(database, digest)
    assert put(database, content) == [digest]
    for one in (database, again(database)):
        assert [get(one, first), get(one, digest)] == [before, content]


@pytest.mark.parametrize("size", [4000, LARGE])
def test_what_is_dropped_is_gone_and_what_is_named_stays(database: Database, size: int) -> None:
    content, other = some(size), some(size)
    digest, named = put(database, content, other)
    with database.begin() as connection:
        connection.execute(tables.registry_version.insert().values(version=1, digest=named, issued_at="t"))
        assert not payloads.release(connection, named, tables.PAYLOAD_REFERENCES)
        payloads.release_all(connection, [named, digest], tables.PAYLOAD_REFERENCES)
    assert get(database, named) == other
    with pytest.raises(Corrupted):
        get(database, digest)
    put(database, content)
    with database.begin() as connection:
        assert payloads.sweep(connection, tables.PAYLOAD_REFERENCES) == 1
    assert get(database, named) == other


@pytest.mark.parametrize("size", [4000, LARGE])
def test_what_comes_again_mends_what_a_disk_has_made_of_it(database: Database, size: int) -> None:
    content = some(size)
    (digest,) = put(database, content)
    if where(database, digest).segment:
        damage(database, digest)
    else:
        with database.begin() as connection:
            connection.execute(sa.update(payload).values(content=b"damaged"))
    opened = again(database)
    with pytest.raises(Corrupted):
        get(opened, digest)
    with opened.begin() as connection:
        payloads.mend(connection, content)
        payloads.mend(connection, some(size))  # of something that is not there: nothing
    assert get(opened, digest) == content
    assert get(again(database), digest) == content
    assert count(database) == 1


def test_a_value_is_counted_with_its_bytes_wherever_they_lie(database: Database) -> None:
    put(database, some(10), some(LARGE))
    with database.read() as connection:
        size = sa.func.length(payload.c.content) + payload.c.length
        assert sorted(connection.execute(sa.select(size)).scalars()) == [10, LARGE]


# -- Segments -----------------------------------------------------------------------------------------------------


def test_large_ones_lie_beside_an_sqlite_file_and_small_ones_in_it(own: Database, tmp_path: Path) -> None:
    put(own, some(payloads.SMALL), some(LARGE))
    (segment,) = own.segments.names()  # type: ignore[union-attr]
    folder = tmp_path / "axis.db-segments"
    assert (folder / segment).stat().st_size == LARGE
    assert stat.S_IMODE((folder / segment).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_transaction_flushes_what_it_has_appended_once_before_its_commit(
    apart: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(apart, some())
    said: list[str] = []
    flush = os.fdatasync

    def flushed(descriptor: int) -> None:
        said.append("flush")
        flush(descriptor)

    monkeypatch.setattr(os, "fdatasync", flushed)
    monkeypatch.setattr(os, "fsync", lambda _: said.append("fsync"))
    sa.event.listen(apart._writer, "commit", lambda _: said.append("commit"))
    put(apart, *(some() for _ in range(20)))
    assert said == ["flush", "commit"]
    put(apart, some(100))
    assert said == ["flush", "commit", "commit"], "nothing was appended"


def test_a_flush_that_fails_commits_nothing_and_nothing_is_put_behind_it(
    apart: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = put(apart, some())
    content = some()
    with monkeypatch.context() as patch:

        def fails(_: int) -> None:
            raise OSError(5, "Input/output error")

        patch.setattr(os, "fdatasync", fails)
        with pytest.raises(Unavailable) as caught:
            put(apart, content)
        assert caught.value.fault is Fault.STORE_DOWN
    assert count(apart) == 1
    (digest,) = put(apart, content)
    assert where(apart, digest).segment != where(apart, first).segment
    assert get(again(apart), digest) == content


def test_writes_that_end_early_go_on_and_one_that_fails_leaves_what_is_there(
    apart: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = put(apart, before := some())
    write = os.pwrite
    content, full = some(), [0]

    def short(descriptor: int, data: memoryview, start: int) -> int:
        if full[0]:
            full[0] -= 1
            if not full[0]:
                raise OSError(28, "No space left on device")
        return write(descriptor, data[:30_001], start)

    monkeypatch.setattr(os, "pwrite", short)
    full[0] = 3
    with pytest.raises(Unavailable):
        put(apart, content)
    assert count(apart) == 1
    (digest,) = put(apart, content)
    opened = again(apart)
    assert [get(opened, first), get(opened, digest)] == [before, content]


@pytest.mark.parametrize("rest", [b"", b"torn", bytes(70_000)])
def test_what_lies_behind_the_last_named_byte_after_a_crash_is_passed_over(apart: Database, rest: bytes) -> None:
    (first,) = put(apart, before := some())
    place = where(apart, first)
    apart.close()
    assert apart.segments is not None
    with (apart.segments.folder / place.segment).open("ab") as file:
        file.write(rest)
    opened = again(apart)
    opened.segments._today = lambda: "2026-11-23"  # type: ignore[union-attr]
    content = some()
    (digest,) = put(opened, content)
    assert where(opened, digest) == Range(place.segment, LARGE + len(rest), LARGE)
    assert [get(opened, first), get(opened, digest)] == [before, content]


def test_a_damaged_or_missing_range_names_file_and_offset_and_stops_nothing_else(
    apart: Database, caplog: pytest.LogCaptureFixture
) -> None:
    contents = [some() for _ in range(3)]
    digests = put(apart, *contents)
    damage(apart, digests[1])
    opened = again(apart)
    place = where(apart, digests[1])
    with pytest.raises(Corrupted) as caught:
        get(opened, digests[1])
    assert caught.value.fault is Fault.BODY_CORRUPT
    assert caught.value.problems[0].path == f"kept/{place.segment}:{LARGE}+{LARGE}"
    with opened.read() as connection:
        found = payloads.get_sound(connection, digests)
    assert found == {digests[0]: contents[0], digests[2]: contents[2]}
    assert f"kept/{place.segment}:{LARGE}" in caplog.text
    (apart.segments.folder / place.segment).unlink()  # type: ignore[union-attr]
    opened = again(apart)
    with opened.read() as connection:
        assert payloads.get_sound(connection, digests) == {}


def test_what_was_put_just_now_is_not_read_again(apart: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    content = some()
    (digest,) = put(apart, content)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *_: pytest.fail("read"))
        assert get(apart, digest) is content
    assert get(again(apart), digest) == content


def test_what_is_in_memory_is_bounded(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "RECENT", 5 * LARGE)
    digests = put(own, *(some() for _ in range(20)))
    kept = own.segments
    assert kept is not None
    assert [digest for digest in digests if kept.recent(digest)] == digests[-5:]
    (huge,) = put(own, some(segments.RECENT_EACH + 1))
    assert kept.recent(huge) is None


def test_two_workers_append_to_segments_of_their_own(apart: Database) -> None:
    other = again(apart)
    other.segments._today = lambda: "2026-11-23"  # type: ignore[union-attr]
    mine, theirs = [], []
    for _ in range(3):
        mine += put(apart, some())
        theirs += put(other, some())
    segments_of = [{where(apart, digest).segment for digest in one} for one in (mine, theirs)]
    assert [len(one) for one in segments_of] == [1, 1]
    assert segments_of[0] != segments_of[1]
    for digest in mine + theirs:
        assert payloads.digest_of(get(other, digest)) == digest


@pytest.mark.parametrize("is_left", [True, False], ids=["and leaves", "and keeps"])
def test_a_segment_that_another_worker_takes_as_it_is_made_is_never_written_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_left: bool
) -> None:
    """Between making a file and locking it somebody else may see it, lock it, append and commit."""
    one, other = Segments(tmp_path / "kept"), Segments(tmp_path / "kept")
    lock, theirs = fcntl.flock, list[Range]()

    def late(descriptor: int, how: int) -> None:
        if not theirs:
            theirs.append(Range("", 0, 0))  # they lock, too
            theirs[:] = [other.append("theirs", b"theirs, long since")]
            other.flush()
            if is_left:
                other.close()
        assert how & fcntl.LOCK_NB, "within a transaction nobody waits for who ends when he likes"
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    ours = one.append("ours", b"ours")
    one.flush()
    assert (ours.segment == theirs[0].segment) is is_left
    assert [other.read(where) for where in (ours, *theirs)] == [b"ours", b"theirs, long since"]
    for each in (one, other):
        each.close()


def test_the_name_of_a_segment_that_somebody_else_has_made_is_flushed_by_who_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who made it may have died before its name was on the disk."""
    one, other = Segments(tmp_path / "kept"), Segments(tmp_path / "kept")
    made = one.append("first", b"first")
    one.close()
    flushed: list[Path] = []
    monkeypatch.setattr(segments, "flush_folder", flushed.append)
    taken = other.append("second", b"second")
    other.close()
    assert (taken.segment, taken.start) == (made.segment, 5)
    assert flushed == [tmp_path / "kept"]


def test_a_segment_that_is_full_or_of_yesterday_is_followed_by_another(
    apart: Database, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "FULL", 3 * LARGE)
    flushed: list[str] = []
    flush = os.fdatasync

    def seen(descriptor: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}")[-6:])
        flush(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", seen)
        digests = put(apart, *(some() for _ in range(7)))
    assert flushed == ["000001", "000002", "000003"], "all that one transaction has appended to, once each"
    day.now = "2026-11-24"
    digests += put(apart, some())
    names = list(dict.fromkeys(where(apart, digest).segment for digest in digests))
    assert names == ["2026-11-23-000001", "2026-11-23-000002", "2026-11-23-000003", "2026-11-24-000004"]
    assert apart.segments is not None
    assert apart.segments.names() == names
    opened = again(apart)
    for digest in digests:
        assert payloads.digest_of(get(opened, digest)) == digest


def test_a_segment_whose_bytes_are_all_over_is_deleted_whole(apart: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "FULL", 4 * LARGE)
    digests = put(apart, *(some() for _ in range(12)))
    kept = apart.segments
    assert kept is not None
    first, second, third = kept.names()
    assert payloads.clear(apart, idle=0) == payloads.Moved()
    with apart.begin() as connection:
        for digest in (*digests[:4], *digests[5:8]):
            payloads.release(connection, digest, tables.PAYLOAD_REFERENCES)
    assert payloads.clear(apart) == payloads.Moved(), "something was appended within the hour"
    with kept.kept():
        assert payloads.clear(apart, idle=0) == payloads.Moved(), "a backup is being made"
    assert payloads.clear(apart, idle=0) == payloads.Moved(1, 4 * LARGE)
    assert kept.names() == [second, third]
    assert payloads.clear(apart, idle=0, share=0.25) == payloads.Moved(), "one parcel of four is left, and moves"
    assert where(apart, digests[4]).segment not in {first, second}
    assert payloads.clear(apart, idle=0) == payloads.Moved(1, 4 * LARGE)
    with apart.begin() as connection:
        assert payloads.sweep(connection, tables.PAYLOAD_REFERENCES) == 5
    payloads.clear(apart, idle=0)
    assert len(kept.names()) == 1, "the newest stays: no name is given twice"
    (digest,) = put(apart, content := some())
    assert get(again(apart), digest) == content


def test_what_lies_in_rows_is_moved_from_any_point_on_and_read_all_the_time(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As :func:`axis upgrade` does it: killed in each transaction in turn."""
    monkeypatch.setattr(payloads, "MOVED", 3 * LARGE)
    kept = own.segments
    assert kept is not None
    kept.appends = False
    contents = [some(size) for size in (100, payloads.SMALL, *[LARGE] * 10)]
    digests = put(own, *contents)
    (damaged,) = put(own, some())
    with own.begin() as connection:
        connection.execute(sa.update(payload).where(payload.c.digest == damaged).values(content=some()))
    assert not kept.folder.exists()
    kept.appends = True
    flush, rounds = os.fdatasync, 0
    with monkeypatch.context() as patch:

        def dies(descriptor: int) -> None:
            nonlocal rounds
            rounds += 1
            flush(descriptor)
            if rounds % 2:
                raise KeyboardInterrupt

        patch.setattr(os, "fdatasync", dies)
        while True:
            assert [get(own, digest) for digest in digests] == contents
            with suppress(KeyboardInterrupt):
                payloads.move_to_segments(own)
                break
    assert rounds > 4
    with own.read() as connection:
        assert payloads.in_rows(connection) == 1, "what is damaged stays"
    assert payloads.move_to_segments(own) == payloads.Moved()
    assert own.shrink()
    assert not own.shrink()
    opened = again(own)
    assert [get(opened, digest) for digest in digests] == contents
    assert {where(own, digest).segment for digest in digests[:2]} == {""}
    assert all(where(own, digest).segment for digest in digests[2:])


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_worker_that_cannot_read_the_segments_of_the_others_does_not_run(
    postgres: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.database("segments")
    (tmp_path / "machine").write_text("one", "ascii")
    monkeypatch.setattr(segment_home, "MACHINE", tmp_path / "machine")

    def worker(folder: str, *, appends: bool = True) -> Database:
        opened = Database(url, Segments(tmp_path / folder, appends=appends) if folder else None)
        _opened.append(opened)
        return opened

    def refused(database: Database) -> bool:
        try:
            segment_home.check(database)
        except Misconfigured as error:
            return error.fault is Fault.SEGMENTS_ELSEWHERE
        return False

    worker("").create(tables.TABLES)
    assert not refused(worker("")), "parcels lie in the database"
    assert not refused(worker("here"))
    assert not refused(worker("here")), "a second worker of the same machine"
    assert not refused(worker("here", appends=False)), "what lies there is still read"
    assert refused(worker("there"))
    assert refused(worker(""))
    (tmp_path / "machine").write_text("two", "ascii")
    assert refused(worker("here")), "a drive that two machines share"
    segment_home.check(worker("here"), moved=True)
    assert not refused(worker("here"))
    with pytest.raises(Misconfigured):
        segment_home.check(worker("there"), moved=True)


@pytest.mark.parametrize("size", [3000, 40_000, 2_500_000])
def test_a_parcel_that_ends_one_day_is_kept_once_read_whole_and_mended_wherever_it_lies(
    database: Database, size: int
) -> None:
    """On PostgreSQL in a volume (axis/infra/volumes.py), a large one written and read in pieces; elsewhere as any other.
    What was put into a volume is mended there, also where new parcels go into segments since."""
    content = some(size)
    digest = payloads.digest_of(content)
    appends = database.segments is not None and database.segments.appends
    if database.segments is not None:
        database.segments.appends = False  # as before the setting was another
    for _ in range(2):
        with database.begin() as connection:
            payloads.put_all(connection, [(digest, content)], {digest})
    if database.segments is not None:
        database.segments.appends = appends
    table = "payload" if database.is_sqlite else "parcel"
    with database.begin() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 1
        assert payloads.get(connection, digest) == content
        bad = "x'78'" if database.is_sqlite else "'x'::bytea"
        connection.exec_driver_sql(f"UPDATE {table} SET content = {bad}")
    with database.begin() as connection:
        assert payloads.get_sound(connection, {digest}) == {}
        payloads.mend(connection, content)
        assert payloads.get(connection, digest) == content
