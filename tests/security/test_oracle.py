"""No answer differs by what others have: whether somebody has sent a document, and who, is nobody else's to find out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.line import Line, document, recall, replacement, small_home, status, update

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home", codes=("G22", "H41", "G06"))


def about_anothers(kind: str, number: int) -> bytes:
    """A packet of G06 about a document of G22's."""
    theirs, own = f"G22,2026/11/23,{number}/TN-G22".encode(), f"G06,2026/11/23,{number}/TN-G06".encode()
    end = b"</DocumentId><Bus"
    if kind == "recall":
        return recall(number, sender="G06").replace(own + end, theirs + end)
    if kind == "update":
        return update(number, sender="G06").replace(own + end, theirs + end)
    if kind == "replacement":
        mine = f"G06,{number}"
        return replacement(number, {number: ("H41",)}, sender="G06", document_id=mine).replace(own, theirs)
    return status("03", number, sender="G06")


@pytest.mark.parametrize("kind", ["recall", "update", "replacement", "status"])
def test_what_is_asked_about_anothers_document_is_answered_alike_whether_there_is_one_or_not(
    line: Line, kind: str
) -> None:
    line.drop("G22", document(1, to=("H41",)))
    line.run()
    answers = []
    for number in (1, 99):  # sent by G22, and by nobody
        line.drop("G06", about_anothers(kind, number), f"{number}.edxml")
        line.run()
        findings = json.dumps(line.error("G06", f"{number}.edxml")["findings"])
        answers.append(findings.replace(f"{number}/TN-G22", "").replace(f"{number}/TN-G06", ""))
    assert answers[0] == answers[1]
    assert line.stages("1/TN-G22") == {}


def test_nor_does_a_recall_tell_of_a_document_whose_name_does_not_say_whose_it_is(line: Line) -> None:
    line.drop("G22", document(1, document_id="VB-0001/2026"))
    line.run()
    for number in (1, 2):
        asked = recall(number, sender="G06")
        own = f"G06,2026/11/23,{number}/TN-G06</DocumentId><Bus".encode()
        line.drop("G06", asked.replace(own, f"VB-000{number}/2026</DocumentId><Bus".encode()), f"{number}.edxml")
        line.run()
    assert (line.files("G06", "failed"), line.files("G06", "sent")) == ([], ["1.edxml", "2.edxml"])
    assert (line.states("VB-0001/2026"), line.kinds("H41")) == ({"H41": "HANDED_OVER"}, ["new"])


def test_a_recall_that_comes_before_its_document_is_of_the_senders_own(line: Line) -> None:
    line.drop("G22", recall(1))
    line.run()
    line.drop("G22", document(1), "b.edxml")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
