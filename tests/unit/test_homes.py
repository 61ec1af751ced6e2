"""Which home of an agency works, by what the hub has heard: questions, what is published, and what shows a copy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axis.core import homes
from axis.core.homes import ANYBODY, Answer, Hello, Known, Origin, Standing
from axis.errors import Fault, Rejected

A, B, C = "a" * 32, "b" * 32, "c" * 32
FIRST, SECOND, THIRD = "1" * 32, "2" * 32, "3" * 32
KNOWN = Known(A, FIRST, 10, 20)


def greet(hello: Hello, *known: Known) -> tuple[Standing, str, int, bool]:
    standing, home, replaced = homes.greet(known, hello)
    return standing, home.instance, home.sequence, replaced


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        (Hello(A, SECOND, 20), (Standing.CURRENT, A, 20, False)),
        (Hello(A, SECOND, 25), (Standing.CURRENT, A, 25, False)),
        (Hello(A, SECOND, 19), (Standing.BEHIND, A, 20, False)),
        (Hello(A, FIRST, 10), (Standing.CURRENT, A, 20, False)),  # the same question, come once more
        (Hello(B, SECOND, 99), (Standing.BEHIND, A, 20, False)),
        (Hello(B, SECOND, 3, A), (Standing.CURRENT, B, 3, True)),
        (Hello(B, SECOND, 3, ANYBODY), (Standing.CURRENT, B, 3, True)),
        (Hello(B, SECOND, 3, C), (Standing.BEHIND, A, 20, False)),
    ],
)
def test_what_a_home_is_that_asks(hello: Hello, expected: tuple[Standing, str, int, bool]) -> None:
    assert greet(hello, KNOWN) == expected


def test_the_first_that_asks_is_the_one() -> None:
    assert greet(Hello(A, FIRST, 0)) == (Standing.CURRENT, A, 0, False)
    assert greet(Hello(A, FIRST, 5, B)) == (Standing.CURRENT, A, 5, True), "and may not know what was sent"


def test_what_a_home_was_told_when_it_took_anothers_place_is_lost_with_a_record_that_does_not_know_it() -> None:
    once = Hello(A, SECOND, 25, "", "2026-11-23T03:00:00.000Z")
    assert greet(once, KNOWN) == (Standing.CURRENT, A, 25, False), "a record that knows it has told it"
    standing, home, is_told = homes.greet([], once)
    assert (standing, home.follows, is_told) == (Standing.CURRENT, A, True)
    assert homes.greet([home], Hello(B, THIRD, 99, A))[0] is Standing.CURRENT, "its operator's word counts as ever"
    assert homes.greet([home], replace(once, start=THIRD, sequence=26))[2], "until it has heard of it"
    at_work = replace(home, sequence=30)
    assert homes.greet([at_work], replace(once, start=THIRD, sequence=30))[1:] == (Known(A, THIRD, 30, 30), False)


def test_a_home_that_another_has_replaced_does_not_come_back_by_what_it_once_followed() -> None:
    gone = Known(A, FIRST, 10, 20, current=False)
    now = Known(B, SECOND, 3, 9, follows=A)
    assert greet(Hello(A, THIRD, 99, B), gone, now)[0] is Standing.BEHIND
    assert greet(Hello(A, THIRD, 99, ANYBODY), gone, now)[0] is Standing.BEHIND
    assert greet(Hello(B, SECOND, 3, A), gone, now) == (Standing.CURRENT, B, 9, True), "asked again: sent again"


def test_a_home_that_died_before_it_was_answered_still_does_not_know_what_was_sent() -> None:
    told = Known(B, FIRST, 3, 3, follows=A)
    standing, home, replaced = homes.greet([told], Hello(B, SECOND, 4, A))
    assert (standing, home.follows, replaced) == (Standing.CURRENT, A, True)
    assert homes.greet([home], Hello(B, THIRD, 5, A))[2], "however often it dies"
    at_work = replace(told, sequence=9)
    assert homes.greet([at_work], Hello(B, SECOND, 9, A))[1:] == (Known(B, SECOND, 9, 9), False)


@pytest.mark.parametrize(
    ("origin", "highest", "copied"),
    [
        (Origin(A, FIRST, 25), 25, False),
        (Origin(A, FIRST, 5), 20, False),  # overtaken by an urgent one, or come once more
        (Origin(A, SECOND, 10), 20, False),  # of the run before: on its way when this one began
        (Origin(A, SECOND, 11), 20, True),
        (Origin(B, SECOND, 7), 20, False),  # of a home that was replaced
        (Origin(B, SECOND, 8), 20, True),
        (Origin(C, SECOND, 0), 20, True),
    ],
)
def test_what_a_message_shows(origin: Origin, highest: int, copied: bool) -> None:
    changed, foreign = homes.heard([KNOWN, Known(B, THIRD, 1, 7, current=False)], [origin])
    assert (changed or KNOWN).sequence == highest
    assert (foreign is not None) == copied
    assert (changed or KNOWN).told == copied


def test_that_there_are_two_is_told_once_for_each_run() -> None:
    told = replace(KNOWN, told=True)
    assert homes.heard([told], [Origin(A, SECOND, 50)]) == (None, None)
    _, again, _ = homes.greet([told], Hello(A, THIRD, 60))
    assert not again.told


def test_nothing_is_concluded_from_messages_of_homes_that_never_asked() -> None:
    assert homes.heard([], [Origin(A, FIRST, 5)]) == (None, None)


def test_an_origin_is_read_as_it_was_written_and_nothing_else_is() -> None:
    origin = Origin(A, FIRST, 17)
    assert homes.read_origin(str(origin)) == origin
    for text in ("", "a/b/1", f"{A}/{FIRST}/-1", f"{A}/{FIRST}/1/2", f"{A}/{FIRST}/{'9' * 30}", f"{A}\n/{FIRST}/1"):
        assert homes.read_origin(text) is None, text


def test_a_question_is_read_as_it_was_written_and_nothing_else_is() -> None:
    for hello in (Hello(A, FIRST, 0), Hello(A, FIRST, 5, B, "2026-11-23T03:00:00.000Z"), Hello(A, FIRST, 5, ANYBODY)):
        body = homes.write_hello(hello)
        assert homes.is_hello(body)
        assert homes.read_hello(body) == hello
    start = homes.write_hello(Hello(A, FIRST, 5))
    bad = [
        b"{}",
        b"[" * 5000,
        start[len(b"axis-home/1 ") :].replace(b"5", b"true"),
        start[len(b"axis-home/1 ") :].replace(b"5", b"-5"),
        start[len(b"axis-home/1 ") :].replace(b"aaaa", b"zzzz", 1),
        start[len(b"axis-home/1 ") :].replace(b'"since": ""', b'"since": "yesterday"'),
    ]
    for content in bad:
        assert homes.read_hello(b"axis-home/1 " + content) is None, content
    assert not homes.is_hello(b"PK")


def test_an_answer_has_one_form() -> None:
    answer = Answer("H41", "installation", Standing.BEHIND, SECOND, A, FIRST, 20, B)
    data = homes.write_answer(answer)
    assert homes.read_answer(data) == answer
    for altered in (data.replace(b"behind", b"ahead"), data.replace(b'"20"', b'"020"'), data.replace(b"/>", b" />")):
        with pytest.raises(Rejected) as caught:
            homes.read_answer(altered)
        assert caught.value.fault is Fault.RECEIPT_INVALID
