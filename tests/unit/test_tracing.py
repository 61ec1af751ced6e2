"""A trace context is believed in one form alone: it comes from anybody, and goes into headers and log lines."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis.core import tracing
from axis.infra.logs import formatter

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HOSTILE = [
    "",
    "00",
    GOOD.upper(),
    f" {GOOD}",
    f"{GOOD}\n",
    f"{GOOD}\r\nX-Evil: 1",
    f"{GOOD}-more",
    f"ff{GOOD[2:]}",
    f"01{GOOD[2:]}",
    f"00-{'0' * 32}-00f067aa0ba902b7-01",
    f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    GOOD.replace("4", "٤"),  # a digit to Python, and none of these
    GOOD * 1000,
    "\x00" + GOOD[1:],
    None,
    7,
    GOOD.encode(),
    [GOOD],
    {"a": GOOD},
]


def test_the_example_of_the_specification_is_taken_as_it_is() -> None:
    assert tracing.traceparent(GOOD) == GOOD
    assert tracing.of_headers([f" {GOOD}\t"]) == GOOD


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_dropped(value: object) -> None:
    assert tracing.traceparent(value) == ""


@given(st.text() | st.binary() | st.integers() | st.lists(st.text()))
def test_whatever_comes_is_dropped_or_safe_in_a_header_and_a_line(value: object) -> None:
    found = tracing.traceparent(value)
    assert found in ("", value)
    assert set(found) <= set("0123456789abcdef-")


def test_a_request_with_two_of_them_says_nothing() -> None:
    assert tracing.of_headers([]) == ""
    assert tracing.of_headers([GOOD, GOOD]) == ""


def test_a_log_line_names_it_as_text_and_as_json() -> None:
    record = logging.LogRecord("axis.x", logging.INFO, "", 1, "said", (), None)
    assert "traceparent" not in formatter("text").format(record)
    assert "traceparent" not in json.loads(formatter("json").format(record))
    record.traceparent = GOOD
    assert formatter("text").format(record).endswith(f"said traceparent={GOOD}")
    assert json.loads(formatter("json").format(record))["traceparent"] == GOOD
