"""What is to befall the line in each part of a campaign."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from axis.commands.adapter import adapter


@dataclass(frozen=True)
class Plan:
    """What is to happen, in numbers; spread evenly over the documents, or over the time where `seconds` is given."""

    seed: int
    documents: int
    seconds: float
    kills: int
    broker_kills: int
    database_kills: int
    network_faults: int
    cluster_faults: int
    mixed_mails: int = 0  # times that a queue's messages are taken out and come back in another order, some twice
    freezes: int = 0  # times that a hub or an adapter stands still past every timeout
    wrong_clocks: int = 0  # times that the clock of one of them is two hours fast or slow for a while
    database_troubles: int = 0  # times that the database lets nobody write, or not into one table, or has a full disk
    restores: int = 0  # times that the hub's record is put back to an older backup
    homes_put_back: int = 0  # times that an adapter's home is put back to an older copy
    recalls: float = 0.05  # the share of documents that are recalled
    backlog: int = 60  # documents on their way for each agency: of more, more is touched by each death
    patience: float = 900.0  # seconds, after the last fault, for everything to arrive


def plans(asked: argparse.Namespace) -> dict[str, Plan]:
    """A run on one node, and one on a cluster of three."""
    if asked.minutes:
        minutes = asked.minutes
        few = max(2, int(0.4 * minutes))  # of what takes long
        return {
            "node": Plan(
                asked.seed,
                0,
                0.55 * minutes * 60,  # the rest is for starting and for coming to rest
                kills=int(12 * minutes),
                broker_kills=max(1, int(minutes)),
                database_kills=max(1, int(minutes / 2)),
                network_faults=int(3 * minutes),
                cluster_faults=0,
                mixed_mails=int(3 * minutes),
                freezes=few,
                wrong_clocks=2 * few,
                database_troubles=max(3, int(minutes)),
                restores=max(1, int(minutes / 10)),
                homes_put_back=few if "restored" in adapter.commands else 0,
            ),
            "cluster": Plan(
                asked.seed,
                0,
                0.25 * minutes * 60,
                kills=int(3 * minutes),
                broker_kills=0,
                database_kills=max(1, int(minutes / 5)),
                network_faults=0,
                cluster_faults=max(2, int(minutes / 2)),
            ),
        }
    share = max(1, asked.documents // 20)
    return {
        "node": Plan(
            asked.seed,
            asked.documents - share,
            0,
            kills=asked.kills - asked.kills // 20,
            broker_kills=asked.broker_kills,
            database_kills=asked.database_kills - asked.database_kills // 10,
            network_faults=asked.network_faults,
            cluster_faults=0,
            mixed_mails=asked.mixed_mails,
            freezes=asked.freezes,
            wrong_clocks=asked.wrong_clocks,
            database_troubles=asked.database_troubles,
            restores=asked.restores,
            homes_put_back=asked.homes_put_back,
            backlog=asked.backlog,
        ),
        "cluster": Plan(
            asked.seed,
            share,
            0,
            kills=asked.kills // 20,
            broker_kills=0,
            database_kills=asked.database_kills // 10,
            network_faults=0,
            cluster_faults=asked.cluster_faults,
            backlog=asked.backlog,
        ),
    }
