"""What an agency's own clerks have said of a document that was handed over: from its own home, which knows the hub's
record no better than by what came from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.hub.lifecycle import ARRIVED
from axis.errors import AxisError
from axis.infra.journal import lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from axis.core.registry import Registry
    from axis.infra.journal.journals import Journal


def amend(
    journals: Mapping[str, Journal],
    about: Mapping[str, Any],
    causes: Sequence[dict[str, Any]],
    registry: Callable[[], Registry] | None,
) -> None:
    """In the causes of a trace `about` a document: the clerks of who has it have said something of it since. `registry`
    says whose unit an organ is."""
    waiting = [one for one in causes if one["cause"] == "own.handed_over" and one["recipient"] in journals]
    if not waiting or not about["document_id"]:
        return
    journal = journals[waiting[0]["recipient"]]
    with journal.database.read() as connection:
        rows = lookup.reported(connection, [one["recipient"] for one in waiting], about["document_id"])
    mine = [row for row in rows if _is_about(row["facts"].get("about", ""), about["from"], registry)]
    for one in waiting:
        said = [row for row in mine if row["agency"] == one["recipient"] and row["facts"].get("status_code") > ARRIVED]
        if (last := max(said, key=lambda row: row["created_at"], default=None)) is not None:
            one |= {"cause": "own.reported", "actor": "nobody", "since": last["created_at"]}
            one["facts"] = {**one["facts"], "status": last["facts"]["status_code"]}


def _is_about(organ_id: str, sender: str, registry: Callable[[], Registry] | None) -> bool:
    """Whether a status that names this organ is about a document of `sender`: two may have given the same id."""
    if organ_id in {"", sender} or registry is None:
        return organ_id in {"", sender}
    try:
        return registry().member_for(organ_id).code == registry().member_for(sender).code
    except AxisError:
        return False
