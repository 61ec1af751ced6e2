"""Dead ends: what failed or was quarantined is listed, and each choice about it has a reason and an entry. Resending."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from axis import cli
from axis.infra import embedded, payloads
from axis.infra.journal import tables as journal
from axis.infra.record import search, tables
from axis.services.agency import publish, submit
from axis.services.hub import admit
from tests.line import Line, document, recall, small_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home", give_up=2)


def axis(line: Line, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, [*arguments, "--lang", "en", "--home", str(line.path)])


def items(line: Line) -> list[dict[str, Any]]:
    done = axis(line, "queue", "list", "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(row) for row in done.stdout.splitlines()]


def undeliverable(line: Line) -> str:
    """A document whose recipient's queues are gone, given up by the hub; its delivery's id."""
    line.drop("G22", document(1))

    def lose(hub: Any, agencies: list[Any]) -> None:
        agencies[:] = [a for a in agencies if a.code != "H41"]
        with hub.store.database.begin() as connection:
            connection.execute(embedded.queue.delete().where(embedded.queue.c.name.like("axis.to.H41%")))

    line.run(before=lose)
    (item,) = items(line)
    assert (item["what"], item["agency"], item["sender"]) == ("delivery", "H41", "G22")
    return str(item["id"])


def quarantined(line: Line, monkeypatch: pytest.MonkeyPatch) -> str:
    """A document that our own bug put aside; its id. The bug is mended afterwards."""
    judge = admit.admission.judge

    def broken(parcel: Any, *arguments: Any, **named: Any) -> Any:
        if b"poison" in parcel.content:
            raise RuntimeError
        return judge(parcel, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(admit.admission, "judge", broken)
        line.drop("G22", document(9), "good.edxml")  # that another passes is what shows who is to blame
        line.drop("G22", document(1, subject="poison"))
        line.run()
    (item,) = items(line)
    assert (item["what"], item["code"], item["attempts"]) == ("message", "QUARANTINED", 5)
    return str(item["id"])


def events(line: Line, event: str) -> list[dict[str, Any]]:
    with line.parts() as (hub, _), hub.store.reading() as reader:
        from axis.core import ledger

        rows = reader.connection.execute(tables.ledger_entry.select()).mappings()
        return [entry.detail for row in rows if (entry := ledger.read(row["canonical"])).event == event]


def test_a_failed_delivery_is_tried_again_when_an_operator_says_so(line: Line) -> None:
    identifier = undeliverable(line)
    done = axis(line, "queue", "retry", identifier[:30], "--reason", "hàng đợi đã có lại")
    assert done.exit_code == 0, done.output
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert items(line) == []
    (said,) = events(line, "delivery.retry")
    assert (said["action"], said["reason"]) == ("retry", "hàng đợi đã có lại")
    assert said["by"], "who it was"


@pytest.mark.parametrize(("choice", "told"), [("return", True), ("drop", False)])
def test_a_failed_delivery_is_returned_or_dropped_and_nobody_tries_it_again(
    line: Line, choice: str, told: bool
) -> None:
    identifier = undeliverable(line)
    assert axis(line, "queue", choice, identifier, "--reason", "cơ quan đã giải thể").exit_code == 0
    line.run()
    reasons = [s.reasons[0] for r in line.receipts("G22").values() for s in r.statements if s.event.code == "D.2"]
    returned = [reason for reason in reasons if reason.code == "RETURNED"]
    assert bool(returned) is told
    assert all("giải thể" in reason.text_vi for reason in returned)
    assert items(line) == []
    assert axis(line, "reconcile", "--older-than", "0").exit_code == 0
    line.run()
    assert line.states("1/TN-G22") == {"H41": "FAILED"}
    assert line.files("H41", "inbox") == []
    assert len(events(line, f"delivery.{choice}")) == 1


def test_each_failure_notice_of_a_delivery_is_kept_with_its_receipt(line: Line) -> None:
    identifier = undeliverable(line)
    assert axis(line, "queue", "return", identifier, "--reason", "cơ quan đã giải thể").exit_code == 0
    line.run()
    held = {
        hashlib.sha256((line.folder("G22", "receipts") / name).read_bytes()).hexdigest()
        for name in line.files("G22", "receipts")
        if ".D.2." in name
    }
    assert len(held) == 3, "overdue, given up, returned"
    about = line.trace("1/TN-G22")["document"]["axis_id"]
    with line.parts() as (hub, _), hub.store.reading() as reader:
        assert {row["receipt_digest"] for row in search.receipts(reader, [about]) if row["event"] == "D.2"} == held
        assert all(reader.payload(digest) for digest in held), "and not swept away"


def test_no_receipt_takes_the_file_of_another(line: Line) -> None:
    identifier = undeliverable(line)
    assert axis(line, "queue", "retry", identifier, "--reason", "hàng đợi đã có lại").exit_code == 0
    line.run()
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    line.drop("G22", recall(1, reason="nhắc lại"), "c.edxml")  # the same in other words: an A.1 of its own
    line.run()
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        with g22.journal.reading() as reader:
            query = journal.incoming.select().where(journal.incoming.c.agency == "G22")
            received = {row["id"] for row in reader.connection.execute(query).mappings() if row["kind"] == "receipt"}
    held = [
        hashlib.sha256((line.folder("G22", "receipts") / n).read_bytes()).hexdigest()
        for n in line.files("G22", "receipts")
    ]
    assert sorted(held) == sorted(received)


@pytest.mark.parametrize("choice", ["retry", "release"])
def test_a_quarantined_message_is_judged_again_and_answered(
    line: Line, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    identifier = quarantined(line, monkeypatch)
    assert axis(line, "queue", choice, identifier, "--reason", "đã sửa lỗi").exit_code == 0
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert items(line) == []
    assert events(line, f"quarantine.{choice}")[0]["reason"] == "đã sửa lỗi"
    assert line.files("G22", "failed") == [], "the clerk does not find it among the refused any more"
    assert line.files("G22", "sent") == ["a.edxml", "good.edxml"]


def test_a_message_that_still_breaks_us_stays_where_it_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = quarantined(line, monkeypatch)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(admit.admission, "judge", broken)
        assert axis(line, "queue", "retry", identifier, "--reason", "thử").exit_code != 0
    assert [item["id"] for item in items(line)] == [identifier]


def broken_for(word: bytes) -> Callable[..., Any]:
    """What breaks us where this word is in the content."""
    judge = admit.admission.judge

    def judged(parcel: Any, *arguments: Any, **named: Any) -> Any:
        if word in parcel.content:
            raise RuntimeError
        return judge(parcel, *arguments, **named)

    return judged


def test_many_are_tried_again_by_a_filter_and_one_that_fails_again_keeps_none_back(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.drop("G22", document(9), "good.edxml")
    with monkeypatch.context() as patch:
        patch.setattr(admit.admission, "judge", broken_for(b"poison"))
        for number in (1, 2, 3):
            line.drop("G22", document(number, subject=f"poison {number}"), f"{number}.edxml")
        line.drop("G06", document(4, sender="G06", subject="poison 4"), "4.edxml")
        line.run()
    assert len(items(line)) == 4
    clerk = ("--reason", "đã sửa lỗi", "--json")

    def rows(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
        done = axis(line, "queue", "retry", *arguments, *clerk)
        assert done.exit_code == code, done.output
        return [json.loads(row) for row in done.stdout.splitlines()]

    assert rows("--code", "OVERDUE") == [{"found": 0, "done": 0, "failed": 0}]
    assert rows("--since", "2030-01-01")[-1]["found"] == 0
    assert rows("--agency", "000.00.00.G06")[-1] == {"found": 1, "done": 1, "failed": 0}
    with monkeypatch.context() as patch:
        patch.setattr(admit.admission, "judge", broken_for(b"poison 2"))
        found = rows("--code", "QUARANTINED", "--limit", "2", code=3)
        assert [row.get("error") for row in found] == [None, "QUARANTINED", None]
        assert found[-1] == {"found": 2, "done": 1, "failed": 1}
    assert len(items(line)) == 2
    assert rows("--since", "2026-01-01")[-1] == {"found": 2, "done": 2, "failed": 0}
    assert axis(line, "queue", "retry", *clerk).exit_code == 2, "which ones?"
    assert axis(line, "queue", "retry", "01a2", "--code", "X", *clerk).exit_code == 2
    line.run()
    assert [one["reason"] for one in events(line, "quarantine.retry")] == ["đã sửa lỗi"] * 4
    assert (items(line), line.files("G22", "failed"), line.files("G06", "failed")) == ([], [], [])
    assert len(line.files("G22", "sent")) == 4


def test_a_message_that_is_damaged_keeps_none_of_the_others_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither from a choice about all of them nor from being found by its number."""
    with monkeypatch.context() as patch:
        patch.setattr(admit.admission, "judge", broken_for(b"poison"))
        line.drop("G22", document(9), "good.edxml")
        for number in (1, 2):
            line.drop("G22", document(number, subject=f"poison {number}"), f"{number}.edxml")
        line.run()
    first, second = items(line)
    with line.parts() as (hub, _), hub.store.transaction() as tx:
        damaged = (
            payloads.payload.c.digest
            == tx.connection.execute(
                sa.select(tables.quarantine.c.body_digest).where(tables.quarantine.c.id == first["id"])
            ).scalar_one()
        )
        tx.connection.execute(payloads.payload.update().where(damaged).values(content=b"?"))

    def elsewhere(number: int) -> list[str]:
        done = axis(line, "trace", f"{number}/TN-G22", "--json")
        return [one["id"] for one in json.loads(done.stdout).get("elsewhere", [])]

    assert sorted([elsewhere(1), elsewhere(2)]) == [[], [second["id"]]]
    done = axis(line, "queue", "retry", "--kind", "message", "--reason", "đã sửa lỗi", "--json")
    told = [json.loads(row) for row in done.stdout.splitlines()]
    assert [(one["id"], one.get("error")) for one in told[:2]] == [(first["id"], "BODY_CORRUPT"), (second["id"], None)]
    assert told[2] == {"found": 2, "done": 1, "failed": 1}
    assert [one["id"] for one in items(line)] == [first["id"]]


@pytest.mark.parametrize(("choice", "answers"), [("return", 2), ("drop", 1)])
def test_a_quarantined_message_is_returned_or_dropped_with_its_bytes(
    line: Line, monkeypatch: pytest.MonkeyPatch, choice: str, answers: int
) -> None:
    identifier = quarantined(line, monkeypatch)
    assert axis(line, "queue", choice, identifier, "--reason", "không dùng").exit_code == 0
    line.run()
    assert items(line) == []
    assert line.events("G22").count("A.2") == answers
    assert axis(line, "queue", "show", identifier).exit_code == 3


def dead_letter(line: Line) -> dict[str, Any]:
    """A parcel of G22 to H41 that H41's adapter could not believe while its registry's key was another; the item."""
    line.drop("G22", document(1))
    line.without("H41")
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        waits = embedded.queue_message.c.queue == "axis.to.H41"
        connection.execute(embedded.queue_message.update().where(waits).values(queue="axis.dead"))
    (item,) = [one for one in items(line) if one["what"] == "dead_letter"]
    return item


def test_a_dead_letter_is_shown_with_what_it_is_and_is_sent_again(line: Line) -> None:
    item = dead_letter(line)
    assert (item["agency"], item["sender"], item["code"]) == ("H41", "G22", "DEAD_LETTER")
    assert (item["cause"], item["queue"]) == ("put_aside", "axis.to.H41")
    assert item["document_id"] == line.trace("1/TN-G22")["document"]["document_id"]
    said = axis(line, "queue", "show", item["id"])
    assert "looked at now, it is good" in said.output
    assert f"axis queue retry {item['id']}" in said.output
    assert [one["id"] for one in items(line)] == [item["id"]], "looking takes nothing away"
    assert axis(line, "queue", "return", item["id"], "--reason", "x").exit_code == 3, "nobody to return it to"
    done = axis(line, "queue", "retry", item["id"][:12], "--reason", "danh bạ đã đúng")
    assert done.exit_code == 0, done.output
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert items(line) == []
    assert events(line, "dead_letter.retry")[0]["reason"] == "danh bạ đã đúng"


def test_a_dead_letter_for_the_hub_is_judged_as_if_it_had_just_come(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        submit.collect(g22, line.clock())
        publish.publish(g22, line.clock())
        with hub.store.database.begin() as connection:
            waits = embedded.queue_message.c.queue.like("axis.from.G22%")
            connection.execute(embedded.queue_message.update().where(waits).values(queue="axis.dead"))
    (item,) = items(line)
    assert (item["agency"], item["sender"], item["queue"]) == ("G22", "G22", "axis.from.G22")
    done = axis(line, "queue", "retry", "--kind", "dead_letter", "--reason", "thử lại", "--json")
    assert json.loads(done.stdout.splitlines()[-1]) == {"found": 1, "done": 1, "failed": 0}
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.files("G22", "sent") == ["a.edxml"]


def test_a_damaged_dead_letter_and_a_foreign_one_are_explained_and_can_only_be_dropped(line: Line) -> None:
    damaged = dead_letter(line)
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        row = dict(connection.execute(embedded.queue_message.select()).mappings().first() or {})
        foreign = payloads.put(connection, b"none of ours")
        del row["id"]
        connection.execute(embedded.queue_message.insert().values({**row, "body_digest": foreign}))
        broken = {"body_digest": "0" * 64}
        connection.execute(
            embedded.queue_message.update()
            .where(embedded.queue_message.c.body_digest == row["body_digest"])
            .values(broken)
        )
    found = {one["cause"]: one for one in items(line)}
    assert set(found) == {"damaged", "unbelieved"}
    assert damaged["id"] not in {one["id"] for one in found.values()}
    assert "axis reconcile" in axis(line, "queue", "show", found["damaged"]["id"]).output
    assert axis(line, "queue", "retry", found["damaged"]["id"], "--reason", "x").exit_code == 3
    many = ("queue", "drop", "--kind", "dead_letter", "--reason", "hỏng")
    assert axis(line, *many).exit_code == 2, "of many at once nothing goes that nobody has looked at"
    assert len(items(line)) == 2
    assert axis(line, *many, "--yes").exit_code == 0
    assert items(line) == []
    assert {one["reason"] for one in events(line, "dead_letter.drop")} == {"hỏng"}


def test_the_list_is_filtered_says_why_and_what_to_do(line: Line) -> None:
    undeliverable(line)

    def count(*arguments: str) -> int:
        done = axis(line, "queue", "list", *arguments, "--json")
        assert done.exit_code == 0, done.output
        return len(done.stdout.splitlines())

    assert [count("--agency", code) for code in ("H41", "000.00.00.H41", "G22", "G06")] == [1, 1, 1, 0]
    assert (count("--code", "UNDELIVERED"), count("--code", "QUARANTINED")) == (1, 0)
    assert (count("--kind", "delivery"), count("--kind", "message"), count("--kind", "dead_letter")) == (1, 0, 0)
    assert (count("--since", "2026-01-01"), count("--since", "2030-01-01")) == (1, 0)
    said = axis(line, "queue", "list").output
    assert "the sender was told (D.2)" in said
    assert "axis queue retry --code UNDELIVERED" in said


@pytest.mark.parametrize("choice", ["return", "drop", "release"])
def test_many_are_decided_at_once_and_a_dry_run_only_tells_which(line: Line, choice: str) -> None:
    undeliverable(line)
    which = ("queue", choice, "--agency", "H41", "--reason", "đã hỏi nơi nhận", "--json")
    dry = axis(line, *which, "--dry-run")
    assert json.loads(dry.stdout.splitlines()[-1]) == {"found": 1}
    assert len(items(line)) == 1
    done = axis(line, *which, "--yes")
    assert json.loads(done.stdout.splitlines()[-1]) == {"found": 1, "done": 1, "failed": 0}
    if choice == "release":
        line.run()
    assert items(line) == []


@pytest.mark.parametrize("again", ["the same file", "another name"])
def test_a_packet_that_is_accepted_when_it_is_given_again_lies_among_the_refused_no_more(
    line: Line, again: str
) -> None:
    line.drop("G22", document(2, to=("H41", "H63")), "a.edxml")
    line.run()
    assert line.files("G22", "failed") == ["a.edxml", "a.edxml.error.json"]
    assert axis(line, "agency", "add", "H63", "--name", "UBND tỉnh Yên Bái").exit_code == 0
    line.drop("G22", document(2, to=("H41", "H63")), "a.edxml" if again == "the same file" else "b.edxml")
    line.run()
    assert line.states("2/TN-G22")["H41"] == "HANDED_OVER"
    assert line.files("G22", "failed") == []


def test_an_unknown_id_and_a_missing_reason_are_refused(line: Line) -> None:
    assert axis(line, "queue", "retry", "nothing", "--reason", "x").exit_code == 3
    assert axis(line, "queue", "retry", "nothing").exit_code == 2


def test_resending_lists_first_and_gives_nobody_anything_twice(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("G06")
    listed = axis(line, "resend", "1/TN-G22", "--dry-run", "--json")
    found = [json.loads(row) for row in listed.stdout.splitlines()]
    assert [row.get("recipient") for row in found] == ["G06", None]
    assert found[-1] == {"found": 1, "resent": 0}
    done = axis(line, "resend", "1/TN-G22", "--answered", "--json")
    assert json.loads(done.stdout.splitlines()[-1]) == {"found": 2, "resent": 2}
    line.run()
    assert (len(line.attachments("H41")), len(line.attachments("G06"))) == (1, 1)
    assert line.events("G22").count("E.1 H41") == 1


def test_resending_by_agency_and_time(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.clock.now += timedelta(days=2)
    line.drop("G22", document(2, to=("H41", "G06")))
    line.without("H41", "G06")

    def count(*arguments: str) -> int:
        done = axis(line, "resend", *arguments, "--dry-run", "--json")
        assert done.exit_code == 0, done.output
        return int(json.loads(done.stdout.splitlines()[-1])["found"])

    assert count("--agency", "H41") == 2
    assert count("--agency", "000.00.00.H41") == 2
    assert count("--since", "2026-11-24") == 2
    assert count("--agency", "H41", "--since", "2026-11-24", "--until", "2026-11-26") == 1
    assert count("--until", "2026-11-24") == 1
    assert axis(line, "resend").exit_code == 2


def test_what_was_withdrawn_is_never_sent_again(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    line.run()
    done = axis(line, "resend", "1/TN-G22", "--answered", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["found"] == 1
    line.run()
    assert line.files("H41", "inbox") == []


def test_a_run_that_ends_names_the_suspended_agencies_for_which_something_waits(line: Line) -> None:
    """Its mail waits on purpose: nothing is due, and whoever misses it would look for it elsewhere."""
    for code in ("H41", "G06"):
        assert axis(line, "agency", "suspend", code, "--reason", "trial").exit_code == 0
    line.drop("G22", document(1))
    told = axis(line, "run", "--until-idle")
    assert told.exit_code == 0
    assert (
        f"H41 is suspended; documents that wait at the hub: 1, until 'axis agency resume H41 --home {line.path}'."
        in (told.stderr)
    )
    assert "G06 is suspended" not in told.stderr, "nothing waits for it"
    assert json.loads(axis(line, "run", "--until-idle", "--json").stdout)["suspended"] == [
        {"agency": "H41", "waiting": 1}
    ]
    assert axis(line, "agency", "resume", "H41", "--reason", "trial").exit_code == 0
    assert json.loads(axis(line, "run", "--until-idle", "--json").stdout)["suspended"] == []
