"""A receipt waits in the journal until the broker has it: what is confirmed late is not taken for another."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from axis.services.sweep import Sweep
from tests.e2e.apart import at_work
from tests.line import document, recall

if TYPE_CHECKING:
    from pathlib import Path


def test_a_receipt_that_was_read_as_due_and_noted_as_confirmed_meanwhile_takes_no_other_along(tmp_path: Path) -> None:
    """A sweep lasted longer than a confirm may. It read the E.1 of the one before as due, noted that one's confirm,
    decided about a recall and published the E.1 once more: what had the row of the E.1 then was the W.2."""
    line = at_work(tmp_path)
    with line.parts() as (hub, (sender, recipient)):
        line.drop("G22", document(1), "1.edxml")
        line.turns(hub, [sender, recipient], 4)
        line.drop("G22", document(2), "2.edxml")
        line.turns(hub, [sender], 4)
        Sweep([recipient], line.clock())  # its E.1 is published, and noted as confirmed with what is next
        line.drop("G22", recall(1), "3.edxml")
        line.turns(hub, [sender], 4)
        line.clock.now += timedelta(minutes=5)
        Sweep([recipient], line.clock())
        line.turns(hub, [sender, recipient])
    assert (line.sign("W.2"), line.sign("E.1").count("H41")) == (["H41"], 4)
