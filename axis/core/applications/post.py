"""Papers through the post: collected from the citizen, results returned to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from axis.core.applications.application import Fields
from axis.core.applications.status import IN_ITS_HANDS, POST_MOVES, Post
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from datetime import datetime

Direction = Literal["collection", "return"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order to the post, as it stands. `waybill` is the post's own number: it has answered."""

    number: str  # of the application
    order: str
    direction: Direction
    status: Post
    waybill: str
    at: datetime


def read_order(value: object, direction: Direction) -> Order:
    """An order. Raises :class:`Rejected` with every finding. POSTAL_WAYBILL: it is said to be carried, and the post has
    not answered: clients are known to say so before they have asked."""
    fields = Fields(value)
    number, order = fields.number(), fields.text("orderNumber")
    status, at = fields.code("TrangThai", tuple(Post)), fields.time("ThoiDiem")
    waybill = fields.text("MaVanDon", required=False)
    if order and number and not order.startswith(f"{number}__"):
        fields.problems.append(Problem(Fault.PACKET_VALUE, "orderNumber", f"{number}__…", order[:60]))
    if status in IN_ITS_HANDS and not waybill:
        fields.problems.append(Problem(Fault.POSTAL_WAYBILL, "MaVanDon", got=status))
    fields.refuse()
    return Order(number, order, direction, Post(status), waybill, at)


def carry(known: Order | None, said: Order) -> Order:
    """The order after this was said of it. Raises :class:`Rejected`: APPLICATION_MOVE; POSTAL_REPEATED where its number
    belongs to another order already, or its waybill changes."""
    if known is None:
        if said.status not in {Post.NOT_USED, Post.REGISTERED}:
            raise Rejected(Problem(Fault.APPLICATION_MOVE, "TrangThai", "0, 1", f"— → {said.status}"))
        return said
    same = (known.number, known.direction) == (said.number, said.direction)
    if not same or (known.waybill and said.waybill != known.waybill):
        raise Rejected(Problem(Fault.POSTAL_REPEATED, "orderNumber", got=said.order))
    if said.status == known.status:
        return known
    if said.status not in POST_MOVES[known.status]:
        expected = ", ".join(sorted(POST_MOVES[known.status])) or "—"
        raise Rejected(Problem(Fault.APPLICATION_MOVE, "TrangThai", expected, f"{known.status} → {said.status}"))
    return said
