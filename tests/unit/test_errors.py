"""The catalogue of errors: complete, in both languages, and every code is used."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from axis.errors import (
    MAX_FACT,
    MAX_PROBLEMS,
    AxisError,
    Corrupted,
    Fault,
    Misconfigured,
    Problem,
    Rejected,
    Unavailable,
    capped,
)

ROOT = Path(__file__).parent.parent.parent
FACTS = {"path", "expected", "got"}


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.code)
def test_a_fault_has_a_sentence_in_both_languages_with_the_same_facts(fault: Fault) -> None:
    _, vi, en = fault.value
    fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (vi, en)]
    assert fields[0] == fields[1] <= FACTS
    assert vi != en
    assert vi.endswith((".", "?"))
    assert en.endswith((".", "?"))


def test_every_fault_is_raised_somewhere() -> None:
    text = "".join(p.read_text("utf-8") for folder in ("axis", "adapters") for p in (ROOT / folder).rglob("*.py"))
    used = set(re.findall(r"Fault\.([A-Z0-9_]+)", text))
    assert {fault.name for fault in Fault} - used == set()


def test_sentences_are_distinct() -> None:
    for language in (1, 2):
        sentences = [fault.value[language] for fault in Fault]
        assert len(sentences) == len(set(sentences))


def test_the_four_errors_have_their_exit_codes_and_the_base_cannot_be_raised() -> None:
    assert [c.exit_code for c in (Rejected, Unavailable, Misconfigured, Corrupted)] == [3, 4, 5, 6]
    with pytest.raises(TypeError):
        AxisError(Problem(Fault.XML_DTD))
    with pytest.raises(TypeError):
        Rejected()


def test_a_problem_shows_its_facts_and_a_missing_fact_does_no_harm() -> None:
    problem = Problem(Fault.PACKET_TOO_LONG, "Subject", "500", "612", 12)
    assert problem.text("en") == "612 characters long, at most 500."
    assert problem.text("vi") == "Dài 612 ký tự, tối đa 500."
    assert problem.as_json()["line"] == 12
    assert Fault.PACKET_TOO_LONG.sentence("en", {}) == "? characters long, at most ?."


def test_what_a_finding_quotes_is_short_whatever_was_written() -> None:
    problem = Problem(Fault.PACKET_VALUE, "x" * 9000, "y" * 9000, "z" * 9000)
    assert {len(problem.path), len(problem.expected), len(problem.got)} == {MAX_FACT}
    assert problem.got.endswith("z…")


def test_of_a_hundred_thousand_findings_a_hundred_are_told_errors_first_and_how_many_there_are() -> None:
    warnings = [Problem(Fault.PACKET_UNKNOWN, got=str(n), severity="warning") for n in range(50_000)]
    error = Problem(Fault.PACKET_ORGAN, "To[1]/OrganId", got="x")
    told = Rejected(*warnings, error, *warnings).problems
    assert len(told) == MAX_PROBLEMS
    assert told[0] == error
    assert (told[-1].fault, told[-1].got, told[-1].severity) == (Fault.MORE_FINDINGS, "99902", "warning")
    assert len(str(Rejected(*warnings, error))) < MAX_PROBLEMS * 1000
    assert capped([error, *warnings[:99]]) == (error, *warnings[:99])


def test_facts_cannot_inject_further_fields() -> None:
    assert "{0.__class__}" in Problem(Fault.NOT_FOUND, got="{0.__class__}").text()
