"""The ten statuses of an application and the five of a postal order, as tables: what may follow what, who may say it.

An application has a receiver, where the citizen hands it in, and a resolver, which decides on it: since 2025 it may be
handed in anywhere in the province, so the two are often not the same agency. What happens at the counter the receiver
says, what happens to the matter the resolver.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """The National Public Service Portal's codes."""

    REGISTERED = "1"
    ACCEPTED = "2"
    NOT_ACCEPTED = "3"
    PROCESSING = "4"
    SUPPLEMENT = "5"  # papers are missing
    PAYMENT = "6"  # a fee is to be paid
    WITHDRAWN = "7"  # by the citizen
    STOPPED = "8"
    PROCESSED = "9"
    RETURNED = "10"  # the result is with the citizen


_ON_THE_WAY = (Status.PROCESSING, Status.WITHDRAWN, Status.STOPPED)
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.REGISTERED: frozenset({Status.ACCEPTED, Status.NOT_ACCEPTED}),
    Status.ACCEPTED: frozenset({*_ON_THE_WAY, Status.SUPPLEMENT, Status.PAYMENT}),
    Status.NOT_ACCEPTED: frozenset(),
    Status.PROCESSING: frozenset(
        {Status.SUPPLEMENT, Status.PAYMENT, Status.WITHDRAWN, Status.STOPPED, Status.PROCESSED}
    ),
    Status.SUPPLEMENT: frozenset(_ON_THE_WAY),
    Status.PAYMENT: frozenset(_ON_THE_WAY),
    Status.WITHDRAWN: frozenset(),
    Status.STOPPED: frozenset(),
    Status.PROCESSED: frozenset({Status.RETURNED}),
    Status.RETURNED: frozenset(),
}
INITIAL = frozenset({Status.REGISTERED, Status.ACCEPTED})  # on line; at the counter
FINAL = frozenset(status for status, after in MOVES.items() if not after)
AT_THE_COUNTER = frozenset(
    {Status.REGISTERED, Status.ACCEPTED, Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.RETURNED}
)  # what the receiver says; the rest is the resolver's


class Post(StrEnum):
    """What the post has done with an order, either way."""

    NOT_USED = "0"
    REGISTERED = "1"
    CARRIED = "2"
    DELIVERED = "3"
    CANCELLED = "4"


POST_MOVES: Mapping[Post, frozenset[Post]] = {
    Post.NOT_USED: frozenset({Post.REGISTERED}),
    Post.REGISTERED: frozenset({Post.CARRIED, Post.CANCELLED}),
    Post.CARRIED: frozenset({Post.DELIVERED, Post.CANCELLED}),
    Post.DELIVERED: frozenset(),
    Post.CANCELLED: frozenset(),
}
IN_ITS_HANDS = frozenset({Post.CARRIED, Post.DELIVERED})  # then it has given a waybill
