"""``error.json`` has one shape, whoever has refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from axis.core.refusal import finding, report
from axis.errors import Fault, Problem
from tests.line import document, small_home

ROOT = Path(__file__).parent.parent.parent
SCHEMA = jsonschema_rs.validator_for(json.loads((ROOT / "docs" / "error.schema.json").read_text("utf-8")))


def test_adapter_and_hub_and_a_file_that_is_no_packet_are_reported_in_the_one_shape(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1).replace(b"2026/11/23</Prom", b"2026/13/45</Prom"), "bad.edxml")
    line.drop("G22", document(2, to=("H63",)), "nowhere.edxml")
    line.drop("G22", b"%PDF-1.7", "scan.pdf")
    line.run()
    told = {name: line.error("G22", name) for name in ("bad.edxml", "nowhere.edxml", "scan.pdf")}
    for name, value in told.items():
        SCHEMA.validate(value)
        assert all(one["todo"] and one["todo_vi"] and one["actor"] == "sender" for one in value["findings"]), name
    assert [told[name]["refused_by"] for name in told] == ["adapter", "hub", "adapter"]
    assert told["bad.edxml"]["findings"][0]["path"] == "PromulgationInfo/PromulgationDate"
    assert told["bad.edxml"]["findings"][0]["line"]
    assert told["nowhere.edxml"]["receipt"], "the hub's refusal is signed"
    assert {*told["bad.edxml"]} == {*told["nowhere.edxml"]} == {*told["scan.pdf"]} - {"size", "modified"}


@pytest.mark.parametrize("said", [{}, {"code": "OF_ANOTHER_VERSION", "text": "x"}, {"code": "DUP_CONFLICT"}])
def test_what_an_older_version_has_kept_is_reported_in_the_one_shape(said: dict[str, str]) -> None:
    SCHEMA.validate(json.loads(report("a.edxml", "hub", [said])))


def test_a_finding_is_the_same_in_a_report_and_on_the_command_line() -> None:
    problem = Problem(Fault.PACKET_DATE, "PromulgationInfo/PromulgationDate", "yyyy/mm/dd", "2026/13/45", 12)
    assert finding(problem.as_json()) == problem.as_json()
