"""Queues in memory that give exactly the batches, and the outcomes of publishing, that a case asks for. What the brokers
themselves promise is tried in tests/contract/test_broker.py; here the hub is tried."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from axis.core.message import Delivered, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from axis.core.message import DeadLetter, Message, Route


class Queues:
    """The :class:`axis.core.message.Broker` port. `ready` is the next batch; `out` what was published and is there."""

    def __init__(self) -> None:
        self.ready: list[Delivered] = []
        self.out: list[Message] = []
        self.rejected: list[Message] = []
        self.unacknowledged: dict[object, Delivered] = {}
        self.outcomes: dict[str, Outcome] = defaultdict(lambda: Outcome.CONFIRMED)  # of what is published to an agency
        self.arriving: set[str] = set()  # what fails to these agencies has arrived all the same
        self.depths: dict[str, int] = {}  # by agency: messages that wait in its queue

    def declare(self, codes: Iterable[str]) -> None:
        pass

    def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        outcomes = [self.outcomes[one.route.code] for one in messages]
        for one, said in zip(messages, outcomes, strict=True):
            if said is Outcome.CONFIRMED or one.route.code in self.arriving:
                self.out.append(one)
        return outcomes

    def receive(self, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float) -> list[Delivered]:
        wanted = {(route.code, route.urgent) for route in routes if route.direction == "in"}
        taken = [d for d in self.ready if (d.message.route.code, d.message.route.urgent) in wanted][:limit]
        for one in taken:
            self.ready.remove(one)
            self.unacknowledged[one.handle] = one
        return taken

    def ack(self, deliveries: Sequence[Delivered]) -> None:
        for one in deliveries:
            self.unacknowledged.pop(one.handle, None)

    def reject(self, deliveries: Sequence[Delivered]) -> None:
        self.ack(deliveries)
        self.rejected += [one.message for one in deliveries]

    def depth(self, route: Route) -> int:
        return 0 if route.urgent else self.depths.get(route.code, 0)

    def dead_depth(self) -> int:
        return len(self.rejected)

    def sift_dead_letters(self, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
        raise NotImplementedError  # only an operator's command asks for it

    def sift(self, route: Route, limit: int, are_done: Callable[[Sequence[Delivered]], Sequence[bool]]) -> None:
        """Agencies have been given whatever was published."""

    def close(self) -> None:
        pass
