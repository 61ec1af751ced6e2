"""Every cell of the tables: each legal move leads where it must, each gap raises and changes nothing."""

from __future__ import annotations

import itertools

import pytest

from axis.core.hub.lifecycle import (
    DELIVERY,
    FINAL,
    STATUS_CODES,
    IllegalStepError,
    Stage,
    State,
    Step,
    Turn,
    climb,
    move,
    turn,
)
from tests import make_diagrams

WANTED = {
    "ACCEPTED": {
        "CONSIGNED": "QUEUED",
        "HANDED_OVER": "HANDED_OVER",
        "REFUSED": "REFUSED",
        "GAVE_UP": "FAILED",
        "WITHDRAWN": "RECALLED",
        "MOVED": "ACCEPTED",
    },
    "QUEUED": {
        "CONSIGNED": "QUEUED",
        "HANDED_OVER": "HANDED_OVER",
        "REFUSED": "REFUSED",
        "GAVE_UP": "FAILED",
        "WITHDRAWN": "RECALLED",
        "MOVED": "ACCEPTED",
    },
    "FAILED": {
        "CONSIGNED": "QUEUED",
        "HANDED_OVER": "HANDED_OVER",
        "REFUSED": "REFUSED",
        "GAVE_UP": "FAILED",
        "WITHDRAWN": "RECALLED",
        "MOVED": "ACCEPTED",
    },
    "HANDED_OVER": {"CONSIGNED": "HANDED_OVER", "HANDED_OVER": "HANDED_OVER", "GAVE_UP": "HANDED_OVER"},
    "REFUSED": {"CONSIGNED": "REFUSED", "REFUSED": "REFUSED", "GAVE_UP": "REFUSED"},
    "RECALLED": {"CONSIGNED": "RECALLED", "WITHDRAWN": "RECALLED", "GAVE_UP": "RECALLED"},
}


@pytest.mark.parametrize(("state", "step"), list(itertools.product(State, Step)))
def test_every_cell_of_the_delivery_table(state: State, step: Step) -> None:
    wanted = WANTED[state.value].get(step.value)
    if wanted is None:
        with pytest.raises(IllegalStepError):
            move(state, step)
    else:
        assert move(state, step) == wanted


def test_final_states_are_never_left() -> None:
    for state in FINAL:
        assert set(DELIVERY[state].values()) == {state}


DEMANDS = {
    "PENDING": {
        "WITHDRAWN": "WITHDRAWN",
        "TOO_LATE": "OPEN",
        "NOTHING": "VOID",
        "AGREED": "AGREED",
        "DECLINED": "DECLINED",
    },
    "OPEN": {"TOO_LATE": "OPEN", "AGREED": "AGREED", "DECLINED": "DECLINED", "OVERTAKEN": "OVERTAKEN"},
    "WITHDRAWN": {"WITHDRAWN": "WITHDRAWN"},
    "VOID": {"NOTHING": "VOID"},
    "AGREED": {"TOO_LATE": "AGREED", "AGREED": "AGREED"},
    "DECLINED": {"TOO_LATE": "DECLINED", "DECLINED": "DECLINED"},
    "OVERTAKEN": {"OVERTAKEN": "OVERTAKEN"},
}


@pytest.mark.parametrize(("stage", "what"), list(itertools.product(Stage, Turn)))
def test_every_cell_of_the_table_of_demands(stage: Stage, what: Turn) -> None:
    wanted = DEMANDS[stage.value].get(what.value)
    if wanted is None:
        with pytest.raises(IllegalStepError):
            turn(stage, what)
    else:
        assert turn(stage, what) == wanted


LADDER = {
    "": {"01": "01", "02": "02", "03": "03", "04": "04", "05": "05", "06": "06"},
    "01": {"01": "01", "02": "02", "03": "03", "04": "04", "05": "05", "06": "06"},
    "02": {"01": "02", "02": "02"},
    "03": {"01": "03", "03": "03", "04": "04", "05": "05", "06": "06"},
    "04": {"01": "04", "03": "04", "04": "04", "05": "05", "06": "06"},
    "05": {"01": "05", "03": "05", "04": "05", "05": "05", "06": "06"},
    "06": {"01": "06", "03": "06", "04": "06", "05": "06", "06": "06"},
}


@pytest.mark.parametrize(("current", "code"), list(itertools.product(LADDER, ["01", "02", "03", "04", "05", "06"])))
def test_every_cell_of_the_business_ladder(current: str, code: str) -> None:
    wanted = LADDER[current].get(code)
    if wanted is None:
        with pytest.raises(IllegalStepError):
            climb(current, code)
    else:
        assert climb(current, code) == wanted


def test_the_codes_are_those_in_use() -> None:
    assert sorted(STATUS_CODES) == ["01", "02", "03", "04", "05", "06", "13", "15", "16"]


def test_the_diagrams_are_those_of_the_tables() -> None:
    assert make_diagrams.TARGET.read_text("utf-8") == make_diagrams.text(), "run python -m tests.make_diagrams"
