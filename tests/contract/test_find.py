"""What a person typed is found on SQLite and on PostgreSQL alike: exactly first, and never another in its place."""

from __future__ import annotations

import dataclasses
import unicodedata
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core.identity import uuid7
from axis.core.instant import to_text
from axis.infra.database import Database
from axis.infra.record import find, tables, words
from axis.infra.record.find import Narrowed
from axis.infra.record.store import HubReader, HubStore
from tests.contract.test_record import digest, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
DOCUMENTS = [
    ("G22", "92/VP-TH", "Về việc nghỉ Tết Dương lịch"),
    ("G22", "192/VP-TH", "Mời họp"),
    ("H41", "92/VP-TH", "Báo cáo quý III"),
    ("H41", "12/QĐ-TTg", "Quyết định về Đà Nẵng"),
    ("H41", "12/QĐ-TTg-1", "Phụ lục"),
    ("G06", "100%_\\ký", "Trích yếu 'lạ' & (khó) | !"),
]


@pytest.fixture
def record(database_url: str) -> Iterator[HubStore]:
    with closing(Database(database_url)) as database:
        database.create(tables.TABLES)
        with database.begin() as connection:
            for number, (sender, code, subject) in enumerate(DOCUMENTS):
                at = AT + timedelta(days=number)
                name = uuid7(at, bytes([number] * 10))
                document = (sender, f"{sender},{at:%Y/%m/%d},{code}")
                row = dataclasses.asdict(submitted(name, document))
                row |= {"code": code, "subject": subject, "received_at": to_text(at)}
                connection.execute(tables.submission.insert().values(row))
            for sender, code in (("G22", "7/BC-X"), ("H41", "17/BC-X")):
                refused = {"sender": sender, "digest": digest(code), "document_id": f"{sender},2026/11/23,{code}"}
                more = {"receipt_digest": "r", "retry": False, "refused_at": to_text(AT)}
                connection.execute(tables.refusal.insert().values(**refused, **more))
        yield HubStore(database)


def found(record: HubStore, typed: str, **narrowed: Any) -> find.Found:
    with record.reading() as reader:
        return find.find(reader, typed, Narrowed(**narrowed))


def codes(rows: list[Any]) -> list[str]:
    return [f"{row['sender']} {row['code']}" for row in rows]


def test_a_number_is_found_whole_and_never_as_a_part_of_another(record: HubStore) -> None:
    for typed in ("92/VP-TH", "92/vp-th", " 92/VP-TH\n", unicodedata.normalize("NFD", "92/VP-TH")):
        one = found(record, typed)
        assert codes(one.exact) == ["H41 92/VP-TH", "G22 92/VP-TH"]
        assert one.similar == []


def test_sender_and_day_tell_two_of_the_same_number_apart(record: HubStore) -> None:
    assert codes(found(record, "92/VP-TH", sender="G22").exact) == ["G22 92/VP-TH"]
    assert codes(found(record, "92/VP-TH", since=AT + timedelta(days=1)).exact) == ["H41 92/VP-TH"]
    assert codes(found(record, "92/VP-TH", before=AT + timedelta(days=1)).exact) == ["G22 92/VP-TH"]


def test_case_accents_and_bars_do_not_matter(record: HubStore) -> None:
    for typed in ("12/QĐ-TTg", "12/qd-ttg", "12/QÐ-TTG", unicodedata.normalize("NFD", "12/qđ-ttg")):
        assert codes(found(record, typed).exact) == ["H41 12/QĐ-TTg"], typed


def test_a_document_is_found_by_each_of_its_names(record: HubStore) -> None:
    with record.reading() as reader:
        row = reader.connection.execute(sa.select(tables.submission).limit(1)).mappings().one()
    names = (row["axis_id"], row["document_id"], row["content_digest"], row["parcel_digest"])
    for name in (*names, row["content_digest"][:8], row["parcel_digest"][:12].upper()):
        one = found(record, name)
        assert [each["axis_id"] for each in one.exact] == [row["axis_id"]], name
    assert found(record, row["content_digest"][:7]).exact == []


def test_without_an_exact_one_what_begins_so_is_only_like_it(record: HubStore) -> None:
    one = found(record, "12/qd")
    assert one.exact == []
    assert codes(one.similar) == ["H41 12/QĐ-TTg-1", "H41 12/QĐ-TTg"]
    assert codes(found(record, "2/VP-TH").similar) == []  # the middle of a number is no beginning


def test_words_of_the_subject_are_found_without_accents_and_the_last_by_its_beginning(record: HubStore) -> None:
    for typed in ("nghỉ tết", "NGHI TET", "tet nghi", "duong lic", "Tết"):
        one = found(record, typed)
        assert (one.exact, codes(one.similar)) == ([], ["G22 92/VP-TH"]), typed
    assert codes(found(record, "da nang").similar) == ["H41 12/QĐ-TTg"]
    assert codes(found(record, "Đà Nẵng", sender="G22").similar) == []
    assert codes(found(record, "tết họp").similar) == []


STRANGE = ["", " ", "'", '"', "%", "_", "\\", "*", "a*b(", "& | !", "NEAR(", "x" * 2000, "\x00", "OR", "-- ;", "😀"]


def test_nothing_that_is_typed_breaks_the_search_or_finds_everything(record: HubStore) -> None:
    for typed in STRANGE:
        one = found(record, typed)
        assert one.exact == [], typed
        assert len(one.similar) <= 1, typed


def test_signs_of_a_pattern_are_signs_of_a_number(record: HubStore) -> None:
    assert codes(found(record, "100%_\\ký").exact) == ["G06 100%_\\ký"]
    assert codes(found(record, "100%").similar) == ["G06 100%_\\ký"]
    assert codes(found(record, "1%").similar) == []
    assert codes(found(record, "khó lạ").similar) == ["G06 100%_\\ký"]


def test_what_was_refused_is_found_too(record: HubStore) -> None:
    assert [row["document_id"] for row in found(record, "7/BC-X").refused] == ["G22,2026/11/23,7/BC-X"]
    assert [row["document_id"] for row in found(record, "H41,2026/11/23,17/BC-X").refused] == ["H41,2026/11/23,17/BC-X"]
    assert found(record, "%/BC-X").refused == []


def test_what_was_there_before_an_upgrade_is_found_like_what_comes(record: HubStore) -> None:
    with record.database.begin() as connection:
        if record.database.is_sqlite:
            connection.exec_driver_sql("DROP TRIGGER submission_subject_words")
            connection.exec_driver_sql("DROP TABLE submission_words")
        else:
            connection.exec_driver_sql("DROP INDEX submission_subject_words")
        connection.exec_driver_sql("DROP INDEX submission_folded_code")
        words.make(connection)
    assert codes(found(record, "nghi tet").similar) == ["G22 92/VP-TH"]
    assert codes(found(record, "12/qd-ttg").exact) == ["H41 12/QĐ-TTg"]


def test_each_question_is_answered_by_an_index(record: HubStore) -> None:
    """Plans, not times: a search through every row of a million would be one of a second."""
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if not text.startswith(("EXPLAIN", "SET", "PRAGMA")):
            asked.append((text, values))

    asked: list[tuple[str, Any]] = []
    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        for typed in ("92/vp-th", "12/qd", "nghi tet", "a" * 10):
            found(record, typed)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", explain)
    with record.reading() as reader:
        assert isinstance(reader, HubReader)
        if not record.database.is_sqlite:
            reader.connection.exec_driver_sql("SET enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN " if record.database.is_sqlite else "EXPLAIN "
        for text, values in asked:
            if "submission" in text:
                plans.append("\n".join(str(row) for row in reader.connection.exec_driver_sql(how + text, values)))
    assert plans
    for plan in plans:
        assert "Seq Scan on submission" not in plan
        assert "SCAN submission\n" not in plan + "\n"
        assert "SCAN submission'" not in plan
