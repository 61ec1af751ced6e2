"""Which copy of an agency's home is speaking: a home that was put back to an older copy must not decide anything twice.

A file in the home is put back with the home, so the other side remembers. Each home has an instance id; each start of
its adapter a token of its own; its journal a sequence that rises with every change. What the adapter publishes names
the three (:class:`Origin`), the hub keeps the highest, and at its start the adapter asks (:class:`Hello`) and works
when the hub has answered that it is :attr:`Standing.CURRENT`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from axis.core import xml
from axis.core.instant import from_text
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence


NAMESPACE = "urn:axis:home:1"
ANYBODY = "*"  # a home that takes the place of whatever the hub knows, by its operator's word
ASKS = b"axis-home/1 "  # the beginning of what an adapter asks its hub
_TOKEN = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LARGEST = 2**62


class Standing(StrEnum):
    """What a home is to the hub."""

    UNKNOWN = "unknown"  # it has not answered yet
    CURRENT = "current"
    BEHIND = "behind"  # the hub has heard more from this agency than this home knows
    COPIED = "copied"  # two copies of it work at the same time


@dataclass(frozen=True)
class Origin:
    """Who has published a message: which home, in which run of its adapter, with how much in its journal."""

    instance: str
    start: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.instance}/{self.start}/{self.sequence}"


def read_origin(text: str) -> Origin | None:
    """The :class:`Origin` that is written so; None for anything else."""
    instance, _, rest = text.partition("/")
    start, _, number = rest.partition("/")
    if not (_TOKEN.fullmatch(instance) and _TOKEN.fullmatch(start) and _NUMBER.fullmatch(number)):
        return None
    return Origin(instance, start, int(number))


@dataclass(frozen=True)
class Hello:
    """A home's question at the start of its adapter. `follows`: the instance whose place it takes, `ANYBODY`'s, or "";
    `since`: what was sent to it from then on (a moment as text) may be unknown to it; of one that took another's place
    lately, too."""

    instance: str
    start: str
    sequence: int
    follows: str = ""
    since: str = ""


def write_hello(hello: Hello) -> bytes:
    """A message's body. It is believed on the broker's word about who published it."""
    return ASKS + json.dumps(asdict(hello), sort_keys=True).encode("ascii")


def is_hello(body: bytes) -> bool:
    """Whether a message is a question of this kind, good or bad."""
    return body.startswith(ASKS)


def read_hello(body: bytes) -> Hello | None:
    """The question in `body`; None when it is not in its form."""
    try:
        hello = Hello(**json.loads(body[len(ASKS) : 400]))
        good = (
            _TOKEN.fullmatch(hello.instance)
            and _TOKEN.fullmatch(hello.start)
            and (hello.follows in {"", ANYBODY} or _TOKEN.fullmatch(hello.follows))
            and type(hello.sequence) is int
            and 0 <= hello.sequence < _LARGEST
            and (not hello.since or from_text(hello.since))
        )
    except (TypeError, ValueError):
        return None
    return hello if good else None


@dataclass(frozen=True)
class Answer:
    """What the hub says to an agency about the home that works for it: `instance` and `start` are its, `sequence` the
    highest that was heard; `follows`: whose place it has taken."""

    agency: str
    installation: str
    standing: Standing
    to: str  # the start that has asked, or was found out
    instance: str
    start: str
    sequence: int
    follows: str = ""


_FIELDS = ("agency", "installation", "standing", "to", "instance", "start", "sequence", "follows")


def write_answer(answer: Answer) -> bytes:
    """home.xml: one encoding for each value."""
    facts = asdict(answer)
    attributes = " ".join(f"{name}={quoteattr(str(facts[name]))}" for name in _FIELDS)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<home xmlns="{NAMESPACE}" {attributes}/>\n'.encode()


def read_answer(data: bytes) -> Answer:
    """The answer in `data`, a verified parcel's content. Raises :class:`Rejected` RECEIPT_INVALID unless writing it
    again gives `data`."""
    root = xml.parse(data, max_bytes=10_000)
    try:
        facts = {name: xml.attribute(root, name) for name in _FIELDS}
        answer = Answer(
            facts["agency"],
            facts["installation"],
            Standing(facts["standing"]),
            facts["to"],
            facts["instance"],
            facts["start"],
            int(facts["sequence"]),
            facts["follows"],
        )
    except (ValueError, KeyError) as error:
        raise rejected(Fault.RECEIPT_INVALID, f"{type(error).__name__} {str(error)[:100]}") from None
    if write_answer(answer) != data:
        raise rejected(Fault.RECEIPT_INVALID, "not in the one allowed form")
    return answer


# -- What the hub remembers ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """A home that was heard: `began` is its sequence when the run `start` began, `sequence` the highest. `current`: it
    works for its agency; otherwise another has taken its place. `told`: that there are two of it."""

    instance: str
    start: str
    began: int
    sequence: int
    follows: str = ""
    current: bool = True
    told: bool = False


def greet(known: Sequence[Known], hello: Hello) -> tuple[Standing, Known, bool]:
    """(what a home is that has asked, the one that works for its agency from now on, whether that one takes another's
    place and so does not know what was sent to it last).

    1 nobody was heard before: it is the one. The record may have been put back, too, and have lost what the home was to
      be told when it took another's place: it is told once more, as if it had taken its own
    2 the same question once more, asked by the one: the same answer
    3 the one itself: not with less in its journal than was heard from it; one that takes another's place and has said
      nothing yet still does
    4 another home takes its place: only by its operator's word
    """
    current = next((one for one in known if one.current), None)
    fresh = Known(hello.instance, hello.start, hello.sequence, hello.sequence, hello.follows)
    if current is None:  # 1
        follows = hello.follows or (hello.instance if hello.since else "")
        return Standing.CURRENT, replace(fresh, follows=follows), bool(follows)
    if hello.instance == current.instance:
        if hello.start == current.start:  # 2
            return Standing.CURRENT, current, bool(current.follows)
        if hello.sequence < current.sequence:  # 3
            return Standing.BEHIND, current, False
        # Nothing was heard of the run before: it may have died before it was told what it does not know.
        is_untold = bool(current.follows) and current.sequence == current.began
        follows = current.follows if is_untold else ""
        return Standing.CURRENT, Known(hello.instance, hello.start, hello.sequence, hello.sequence, follows), is_untold
    if hello.follows in {current.instance, ANYBODY} and not any(one.instance == hello.instance for one in known):  # 4
        return Standing.CURRENT, Known(**{**asdict(fresh), "follows": current.instance}), True
    return Standing.BEHIND, current, False


def heard(known: Sequence[Known], origins: Sequence[Origin]) -> tuple[Known | None, Origin | None]:
    """(the home that works for an agency after messages of these origins, None where nothing changes; the first origin
    that shows that two copies work at the same time).

    What the current home published before its present run began is older than that; a home that another has taken the
    place of says nothing new. A copy does.
    """
    current = next((one for one in known if one.current), None)
    if current is None:  # it has not asked yet, or what was known of it is lost: it asks again
        return None, None
    limits = {one.instance: one.began if one.current else one.sequence for one in known}
    own = [one for one in origins if (one.instance, one.start) == (current.instance, current.start)]
    others = [one for one in origins if (one.instance, one.start) != (current.instance, current.start)]
    foreign = next((one for one in others if one.sequence > limits.get(one.instance, -1)), None)
    highest = max([current.sequence, *(one.sequence for one in own)])
    told = current.told or foreign is not None
    if (highest, told) == (current.sequence, current.told):
        return None, foreign if not current.told else None
    changed = Known(**{**asdict(current), "sequence": highest, "told": told})
    return changed, foreign if not current.told else None
