"""Applications for public services: every move of the ten statuses, who may say it, dates, payment, the post."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from axis.core.applications import application, payment, post, question
from axis.core.applications.application import Application, Correction, Progress, read_application, synchronise
from axis.core.applications.payment import Answer, Channel, Result
from axis.core.applications.post import Order
from axis.core.applications.status import AT_THE_COUNTER, FINAL, INITIAL, MOVES, POST_MOVES, Post, Status
from axis.errors import AxisError, Fault, Rejected

DOCUMENTS = Path(__file__).parent.parent.parent / "schemas" / "documents"
OURS = sorted(p.parent for p in DOCUMENTS.glob("*/*/manifest.toml") if p.parts[-3].startswith(("mcdt_", "dvcqg_")))
EXAMPLES = [(folder, path) for folder in OURS for path in sorted((folder / "examples").rglob("*.json"))]
AT = datetime(2021, 3, 16, 2, 0, tzinfo=UTC)
RECEIVER, RESOLVER = "H20", "G15"


def example(name: str, which: str) -> Any:
    return json.loads((DOCUMENTS / name / "1" / "examples" / "valid" / f"{which}.json").read_text("utf-8"))


def refused(work: Any, *arguments: Any) -> set[Fault]:
    with pytest.raises(Rejected) as caught:
        work(*arguments)
    return {one.fault for one in caught.value.problems}


def standing(status: Status) -> Application:
    record = example("mcdt_dt", "one-stop")
    made = replace(read_application(record, RECEIVER), status=status, resolver=RESOLVER)
    return replace(made, closed_at=AT if status in FINAL | {Status.PROCESSED} else None)


# -- The folders -----------------------------------------------------------------------------------------------------


def test_each_type_of_the_portal_has_a_folder() -> None:
    assert [folder.parent.name for folder in OURS] == [
        "dvcqg_correction",
        "dvcqg_payment_answer",
        "dvcqg_payment_request",
        "dvcqg_postal_collection",
        "dvcqg_postal_return",
        "dvcqg_progress",
        "dvcqg_question",
        "dvcqg_rating",
        "dvcqg_reply",
        "mcdt_dt",
    ]


@pytest.mark.parametrize(("folder", "path"), EXAMPLES, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_an_example_is_valid_or_not_as_its_folder_says(folder: Path, path: Path) -> None:
    schema = json.loads((folder / "schema.json").read_text("utf-8"))
    valid = jsonschema_rs.Draft202012Validator(schema).is_valid(json.loads(path.read_text("utf-8")))
    assert valid is (path.parent.name == "valid")


@pytest.mark.parametrize("folder", OURS, ids=lambda path: path.parent.name)
def test_a_schema_is_whole_in_itself_and_bounds_every_text_and_list(folder: Path) -> None:
    text = (folder / "schema.json").read_text("utf-8")
    assert "$ref" not in text
    schema = json.loads(text)
    assert jsonschema_rs.meta.is_valid(schema)
    unbounded = []

    def walk(part: Any, where: str) -> None:
        if isinstance(part, dict):
            kind = part.get("type")
            if kind == "string" and not {"maxLength", "pattern", "enum"} & set(part):
                unbounded.append(where)
            if kind == "array" and "maxItems" not in part:
                unbounded.append(where)
            if kind == "object" and "maxProperties" not in part:
                unbounded.append(where)
            for name, one in part.items():
                walk(one, f"{where}/{name}")

    walk(schema, "")
    assert unbounded == []


@pytest.mark.parametrize("folder", OURS, ids=lambda path: path.parent.name)
def test_a_manifest_names_its_fields_and_has_the_moves_of_the_program(folder: Path) -> None:
    manifest = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    properties = set(json.loads((folder / "schema.json").read_text("utf-8"))["properties"])
    assert manifest["application_type"] == folder.parent.name.upper()
    assert {one["path"].strip("/") for one in manifest["show"]} <= properties
    if (states := manifest.get("states")) is None:
        return
    assert {states["field"].strip("/"), states["key"].strip("/")} <= properties
    table = MOVES if "postal" not in folder.parent.name else POST_MOVES
    moves = {before: set(after) for before, after in states.get("moves", {}).items()}
    if "leaves" in states:  # a correction leads anywhere
        assert (states["leaves"].strip("/") in properties, moves) == (True, {})
        moves = {str(before): set(map(str, after)) for before, after in table.items() if after}
    assert moves == {str(before): set(map(str, after)) for before, after in table.items() if after}
    assert set(states["names"]) == set(map(str, table))
    assert set(states["final"]) == {str(one) for one, after in table.items() if not after}


def test_every_valid_example_is_read_by_the_program_and_what_decides_is_refused_by_it() -> None:
    readers = {
        "mcdt_dt": lambda value: (read_application(value, RECEIVER), application.apology(value)),
        "dvcqg_progress": application.read_progress,
        "dvcqg_correction": application.read_correction,
        "dvcqg_question": question.read_question,
        "dvcqg_reply": question.read_reply,
        "dvcqg_payment_request": payment.read_request,
        "dvcqg_payment_answer": payment.read_answer,
        "dvcqg_postal_collection": lambda value: post.read_order(value, "collection"),
        "dvcqg_postal_return": lambda value: post.read_order(value, "return"),
    }
    undecided = {"TYPE_CONTENT-fee", "TYPE_CONTENT-no-address"}  # the schema's matter alone
    for folder, path in EXAMPLES:
        if (read := readers.get(folder.parent.name)) is None or path.stem in undecided:
            continue
        value = json.loads(path.read_text("utf-8"))
        if path.parent.name == "valid":
            read(value)
        else:
            with pytest.raises(AxisError):
                read(value)


# -- The ten statuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_each_of_the_hundred_moves_is_done_or_refused_with_its_code(before: Status, after: Status) -> None:
    known = standing(before)
    speaker = RECEIVER if after in AT_THE_COUNTER else RESOLVER
    step = Progress(known.number, after, AT)
    said = replace(known, status=after)
    if before == after and before not in FINAL:
        assert application.advance(known, step, speaker).status == after
    elif after in MOVES[before]:
        assert application.advance(known, step, speaker).status == after
        assert synchronise(known, said, speaker).status == after
    else:
        assert refused(application.advance, known, step, speaker) == {Fault.APPLICATION_MOVE}
        if before != after:
            assert refused(synchronise, known, said, speaker) == {Fault.APPLICATION_MOVE}


def test_an_application_goes_through_all_ten_statuses_and_is_closed_once() -> None:
    known = synchronise(None, read_application(example("mcdt_dt", "least"), RECEIVER), RECEIVER)
    known = replace(known, resolver=RESOLVER)
    assert (known.on_line, known.closed_at) == (True, None)
    way = [Status(one) for one in ["2", "5", "4", "6", "4", "9", "10"]]
    for number, status in enumerate(way):
        speaker = RECEIVER if status in AT_THE_COUNTER else RESOLVER
        known = application.advance(known, Progress(known.number, status, AT + timedelta(hours=number)), speaker)
    assert (known.status, known.closed_at) == (Status.RETURNED, AT + timedelta(hours=5))
    for ending in (Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.STOPPED):
        before = next(one for one in Status if ending in MOVES[one])
        speaker = RECEIVER if ending in AT_THE_COUNTER else RESOLVER
        assert application.advance(standing(before), Progress("", ending, AT), speaker).closed_at == AT


@pytest.mark.parametrize("status", Status)
def test_only_its_receiver_speaks_for_the_counter_and_only_its_resolver_for_the_matter(status: Status) -> None:
    before = next((one for one in Status if status in MOVES[one]), None)
    if before is None:
        return
    other = RESOLVER if status in AT_THE_COUNTER else RECEIVER
    step = Progress("", status, AT)
    assert refused(application.advance, standing(before), step, other) == {Fault.APPLICATION_PARTY}
    assert refused(application.advance, standing(before), step, "H41") == {Fault.APPLICATION_PARTY}
    one_and_the_same = replace(standing(before), resolver=RECEIVER)
    assert application.advance(one_and_the_same, step, RECEIVER).status == status


@pytest.mark.parametrize("status", Status)
def test_a_new_application_begins_on_line_or_at_the_counter(status: Status) -> None:
    said = read_application(example("mcdt_dt", "one-stop"), RECEIVER)
    if status in INITIAL:
        made = synchronise(None, replace(said, status=status), RECEIVER)
        assert (made.receiver, made.resolver) == (RECEIVER, RECEIVER)
    else:
        assert refused(synchronise, None, replace(said, status=status), RECEIVER) == {Fault.APPLICATION_MOVE}


def test_a_resolver_is_named_once_and_stays_until_another_is() -> None:
    named = read_application(example("mcdt_dt", "one-stop") | {"MaDonViXuLy": RESOLVER}, RECEIVER)
    known = synchronise(None, named, RECEIVER)
    assert known.resolver == RESOLVER
    again = read_application(example("mcdt_dt", "one-stop"), RECEIVER)
    assert synchronise(known, again, RECEIVER).resolver == RESOLVER
    assert refused(synchronise, known, again, "H41") == {Fault.APPLICATION_PARTY}


def test_nobody_reports_on_what_was_never_registered() -> None:
    step = Progress("H20.14-210315-0007", Status.PROCESSING, AT)
    assert refused(application.advance, None, step, RECEIVER) == {Fault.APPLICATION_UNKNOWN}
    wrong = Correction("H20.14-210315-0007", Status.NOT_ACCEPTED, Status.ACCEPTED, AT, "nhầm")
    assert refused(application.correct, None, wrong, RECEIVER) == {Fault.APPLICATION_UNKNOWN}


def test_only_an_explicit_correction_leads_out_of_an_end_and_it_names_the_status_as_it_stands() -> None:
    known = standing(Status.NOT_ACCEPTED)
    right = Correction(known.number, Status.NOT_ACCEPTED, Status.ACCEPTED, AT, "Chọn nhầm trạng thái")
    mended = application.correct(known, right, RECEIVER)
    assert (mended.status, mended.closed_at) == (Status.ACCEPTED, None)
    stale = replace(right, wrong=Status.PROCESSING)
    nothing = replace(right, right=Status.NOT_ACCEPTED)
    for one in (stale, nothing):
        assert refused(application.correct, known, one, RECEIVER) == {Fault.APPLICATION_CORRECTION}
    assert refused(application.correct, known, right, "H41") == {Fault.APPLICATION_PARTY}


def test_the_day_to_come_moves_with_a_supplement_or_a_signed_apology_and_never_otherwise() -> None:
    known = standing(Status.PROCESSING)
    later = replace(known, due_at=known.due_at + timedelta(days=7))
    assert refused(synchronise, known, later, RESOLVER) == {Fault.APPLICATION_DUE}
    assert refused(synchronise, known, later, RESOLVER, "thu-xin-loi.pdf", ["don.pdf"]) == {Fault.APPLICATION_DUE}
    assert synchronise(known, later, RESOLVER, "thu-xin-loi.pdf", ["thu-xin-loi.pdf"]).due_at == later.due_at
    assert synchronise(known, replace(later, status=Status.SUPPLEMENT), RESOLVER).due_at == later.due_at
    waits = standing(Status.SUPPLEMENT)
    assert synchronise(waits, replace(later, status=Status.PROCESSING), RESOLVER).due_at == later.due_at


def test_service_and_reception_of_an_application_stay() -> None:
    known = standing(Status.PROCESSING)
    other = replace(known, service="2.000815", received_at=known.received_at - timedelta(days=1))
    assert refused(synchronise, known, other, RESOLVER) == {Fault.APPLICATION_FIXED}


def test_no_finding_quotes_a_citizen() -> None:
    record = example("mcdt_dt", "one-stop") | {"ChuHoSo": 5, "Email": ["x"], "MaDoiTuong": {}, "NgayHenTra": ""}
    with pytest.raises(Rejected) as caught:
        read_application(record, RECEIVER)
    assert [one.path for one in caught.value.problems] == ["NgayHenTra"]


# -- Payment and post ------------------------------------------------------------------------------------------------


def paid(**more: Any) -> Answer:
    return replace(payment.read_answer(example("dvcqg_payment_answer", "paid")), **more)


def test_a_payment_is_pending_then_paid_and_stays_paid() -> None:
    asked = payment.ask(None, payment.read_request(example("dvcqg_payment_request", "fee")))
    pending = payment.answered(asked, payment.read_answer(example("dvcqg_payment_answer", "pending")))
    assert pending.answer is not None
    assert pending.answer.result is Result.PENDING
    done = payment.answered(pending, paid())
    assert done.answer == paid()
    assert (paid().bank, paid().channel, paid().receipt) == ("VCB", Channel.BANK, "0000123")
    assert payment.answered(done, paid()) == done
    late = payment.read_answer(example("dvcqg_payment_answer", "pending"))
    assert payment.answered(done, late) == done, "an answer that was overtaken takes nothing back"
    failed = payment.read_answer(example("dvcqg_payment_answer", "failed"))
    for answer in (failed, paid(bank="CTG"), paid(number="H20.14-210315-0008"), paid(amount=1)):
        assert refused(payment.answered, done, answer) == {Fault.PAYMENT_MISMATCH}
    assert refused(payment.answered, None, paid()) == {Fault.PAYMENT_MISMATCH}
    assert payment.answered(payment.answered(asked, failed), paid()).answer == paid(), "a citizen tries again"


def test_an_order_number_that_comes_twice_is_another_requests() -> None:
    asked = payment.read_request(example("dvcqg_payment_request", "fee"))
    assert payment.ask(payment.answered(asked, paid()), asked).answer == paid()
    assert refused(payment.ask, asked, replace(asked, amount=1)) == {Fault.PAYMENT_REPEATED}


@pytest.mark.parametrize(("before", "after"), list(product(Post, Post)))
def test_each_move_of_the_post_is_done_or_refused(before: Post, after: Post) -> None:
    order = post.read_order(example("dvcqg_postal_return", "carried"), "return")
    known, said = replace(order, status=before), replace(order, status=after)
    if before == after or after in POST_MOVES[before]:
        assert post.carry(known, said).status == after
    else:
        assert refused(post.carry, known, said) == {Fault.APPLICATION_MOVE}


def test_the_post_must_have_answered_before_anything_is_carried_and_its_numbers_are_used_once() -> None:
    record = example("dvcqg_postal_collection", "registered")
    assert refused(post.read_order, record | {"TrangThai": "2"}, "collection") == {Fault.POSTAL_WAYBILL}
    assert refused(post.read_order, record | {"orderNumber": "x__1"}, "collection") == {Fault.PACKET_VALUE}
    known = post.read_order(record, "collection")
    assert refused(post.carry, None, replace(known, status=Post.DELIVERED)) == {Fault.APPLICATION_MOVE}
    carried: Order = post.carry(known, replace(known, status=Post.CARRIED, waybill="EA1"))
    for other in (
        replace(carried, waybill="EA2", status=Post.DELIVERED),
        replace(carried, number="H20.14-210315-0008"),
        replace(carried, direction="return"),
    ):
        assert refused(post.carry, carried, other) == {Fault.POSTAL_REPEATED}


def test_the_sentences_of_the_refusals_name_codes_and_no_people() -> None:
    for fault in Fault:
        if fault.name.startswith(("APPLICATION_", "PAYMENT_", "POSTAL_")):
            assert not re.search(r"{(?!got|expected|path)", fault.value[1])
