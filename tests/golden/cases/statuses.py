"""The business statuses 01 to 06."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.case import group
from tests.golden.cases.documents import with_due_date
from tests.golden.cases.recalls import BOTH, back, sent
from tests.line import document, status

if TYPE_CHECKING:
    from tests.golden.world import Mail, World

statuses = group("statuses")


def reports(
    w: World, code: str, *, sender: str = "H41", label: str = "", description: str = "", **more: int | str
) -> Mail:
    """A status of document 1 by `sender`, through its member."""
    data = status(code, sender=sender, description=description, **more)  # type: ignore[arg-type]
    return w.packet(label or f"{code} by {sender}", sender[:3], data)


@statuses
def climb(w: World) -> None:
    sent(w)
    for code in ("03", "04", "05", "06"):
        w.send(reports(w, code))


@statuses
def climb_at_once(w: World) -> None:
    sent(w)
    w.send(*(reports(w, code) for code in ("03", "04", "05", "06")))


@statuses
def leave_steps_out(w: World) -> None:
    sent(w)
    w.send(reports(w, "05"))


@statuses
def refuse(w: World) -> None:
    sent(w)
    w.send(reports(w, "02"))


@statuses
def that_are_late_change_nothing(w: World) -> None:
    sent(w)
    w.send(reports(w, "05"))
    w.send(reports(w, "03"))
    w.send(reports(w, "04"))


@statuses
def that_are_repeated(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"))
    w.send(reports(w, "03"))
    w.send(reports(w, "03", description="bằng lời khác", label="other words"))
    w.send(w.packet("other words again", "H41", status("03", description="bằng lời khác"), salt=1))


@statuses
def that_are_repeated_at_once(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"), reports(w, "03", description="bằng lời khác", label="other words"), reports(w, "03"))


@statuses
def refuse_what_was_accepted(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"))
    w.send(reports(w, "02"))


@statuses
def accept_what_was_refused(w: World) -> None:
    sent(w)
    w.send(reports(w, "02"))
    w.send(reports(w, "03"))


@statuses
def accept_and_refuse_at_once(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"), reports(w, "02"))


@statuses
def say_01_before_the_receipt(w: World) -> None:
    sent(w, handed_over=False)
    w.send(reports(w, "01"))
    w.send(w.receipt("E.1", "H41", "document"))


@statuses
def say_01_after_the_receipt(w: World) -> None:
    sent(w)
    w.send(reports(w, "01"))


@statuses
def say_03_before_the_receipt(w: World) -> None:
    sent(w, handed_over=False)
    w.send(reports(w, "03"))
    w.send(w.receipt("E.1", "H41", "document"))


@statuses
def say_03_at_once_with_the_receipt(w: World) -> None:
    sent(w, handed_over=False)
    w.send(w.receipt("E.1", "H41", "document"), reports(w, "03"))


@statuses
def by_units_and_their_member(w: World) -> None:
    sent(w, "H41.01", "H41.02")
    w.send(reports(w, "01", sender="H41.01"))
    w.send(reports(w, "03", sender="H41.02"), reports(w, "04", sender="H41.01"))
    w.send(reports(w, "01", sender="H41"))
    w.send(reports(w, "06", sender="H41"))


@statuses
def by_a_unit_that_was_not_addressed(w: World) -> None:
    sent(w)
    w.send(reports(w, "03", sender="H41.07"))


@statuses
def on_a_document_that_is_not_known(w: World) -> None:
    w.send(reports(w, "03"))
    w.send(w.packet("document", "G22", document(1)))
    w.send(reports(w, "03"))


@statuses
def by_who_never_had_it(w: World) -> None:
    sent(w)
    w.send(reports(w, "03", sender="G06"))


@statuses
def about_an_agency_that_nobody_knows(w: World) -> None:
    w.send(reports(w, "03", about="A99"))


@statuses
def by_too_many_units(w: World) -> None:
    sent(w)
    w.sql(
        "INSERT INTO business_status SELECT id, ?, '03', updated_at, updated_at FROM delivery",
        *((f"H41.{n}",) for n in range(1000, 1198)),
    )
    w.sql("UPDATE delivery SET reporters = reporters + 198", ())
    w.send(reports(w, "03", sender="H41.1"), reports(w, "03", sender="H41.2"))
    w.send(reports(w, "05", sender="H41.1"), reports(w, "03"))


@statuses
def on_what_was_withdrawn(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.send(reports(w, "03"))


@statuses
def on_what_was_given_back(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall"))
    w.send(reports(w, "15"))
    w.send(reports(w, "06"))


@statuses
def on_what_the_recipient_refused(w: World) -> None:
    sent(w, handed_over=False)
    w.send(w.receipt("E.2", "H41", "document"))
    w.send(reports(w, "03"))
    w.send(reports(w, "01"))


@statuses
def with_a_code_that_nobody_knows(w: World) -> None:
    sent(w)
    w.send(w.packet("07", "H41", status("03").replace(b">03<", b">07<")))


@statuses
def to_an_agency_that_was_closed(w: World) -> None:
    sent(w)
    w.end("G22", "G18")
    w.settle()
    w.send(reports(w, "03"))


@statuses
def to_an_agency_that_was_closed_and_nobody_follows(w: World) -> None:
    sent(w)
    w.end("G22")
    w.settle()
    w.send(reports(w, "03"))


@statuses
def by_the_successor_of_who_has_it(w: World) -> None:
    sent(w, *BOTH)
    w.end("G06", "G18")
    w.settle()
    w.send(reports(w, "03", sender="G18"))


@statuses
def are_received_by_the_sender(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"))
    w.send(w.receipt("E.1", "G22", "03 by H41"))


@statuses
def are_refused_by_the_sender(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"))
    w.send(w.receipt("E.2", "G22", "03 by H41"))


@statuses
def with_their_document_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), reports(w, "03"))


@statuses
def finish_a_document_with_a_due_date_at_once_with_it(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1))), reports(w, "06"))
