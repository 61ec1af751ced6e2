"""What the end of a connection or a channel means to the caller, in the catalogue's words."""

from __future__ import annotations

import re

from pika import exceptions

from axis.errors import AxisError, Fault, Misconfigured, Problem, Unavailable
from axis.infra.amqp.topology import lock_queue

_OTHER_ARGUMENT = re.compile(r"inequivalent arg '([^']*)' for queue '([^']*)'")


def translated(reason: Exception, queue: str = "") -> AxisError:
    """What a broken connection or channel means to the caller."""
    if isinstance(reason, AxisError):
        return reason
    text = text_of(reason)
    if isinstance(reason, exceptions.ChannelClosedByBroker):
        if reason.reply_code == 404:
            return Unavailable(Problem(Fault.BROKER_NO_QUEUE, got=queue or text))
        if reason.reply_code == 405 and queue.startswith(lock_queue("")):
            return Unavailable(Problem(Fault.ADAPTER_TWICE, got=queue.removeprefix(lock_queue(""))))
        if reason.reply_code == 406 and (other := _OTHER_ARGUMENT.search(text)):
            return Misconfigured(Problem(Fault.BROKER_OTHER_QUEUE, got=other[2], expected=other[1]))
        if reason.reply_code in {403, 406, 530}:
            return Misconfigured(Problem(Fault.BROKER_CONFIG, got=text))
    if isinstance(reason, exceptions.NoFreeChannels):
        return Misconfigured(Problem(Fault.BROKER_CONFIG, got="channel_max is too low"))
    # pika calls every loss during log-in a probable wrong password; only the broker's own word counts.
    if any(word in text for word in ("ACCESS_REFUSED", "NOT_ALLOWED", "certificate verify failed")):
        return Misconfigured(Problem(Fault.BROKER_CONFIG, got=text))
    return Unavailable(Problem(Fault.BROKER_DOWN, got=text))


def text_of(reason: BaseException) -> str:
    """What happened, in few enough characters for a line in the log."""
    # pika's exceptions say most in repr(); their name is in it.
    return repr(reason)[:300]
