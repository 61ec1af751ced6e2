"""A whole ballot over RabbitMQ and PostgreSQL: the hub and each agency's adapter are processes, each of which is killed
once on the way. What is counted in the end is verified by the independent script from the parcels alone. All clocks,
the database's too, are set forward over the ballot's end.

Beside it a ballot whose secretariat drops a vote, and one that it closes before its time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis import bootstrap, config
from axis.core.ballot import cms, packet, recount, values
from axis.core.ballot.vote import SEALED, Answer, Vote
from axis.core.instant import to_text, whole
from axis.errors import Rejected
from axis.home import hub_certificate, reading_journal
from axis.infra import keystore
from axis.infra.record import registries
from axis.services import send
from axis.services.ballots import Office, keep
from axis.services.operate import people, provision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.core.ballot.packet import Type
    from axis.core.ballot.recount import Arrived
    from axis.core.ballot.tally import Ballotted
    from axis.services.ballots import Step
    from tests.servers import PostgreSql, RabbitMq

SECRETARIAT, TRUSTEE, FIRST, SECOND = CODES = ("G22", "G15", "G06", "H41")
CHAIR, TWICE, FORGED, HONEST, LATE = "ttg@G22", "bt@G06", "tt@G06", "ct@H41", "pct@H41"
MEMBERS = (CHAIR, TWICE, FORGED, HONEST, LATE)
SCRIPT = Path(__file__).parent.parent.parent / "docs" / "verify_ballot.py"
# Where each dies the first time that it runs (axis/crashpoints.py): the hub with an acceptance that it has not
# acknowledged, adapters with a vote that the broker has and they do not know of, with mail kept or shown and not noted.
DIES = {"HUB": "H03:2", SECRETARIAT: "D02:2", TRUSTEE: "D04", FIRST: "C06", SECOND: "T04"}

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(500)]


@dataclass
class Line:
    """The homes, the processes, and a clock that they all share, which is set forward."""

    folder: Path
    urls: dict[str, str]
    database: str
    stack: ExitStack
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    died: set[str] = field(default_factory=set)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=int((self.folder / "clock").read_text()))

    def set_forward(self, seconds: int) -> None:
        """All clocks: the database's first, from which the hub's may differ for that moment."""
        with sa.create_engine(driven(self.database)).begin() as connection:
            connection.execute(sa.text("UPDATE ahead SET seconds = :seconds"), {"seconds": seconds})
        (self.folder / "clock.new").write_text(str(seconds))
        (self.folder / "clock.new").replace(self.folder / "clock")

    def start(self, who: str, dies: str = "") -> None:
        arguments = ("hub",) if who == "HUB" else ("adapter", "run", who)
        command = [sys.executable, "-m", "tests.failure.shifted", str(self.folder / "clock"), *arguments]
        environment = {**os.environ, "AXIS_AMQP_URL": self.urls[who], "AXIS_CRASH_AT": dies}
        if who == "HUB":
            environment["AXIS_DATABASE_URL"] = self.database
        with (self.folder / f"{who}.log").open("ab") as log:
            self.running[who] = subprocess.Popen(
                [*command, "--home", str(self.folder / who)], env=environment, stderr=log
            )
        self.stack.callback(_end, self.running[who])

    def wait(self, what: Callable[[], bool]) -> None:
        """Until it is so; who has been killed meanwhile is started again."""
        end = time.monotonic() + 90
        while not what():
            for who, process in list(self.running.items()):
                if process.poll() is not None:
                    assert process.returncode == -signal.SIGKILL, (self.folder / f"{who}.log").read_text()
                    self.died.add(who)
                    self.start(who)
            assert time.monotonic() < end, {who: (self.folder / f"{who}.log").read_text()[-300:] for who in CODES}
            time.sleep(0.3)

    @contextmanager
    def office(self, code: str, kind: type[Office] = Office) -> Iterator[Office]:
        home = bootstrap.open_home(self.folder / code)
        with reading_journal(home, code) as journal:
            yield kind(home.path, code, journal, hub_certificate(home))

    def send(self, code: str, *steps: Step) -> None:
        home = bootstrap.open_home(self.folder / code)
        with reading_journal(home, code) as journal:
            for step in steps:
                letter = send.prepare(journal, hub_certificate(home), code, step.name, step.packet, (), self.now())
                assert not letter.problems
                send.drop(letter, home.path / "agencies" / code / "outbox")

    def do(self, code: str, ballot: str, what: str, kind: type[Office] = Office) -> None:
        """A step of a ballot at an agency."""
        with self.office(code, kind) as office:
            made: Any = getattr(office, what)(office.find(ballot).ballot, self.now())
        self.send(code, made[1] if isinstance(made, tuple) else made)

    def vote(self, ballot: str, person: str, option: str = "agree") -> None:
        code = person.partition("@")[2]
        with self.office(code) as office:
            _, step = office.vote(office.find(ballot).ballot, person, [Answer(1, option)], self.now())
        self.send(code, step)

    def have(self, code: str, of: Type, ballot: str, count: int = 1) -> bool:
        with self.office(code) as office:
            return len(office.under(of, ballot)) >= count


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(20)


# What is asked for the time is found before PostgreSQL's own.
CLOCK = (
    "CREATE TABLE ahead AS SELECT 0 AS seconds",
    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
    "'SELECT pg_catalog.clock_timestamp() + make_interval(secs => (SELECT seconds FROM public.ahead))'",
    "ALTER DATABASE {database} SET search_path = public, pg_catalog",
)


def driven(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


class Dropping(Office):
    """A secretariat that leaves the first member's vote out."""

    def votes(self, ballot: Any) -> list[tuple[Arrived, Ballotted]]:
        return [one for one in super().votes(ballot) if one[1].sender != FIRST]


class Hasty(Office):
    """A secretariat that closes before the end."""

    def close(self, ballot: Any, now: datetime) -> Step:
        return super().close(ballot, max(now, ballot.due_at + timedelta(seconds=1)))


@pytest.fixture
def line(tmp_path: Path, rabbitmq: RabbitMq, postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    vhost = f"ballot{uuid.uuid4().hex[:8]}"
    rabbitmq.vhost(vhost)
    urls = {"HUB": rabbitmq.add_hub(vhost), **{code: rabbitmq.add_agency(vhost, code) for code in CODES}}
    database = postgres.database(vhost)
    with sa.create_engine(driven(database)).begin() as connection:
        for statement in CLOCK:
            connection.exec_driver_sql(statement.format(database=driven(database).database))
    monkeypatch.setenv("AXIS_DATABASE_URL", database)
    settings = config.Config(
        config.Installation(str(uuid.uuid4())),
        config.Store("postgresql"),
        config.Broker("amqp"),
        adapter=config.Adapter(settle_seconds=0.0),
    )
    hub, now = tmp_path / "HUB", datetime.now(UTC)
    rows = [row for row in provision.catalogue() if row["code"] in CODES]
    provision.create_home(hub, settings, "p256", now, rows=rows)
    opened = bootstrap.open_home(hub)
    with bootstrap.registrar(opened) as registrar:
        for person in MEMBERS:
            people.add(registrar, person, person, "p256", now)
        for code in (SECRETARIAT, TRUSTEE):
            people.seal(registrar, code, now)
    with bootstrap.reading(opened) as record, record.reading() as reader:
        registry = reader.payload(registries.newest(reader))
    for code in CODES:
        provision.export(hub, settings, [code], registry, tmp_path / code, now)
    monkeypatch.delenv("AXIS_DATABASE_URL")
    (tmp_path / "clock").write_text("0")
    with ExitStack() as stack:
        made = Line(tmp_path, urls, database, stack)
        for who in ("HUB", *CODES):
            made.start(who, DIES[who])
        yield made
    rabbitmq.drop_vhost(vhost)


def asked(line: Line, number: int) -> str:
    """A ballot of the secretariat; its digest."""
    options = [{"code": code, "vi": code, "en": code} for code in ("agree", "no")]
    said = {
        "id": f"PLYK-2026-{number:03}", "kind": "written", "subject": "Dự thảo Nghị quyết", "trustee": TRUSTEE,
        "questions": [{"no": 1, "text": "Thông qua?", "options": options}], "chair": CHAIR,
        "rule": "majority_all", "tie": "chair", "silence": "not_counted",
        "due_at": to_text(whole(line.now()) + timedelta(hours=2)),
        "members": [{"id": one, "name": one, "office": "Bộ trưởng"} for one in MEMBERS],
    }  # fmt: skip
    with line.office(SECRETARIAT) as office:
        ballot, step = office.ask(values.written(said), [], line.now())
    line.send(SECRETARIAT, step)
    return ballot.digest


def forge(line: Line, ballot: str) -> None:
    """One member's agency sends what another member is to have said, signed by its own."""
    with line.office(SECOND) as office:
        found = office.find(ballot).ballot
        key = keystore.load_signer(line.folder / SECOND / "keys" / people.PERSONS, HONEST)
        said = Vote(found.digest, FORGED, (Answer(1, "no"),), whole(line.now()), "0" * 32)
        _, step = office.seal(found, said, key)
    line.send(SECOND, step)


def readable(line: Line, ballot: str) -> tuple[int, int, int]:
    """(votes that have come, how many the secretariat reads with all that it has, how many the trustee)."""
    with line.office(SECRETARIAT) as office:
        found = office.find(ballot).ballot
        sealed = [recount.open_arrived(one, office.registry).files[SEALED] for one, _ in office.votes(found)]
    keys = {
        code: keystore.load_signer(line.folder / code / "keys" / people.SEALS, f"{code}.{seal[:16]}")
        for code, seal in ((SECRETARIAT, found.secretariat_seal), (TRUSTEE, found.trustee_seal))
    }
    inner = [cms.unseal(one, keys[TRUSTEE]) for one in sealed]
    by_secretariat = sum(read(one, keys[SECRETARIAT]) for one in sealed)
    return len(sealed), by_secretariat, sum(read(one, keys[TRUSTEE]) or read(one) for one in inner)


def read(data: bytes, key: Any = None) -> bool:
    """Whether it opens with the key, or is a vote as it stands."""
    try:
        cms.unseal(data, key) if key is not None else cms.open_signed(data)
    except Rejected:
        return False
    return True


def refused(line: Line, code: str, ballot: str, what: str) -> str:
    """The code with which a step is refused."""
    with pytest.raises(Rejected) as error:
        line.do(code, ballot, what)
    return error.value.fault.code


def counted_again(line: Line, code: str, ballot: str) -> tuple[dict[str, str], int, subprocess.CompletedProcess[str]]:
    """(verdicts by member and option, differences that the agency finds, what the script says of its parcels)."""
    folder = line.folder / f"{code}-{ballot[:12]}"
    with line.office(code) as office:
        result, found, parcels = office.verify(office.find(ballot))
        keep(folder, office.registry_parcel, parcels)
    command = [sys.executable, "-I", str(SCRIPT), str(folder), "--hub", str(line.folder / code / "pki" / "hub.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {one.vote: f"{one.member} {one.verdict}" for one in result.votes}, len(found), done


def test_a_ballot_is_counted_and_recounted_though_every_process_dies_on_the_way(line: Line) -> None:
    honest, dropping, hasty = (asked(line, number) for number in (1, 2, 3))
    for code in (TRUSTEE, FIRST, SECOND):
        line.wait(lambda code=code: all(line.have(code, packet.BALLOT, one) for one in (honest, dropping, hasty)))
    for person, option in ((CHAIR, "agree"), (TWICE, "agree"), (HONEST, "agree")):
        line.vote(honest, person, option)
    for person in (TWICE, HONEST):
        line.vote(dropping, person)
    forge(line, honest)
    # The hub's word says which of a member's votes was first.
    line.wait(lambda: line.have(SECRETARIAT, packet.VOTE, honest, 4) and line.have(FIRST, packet.VOTE, honest))
    line.vote(honest, TWICE, "no")
    line.wait(
        lambda: line.have(SECRETARIAT, packet.VOTE, honest, 5) and line.have(SECRETARIAT, packet.VOTE, dropping, 2)
    )

    assert readable(line, honest) == (5, 0, 0)
    assert refused(line, SECRETARIAT, honest, "close") == "BALLOT_OPEN"
    line.do(SECRETARIAT, hasty, "close", Hasty)
    line.wait(lambda: line.have(TRUSTEE, packet.CLOSING, hasty))

    line.set_forward(3 * 3600)
    assert refused(line, TRUSTEE, honest, "unseal") == "BALLOT_UNKNOWN", "nothing is opened that is not closed"
    assert refused(line, TRUSTEE, hasty, "unseal") == "BALLOT_OPEN", "nor what was closed too early"
    line.vote(honest, LATE)
    line.wait(lambda: line.have(SECRETARIAT, packet.VOTE, honest, 6))
    for ballot, kind in ((honest, Office), (dropping, Dropping)):
        line.do(SECRETARIAT, ballot, "close", kind)
    for ballot in (honest, dropping):
        line.wait(lambda ballot=ballot: line.have(TRUSTEE, packet.CLOSING, ballot))
        line.do(TRUSTEE, ballot, "unseal")
    for ballot in (honest, dropping):
        line.wait(lambda ballot=ballot: line.have(SECRETARIAT, packet.OPENING, ballot))
        line.do(SECRETARIAT, ballot, "result")
    for code in (FIRST, SECOND):
        line.wait(lambda code=code: all(line.have(code, packet.RESULT, one) for one in (honest, dropping)))
    assert line.died == set(DIES), "each was killed on the way"

    for code in (FIRST, SECOND):
        verdicts, differences, script = counted_again(line, code, honest)
        assert sorted(verdicts.values()) == [
            "bt@G06 counted", "bt@G06 second", "ct@H41 counted", "pct@H41 late", "tt@G06 forged", "ttg@G22 counted",
        ]  # fmt: skip
        assert (differences, script.returncode) == (0, 0), script.stdout
        assert "{'agree': 3, 'no': 0} of 5: agree (majority)" in script.stdout
    _, differences, script = counted_again(line, FIRST, dropping)
    assert (differences, script.returncode) == (1, 6), "its member notices the vote that was dropped"
    assert "was dropped" in script.stdout
    _, differences, script = counted_again(line, SECOND, dropping)
    assert (differences, script.returncode) == (0, 0), "and nobody else can"
