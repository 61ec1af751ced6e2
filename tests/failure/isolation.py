"""Does one agency's trouble slow the others down? A measurement, not a test: it wants a quiet machine.

    python -m tests.failure.isolation --seconds 150 --parked 100000

Three agencies write to one another at a steady rate and the time from outbox to inbox is taken. Then a fourth has its
adapter stopped and 100,000 documents parked for it, a fifth fills its queue and sends on at 100 times its allowance, and the time is
taken again. Both in one run; the ratio of the 99th percentiles is the result.

The parked documents are copies of one accepted document's rows, made in the database: sending so many takes an hour
and leaves the same rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from axis.core import edxml, parcel
from axis.core.message import Message, Outcome, Route
from axis.infra import keystore
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.database import Database
from tests.failure.installation import Installation
from tests.line import document
from tests.servers import PostgreSql, RabbitMq

QUIET = ("G22", "H41", "G06")
STOPPED, FLOODER = "H29", "G18"
RATE = 2.0  # documents a second of each of the three
ALLOWANCE = 2.0  # documents a second, of one hub worker
FLOOD = 100 * ALLOWANCE

PARK = [
    """INSERT INTO submission (axis_id, key, kind, sender, owner, organ_id, document_id, code, subject, status_code, priority,
       content_digest, parcel_digest, acceptance_digest, registry_version, received_at, body_digest)
       SELECT 'parked-' || n, key || n, kind, sender, owner, organ_id, document_id || n, code, subject, status_code, priority,
       content_digest, parcel_digest, acceptance_digest, registry_version, received_at, body_digest
       FROM submission, generate_series(1, :count) n WHERE axis_id = :axis_id""",
    """INSERT INTO delivery (id, axis_id, recipient, units, state, attempts, updated_at, tried)
       SELECT 'parked-' || n, 'parked-' || n, recipient, units, 'ACCEPTED', 0, updated_at, false
       FROM delivery, generate_series(1, :count) n WHERE axis_id = :axis_id""",
    """INSERT INTO outbox (code, urgent, message_id, body_digest, proof_digest, delivery_id, not_before, attempts, created_at)
       SELECT :code, false, 'parked-' || n, parcel_digest, acceptance_digest, 'parked-' || n, received_at, 0, received_at
       FROM submission, generate_series(1, :count) n WHERE axis_id = :axis_id""",
]


def measure(line: Installation, seconds: float, first: int) -> list[float]:
    """Seconds from outbox to inbox of every document of the three, at `RATE` a second each."""
    begun, number = time.monotonic(), first
    dropped: dict[str, float] = {}
    arrived: dict[str, float] = {}
    while time.monotonic() < begun + seconds or (
        len(arrived) < len(dropped) and time.monotonic() < begun + seconds + 60
    ):
        for place, code in enumerate(QUIET):
            turn = begun + (number - first) / 3 / RATE
            if (number - first) % 3 == place and turn <= time.monotonic() < begun + seconds:
                number += 1
                to = QUIET[(place + 1) % 3]
                data = document(number, sender=code, to=(to,), content=b"%d" % number)
                temporary = line.folders[code] / "outbox" / f".{number}"
                temporary.write_bytes(data)
                dropped[f"{number}/TN-{code}"] = time.time()
                temporary.rename(line.folders[code] / "outbox" / f"{number}.edxml")
        for code in QUIET:
            for path in (line.folders[code] / "inbox").glob("[!.]*.edxml"):
                packet = edxml.convert(path.read_bytes()).packet
                if packet is not None and packet.code in dropped:
                    arrived[packet.code] = path.stat().st_ctime  # when it was renamed to where it can be seen
                path.unlink()
        time.sleep(0.02)
    if len(arrived) < len(dropped):
        print(f"{len(dropped) - len(arrived)} did not arrive in time", file=sys.stderr)
    return sorted(arrived[code] - dropped[code] for code in arrived)


def signed_flood(key: Path, count: int) -> list[Message]:
    """`count` good documents of the flooding agency. Made before: its machine is another."""
    signer = keystore.load_signer(key, FLOODER)
    found = []
    for number in range(1, count + 1):
        converted = edxml.convert(document(number, sender=FLOODER, to=("H63",), content=b"flood %d" % number))
        signed = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, signer, datetime.now(UTC))
        found.append(Message(f"flood{number}", Route("in", FLOODER), signed, user_id=FLOODER))
    return found


def flood(url: str, messages: list[Message], until: float) -> None:
    """First what fills the agency's queue, then `FLOOD` a second, over and over."""
    os.nice(5)  # it stands for a machine elsewhere
    broker = AmqpBroker(url, user_id=FLOODER)
    outcomes: Counter[Outcome] = Counter()
    for first in range(0, len(messages), 100):
        outcomes.update(broker.publish(messages[first : first + 100]))
    number, begun = 0, time.time()
    while time.time() < until:
        batch = []
        while number < (time.time() - begun) * FLOOD:
            number += 1
            batch.append(messages[number % len(messages)])
        outcomes.update(broker.publish(batch[:100]))
        time.sleep(0.05)
    said = {outcome.value: count for outcome, count in outcomes.items()}
    print(f"flooded with {len(messages)}, then {number / (time.time() - begun):.0f}/s: {said}", flush=True)
    broker.close()


def park(line: Installation, count: int) -> None:
    """`count` documents for the stopped agency, as rows."""
    folder = line.folders["G22"]
    known = set((folder / "receipts").glob("*.A.1.asice"))
    (folder / "outbox" / "seed.edxml").write_bytes(document(1, to=(STOPPED,), content=b"seed"))
    while not (new := set((folder / "receipts").glob("*.A.1.asice")) - known):
        time.sleep(0.1)
    axis_id = new.pop().name.split(".")[0]
    database = Database(os.environ["AXIS_DATABASE_URL"])
    with database.begin() as connection:
        for statement in PARK:
            values = {"count": count, "axis_id": axis_id, "code": STOPPED}
            connection.execute(
                sa.text(statement).bindparams(**{k: v for k, v in values.items() if f":{k}" in statement})
            )
    database.close()
    engine = sa.create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # what making the rows costs is not what having them costs
        connection.execute(sa.text("VACUUM ANALYZE"))
        connection.execute(sa.text("CHECKPOINT"))
    engine.dispose()


def main() -> int:
    """Print both percentiles and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--parked", type=int, default=100_000)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="axis-isolation-") as temporary, ExitStack() as stack:
        postgres = stack.enter_context(PostgreSql())
        broker = stack.enter_context(RabbitMq())
        line = Installation(Path(temporary), broker, postgres, None, None)
        with (Path(temporary) / "hub" / "axis.toml").open("a") as settings:
            settings.write(f"\n[hub]\nagency_documents_per_second = {ALLOWANCE}\n")
        url = broker.add_agency(line.vhost, FLOODER)
        messages = signed_flood(Path(temporary) / FLOODER / "keys", 11_000)
        for service in line.services:
            if service.name != STOPPED:
                service.start()
        measure(line, 15, 1000)  # until everything is warm
        before = measure(line, asked.seconds, 10_000)
        park(line, asked.parked)
        until = time.time() + asked.seconds + 60
        flooder = multiprocessing.get_context("fork").Process(target=flood, args=(url, messages, until))
        flooder.start()
        measure(line, 45, 15_000)  # who has rested takes longer for the first ones, beside anybody
        after = measure(line, asked.seconds, 20_000)
        flooder.join()
        database = Database(os.environ["AXIS_DATABASE_URL"])
        with database.read() as connection:
            parked = connection.execute(
                sa.text("SELECT count(*) FROM outbox WHERE code = :c"), {"c": STOPPED}
            ).scalar_one()
        database.close()
        for service in line.services:
            service.stop()
    p99 = [quantiles(times, n=100)[98] for times in (before, after)]
    print(
        f"parked for {STOPPED}: {parked}; {FLOODER} sends {FLOOD:.0f}/s with an allowance of {ALLOWANCE:.0f}/s a worker"
    )
    for name, times, high in (("quiet", before, p99[0]), ("beside them", after, p99[1])):
        print(f"{name:12} {len(times)} documents, median {median(times):.3f} s, p99 {high:.3f} s")
    print(f"isolation: p99 ratio {p99[1] / p99[0]:.3f}")
    return 0 if p99[1] < 1.1 * p99[0] else 1


if __name__ == "__main__":
    sys.exit(main())
