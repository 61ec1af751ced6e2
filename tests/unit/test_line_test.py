"""The words of a connection's test, and what is said of a leg."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axis.core.homes import ANYBODY, Hello, read_answer, read_hello, write_hello
from axis.core.line import Asked, Cause, Queue, Sent, read_asked, sent_in, split, stopped_at, write_asked, write_sent

TOKEN = "0123456789abcdef" * 2
NOON = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)


def test_a_question_and_an_echo_are_read_as_they_were_written() -> None:
    for asked in (Asked(TOKEN), Asked(TOKEN, "2026-11-26T05:00:00.000Z")):
        assert read_asked(write_asked(asked)) == asked
    assert read_hello(write_asked(Asked(TOKEN))) is None, "a hub of before puts it aside"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"axis-home/1 ",
        b'axis-home/1 {"line": "x"}',
        b'axis-home/1 {"line": 7}',
        b'axis-home/1 {"line": "' + TOKEN.encode() + b'", "took": "yesterday"}',
        write_asked(Asked(TOKEN)) + b" " * 200,
        write_hello(Hello(TOKEN, TOKEN, 7, ANYBODY)),
    ],
)
def test_nothing_else_is_one(body: bytes) -> None:
    assert read_asked(body) is None


@pytest.mark.parametrize("wants_echo", [True, False])
def test_what_the_hub_sends_is_an_answer_to_nobody_who_has_asked(wants_echo: bool) -> None:
    sent = Sent(TOKEN, NOON, wants_echo)
    answer = read_answer(write_sent("H41", "an installation", sent))
    assert sent_in(answer.to) == sent
    assert len(answer.to) != len(TOKEN), "no run of an adapter is called so: one of before does nothing with it"


def test_the_answer_to_a_home_is_no_test() -> None:
    for to in (TOKEN, "", f"line other {TOKEN} 2026-11-26T05:00:00.000Z", f"line echo {TOKEN} noon", "line echo x y"):
        assert sent_in(to) is None


def test_who_does_not_read_a_queue_is_told_from_who_is_behind() -> None:
    assert stopped_at(Queue(3, 0)) is Cause.NO_READER
    assert stopped_at(Queue(3, 1)) is Cause.BEHIND
    assert stopped_at(Queue(0, 0)) is None
    assert stopped_at(Queue(None)) is None, "it is not told"


@pytest.mark.parametrize(
    ("took", "heard", "found"),
    [
        (20, 50, (20, 30, 0)),
        (-5, 50, (0, 55, 0)),
        (-4000, 50, (None, None, 4000)),
        (9000, 50, (None, None, 8950)),
    ],
)
def test_a_clock_that_is_wrong_is_said_and_not_believed(took: int, heard: int, found: tuple[object, ...]) -> None:
    moments = [NOON + timedelta(milliseconds=ms) for ms in (took, heard)]
    assert split(NOON, *moments) == found
