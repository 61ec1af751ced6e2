"""What the largest packets take of memory: hub and adapters as processes, as an operator starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from axis.trials import bench_line, bench_measure, bench_plan, bench_process
from axis.trials.bench_line import Line, Servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import PostgreSql, RabbitMq

PACKET = 50_000_000
PATIENCE = 150.0
# MB at the peak of one process. What is promised is 256; these are what was reached, with some room.
HUB, ADAPTER, EMBEDDED = 215, 215, 245


@pytest.fixture
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    servers = None
    if request.param == "served":
        rabbitmq: RabbitMq = request.getfixturevalue("rabbitmq")
        postgres: PostgreSql = request.getfixturevalue("postgres")
        servers = Servers(rabbitmq, postgres)
    shape = bench_plan.Shape(request.param, PACKET, 1, 2, 2, 0.0)
    made = Line(bench_line.present(), shape, tmp_path / "line", servers)
    try:
        made.make()
        yield made
    finally:
        made.remove()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "line", [pytest.param("served", marks=[pytest.mark.amqp, pytest.mark.postgres]), "embedded"], indirect=True
)
def test_packets_of_50_mb_one_after_the_other_stay_within_256_mb(line: Line) -> None:
    """Two at once: while one is dealt with the next is on its way."""
    line.start()
    letters = bench_plan.letters(line.shape, 0)
    bench_plan.write(letters, line.folder / "staged", bench_measure._now(), 1)
    for letter in letters:
        bench_measure.drop(line, line.folder / "staged", letter)
    bench_measure.await_receipts(line, len(letters), PATIENCE)
    peaks = {name: bench_process.peak_mb(pids) for name, pids in line.pids().items()}
    allowed = {"hub": HUB, "sender": ADAPTER, "recipient": ADAPTER, "line": EMBEDDED}
    assert {name: peak for name, peak in peaks.items() if peak > allowed.get(name, peak)} == {}
