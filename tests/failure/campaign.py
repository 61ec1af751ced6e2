"""The loss campaign: documents travel while everything is killed; an independent ledger counts what became of them.

    python -m tests.failure.campaign --minutes 5
    python -m tests.failure.campaign --documents 100000 --kills 1000 --broker-kills 100 --database-kills 50

A hub of two workers, one adapter process for each agency with its own broker user, RabbitMQ and PostgreSQL, all
private. A seeded plan kills our processes (from outside at any moment, and from inside at the named crash points
of axis/crashpoints.py), the broker and the database, and lets happen what else befalls an installation
(tests/failure/faults.py), while documents are dropped into the agencies' outboxes and some are recalled.

The ledger knows nothing of axis: it knows the SHA-256 of each attachment it dropped, looks into the inboxes like
an agency's clerk (plain zip, XML and base64), takes what it finds away, and compares. A receipt E.1 that is seen
before the document lies in the recipient's inbox is a false receipt, and so is a withdrawal "for certain" (W.1) of
what lay or comes to lie there.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pika
import pika.exceptions
import psycopg

from tests.failure.faults import (
    FROZEN,
    IDLE_IN_TRANSACTION,
    Disk,
    Workplace,
    copy_home,
    operator,
    put_back,
    receipts_known,
    unheard,
)
from tests.failure.installation import ADAPTER_POINTS, CODES, HUB_POINTS, Installation, Service
from tests.failure.letters import Ledger
from tests.failure.plans import Plan, plans
from tests.failure.proxy import TcpProxy
from tests.servers import NoServerError, PostgreSql, RabbitCluster, RabbitMq

if TYPE_CHECKING:
    from collections.abc import Callable

# Between a backup and its return: seconds at least, and at most where less than this happens meanwhile.
GAP, LONGEST_GAP = 20.0, 180.0
ENTRIES_LOST, DOCUMENTS_FORGOTTEN = 200, 10


class Campaign:
    """One run on one broker: drop, look, kill, start again; then let it rest and compare.

    The n-th document, kill and server fault are always the same for a seed; when they happen depends on the machine.
    """

    def __init__(
        self,
        name: str,
        plan: Plan,
        folder: Path,
        broker: RabbitMq | RabbitCluster,
        postgres: PostgreSql,
        disk: Disk | None = None,
    ) -> None:
        self.name, self.plan = name, plan
        self.broker, self.postgres = broker, postgres
        self.proxy = TcpProxy(broker.port, plan.seed) if isinstance(broker, RabbitMq) else None
        self.line = Installation(folder, broker, postgres, self.proxy, disk)
        self.ledger = Ledger(self.line.folders)
        self.dropped, self.heard = 0, set[str]()  # documents; the receipts of those in lost journals that the hub has
        self.happened: Counter[str] = Counter()
        self.seconds = 0.0
        self.trouble: Exception | None = None  # with the servers, not with axis: the run says nothing then
        self._documents, self._deaths, self._faults, self._recalls, self._befalls = (
            random.Random(f"{plan.seed} {n}") for n in range(5)
        )
        self._to_recall: list[str] = []  # digests of documents
        self._was_restored = False  # since the last look: what was on its way waits for minutes, and others go on
        self._database_free = threading.Lock()  # one trouble with the database at a time
        self._dump: tuple[Path, int, float] | None = None  # where it is, how far the ledger had come, when it was made
        # Of an adapter's home, where it is, how much had arrived there, and when it was made.
        self._copy: tuple[Service, Path, int, float] | None = None
        self._lost_by_now = (0.0, 0)  # when it was looked how much a restore would lose, and how much
        self._points = {True: list(HUB_POINTS), False: list(ADAPTER_POINTS)}
        self._busy: dict[str, threading.Thread] = {}
        self._begun = time.monotonic()

    @property
    def kills(self) -> int:
        """SIGKILLs that our processes died of."""
        return sum(sum(service.deaths.values()) for service in self.line.services)

    @property
    def _share(self) -> float:
        """How much of the plan should have happened by now."""
        done = (time.monotonic() - self._begun) / self.plan.seconds if self.plan.seconds else 0
        return min(1.0, max(done, self.dropped / self.plan.documents if self.plan.documents else 0))

    @property
    def _is_dropping(self) -> bool:
        """Whether there are more documents; of a run that is as long as its time also until all is put back that is to
        be, so that it has something to forget."""
        back = (("restore", self.plan.restores), ("put_back", self.plan.homes_put_back))
        waits = bool(self.plan.seconds) and any(self.happened[kind] < planned for kind, planned in back)
        return self._share < 1 or waits

    def run(self) -> dict[str, int]:
        """The verdict. Nothing of the installation is left running."""
        try:
            return self._run()
        finally:
            for service in self.line.services:
                service.kill()

    def _run(self) -> dict[str, int]:
        for service in self.line.services:
            service.start()
        self._begun = said = time.monotonic()
        while self._share < 1 or self._is_due():
            if self.trouble is not None:
                raise self.trouble
            if self._is_dropping:
                self._drop()
            self.ledger.look()
            self._clerks()
            self._start_the_dead()
            if self.ledger.done > 20:  # the line stands
                self._disturb()
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._say()
            time.sleep(0.05)
        self._rest()
        self.seconds = time.monotonic() - self._begun
        for service in self.line.services:
            service.exits.append(service.stop())
        heard = self.heard = self.line.heard(set(self.ledger.unheard.values()))
        verdict = self.ledger.verdict(heard)
        self.happened["unheard"] = sum(
            self.ledger.arrived[one] > 1 for one, receipt in self.ledger.unheard.items() if receipt not in heard
        )
        if not self.line.ledger_is_good():
            verdict["false_receipts"] += 1
            print("the hub's ledger does not hold", file=sys.stderr)
        return verdict

    def _drop(self) -> None:
        dice = self._documents
        if self._was_restored:
            self._was_restored = False
            self.ledger.put_off_what_is_open()
        for code in CODES:
            while self.ledger.open[code] - self.ledger.put_off[code] < self.plan.backlog and self._is_dropping:
                self.dropped += 1
                others = [c for c in CODES if c != code]
                recipients = tuple(dice.sample(others, 3 if dice.random() < 0.02 else 1))
                content = dice.randbytes(dice.choice((300, 600, 3000)))
                self.ledger.drop(self.dropped, code, recipients, content)
                # Recipients that are held up are the ones that a recall can still come in time for.
                held_up = any(one.is_held for one in self.line.services if one.name in recipients)
                if self._recalls.random() < self.plan.recalls * (5 if held_up else 1):
                    self._to_recall.append(hashlib.sha256(content).hexdigest())

    def _clerks(self) -> None:
        """They recall what has been accepted, of what is to be recalled a part in each look; and send again what the
        wrong clock of their adapter has spoiled."""
        wrong = [service.name for service in self.line.services if service.is_held]
        self.happened["put again"] += self.ledger.put_again(wrong)
        for digest in self._to_recall[:]:
            letter = self.ledger.letters[digest]
            if letter.accepted and self._recalls.random() < 0.3:
                self._to_recall.remove(digest)
                content = self._recalls.randbytes(300)
                self.ledger.drop(letter.number, letter.sender, letter.recipients, content, is_recall=True)
                self.happened["recall"] += 1

    def _start_the_dead(self) -> None:
        for service in self.line.services:
            if not service.is_held and service.is_dead():
                service.start()

    def _is_due(self, kind: str = "", planned: int = 0) -> bool:
        if kind:
            return not self._is_busy(kind) and self.happened[kind] < min(planned, int(planned * self._share + 0.999))
        plan = self.plan
        servers = (
            ("broker", plan.broker_kills),
            ("database", plan.database_kills),
            ("network", plan.network_faults),
            ("cluster", plan.cluster_faults),
            ("mixed", plan.mixed_mails),
            ("freeze", plan.freezes),
            ("clock", plan.wrong_clocks),
            ("trouble", plan.database_troubles),
            ("restore", plan.restores),
            ("put_back", plan.homes_put_back),
        )
        return self.kills < plan.kills or any(self.happened[kind] < planned for kind, planned in servers)

    def _disturb(self) -> None:
        """What the plan has for this moment. One fault of each kind of server at a time."""
        plan, dice = self.plan, self._deaths
        free = [service for service in self.line.services if not service.is_held]
        if self.kills < plan.kills * self._share and free:
            service = dice.choice(free)
            service.kill()
            points = self._points[service in self.line.hubs]
            # Half of the next lives end at a named point, each in its turn, the first or third time it is passed.
            point = points.pop(0)
            points.append(point)
            service.start(f"{point}:{dice.choice((1, 3))}" if dice.random() < 0.5 else "")
        if self._is_due("database", plan.database_kills):
            self._fault("database", self._kill_database)
        if self._is_due("broker", plan.broker_kills):
            self._fault("broker", self._kill_broker)
        if self._is_due("cluster", plan.cluster_faults):
            self._fault("cluster", self._disturb_cluster)
        if self._is_due("network", plan.network_faults):
            self._fault("network", self._disturb_network)
        free_adapters = [service for service in self.line.adapters if not service.is_held]
        if self._is_due("mixed", plan.mixed_mails) and free_adapters:
            away = self._faults.choice(free_adapters)
            self._fault("mixed", partial(self._mix_mail, away), away)
        self._befall()

    def _befall(self) -> None:
        """The faults that have a process in hand. A restore wants all hubs, and comes first."""
        plan, dice = self.plan, self._befalls
        hubs_wanted = self._is_due("restore", plan.restores)
        # The hub remembers for the agencies, they for the hub. What happened in a gap of both nobody would remember.
        record = self._dump is not None or self._is_busy("dump") or self._is_busy("restore")
        home = self._copy is not None or self._is_busy("copy") or self._is_busy("put_back")
        if hubs_wanted and not record and not home:
            self._fault("dump", self._make_dump)
        elif hubs_wanted and self._is_dump_ripe() and not any(one.is_held for one in self.line.hubs):
            self._fault("restore", self._restore, *self.line.hubs)
        if self._is_due("trouble", plan.database_troubles):
            self._fault("trouble", self._trouble_database)
        free = [one for one in self.line.adapters if not one.is_held]
        if self._is_due("put_back", plan.homes_put_back):
            if not home and not record and not hubs_wanted:
                self._fault("copy", partial(self._copy_home, dice.choice(self.line.adapters)))
            elif self._copy is not None and self._is_copy_ripe(self._copy) and not self._copy[0].is_held:
                self._fault("put_back", self._put_back, self._copy[0])
                return
        hubs = [one for one in self.line.hubs if not one.is_held and not hubs_wanted]
        # A hub and an adapter in turn, and the clock of each fast and slow.
        if self._is_due("freeze", plan.freezes) and (chosen := free if self.happened["freeze"] % 2 else hubs):
            service = dice.choice(chosen)
            self._fault("freeze", partial(self._freeze, service), service)
        elif self._is_due("clock", plan.wrong_clocks) and (chosen := hubs if self.happened["clock"] % 2 else free):
            service, hours = dice.choice(chosen), 2 if self.happened["clock"] % 4 < 2 else -2
            self._fault("clock", partial(self._shift_clock, service, hours), service)

    def _is_dump_ripe(self) -> bool:
        """Whether a restore would lose something."""
        if self._dump is None:
            return False
        _, position, made_at = self._dump
        looked, lost = self._lost_by_now
        if time.monotonic() - looked > 2:
            with contextlib.suppress(psycopg.Error):
                lost = self.line.database.position() - position
            self._lost_by_now = time.monotonic(), lost
        return _is_ripe(made_at, lost, ENTRIES_LOST)

    def _is_copy_ripe(self, copy: tuple[Service, Path, int, float]) -> bool:
        """Whether a home that is put back would have forgotten something."""
        adapter, _, before, made_at = copy
        return _is_ripe(made_at, self.ledger.taken_in[adapter.name] - before, DOCUMENTS_FORGOTTEN)

    def _is_busy(self, kind: str) -> bool:
        return kind in self._busy and self._busy[kind].is_alive()

    def _fault(self, kind: str, what: Callable[[], None], *held: Service) -> None:
        if self._is_busy(kind):
            return

        def work() -> None:
            try:
                what()
            except Exception as error:
                self.trouble = error
                raise
            finally:
                for service in held:
                    service.is_held = False

        for service in held:
            service.is_held = True
        self.happened[kind] += 1
        self._busy[kind] = threading.Thread(target=work, daemon=True)
        self._busy[kind].start()

    def _kill_broker(self) -> None:
        assert isinstance(self.broker, RabbitMq)
        self.broker.kill()
        self.broker.start()

    def _kill_database(self) -> None:
        with self._database_free:
            self.postgres.kill()
            time.sleep(self._faults.choice((0, 1)))
            self.postgres.start()

    def _trouble_database(self) -> None:
        """It lets nobody write, or not into one table, or has no room on its disk."""
        database = self.line.database
        with self._database_free:
            kind = database.troubles[(self.plan.seed + self.happened["trouble"]) % len(database.troubles)]
            self.happened[f"database {kind}"] += 1
            with database.trouble(kind, self._befalls.choice(database.tables())):
                time.sleep(self._befalls.uniform(4, 12))
        time.sleep(2)

    def _freeze(self, service: Service) -> None:
        """It stands still for longer than anybody waits, then goes on as if nothing had been."""
        if service.is_dead():
            service.start()
        time.sleep(3)  # let it work
        self.happened[f"frozen {'hub' if service in self.line.hubs else 'adapter'}"] += 1
        service.signal(signal.SIGSTOP)
        time.sleep(FROZEN)
        service.signal(signal.SIGCONT)

    def _shift_clock(self, service: Service, hours: int) -> None:
        """Its clock jumps while it runs, and jumps back; it may die with the wrong one, and start with it again."""
        service.kill()
        clock = service.start_shifted()
        time.sleep(4)
        self.happened[f"clock {'hub' if service in self.line.hubs else 'adapter'} {hours:+d} h"] += 1
        clock.set(hours * 3600)
        time.sleep(self._befalls.uniform(8, 12))
        if self._befalls.random() < 0.5:
            service.kill()
            clock = service.start_shifted(hours * 3600)
            time.sleep(self._befalls.uniform(6, 10))
        if self._befalls.random() < 0.5:
            clock.set(0)
            time.sleep(5)
        service.kill()

    def _make_dump(self) -> None:
        with self._database_free:
            position = self.line.database.position()
            self._lost_by_now = 0.0, 0
            self._dump = self.postgres.dump(self.line.vhost), position, time.monotonic()

    def _restore(self) -> None:
        """All hubs are stopped, the record is as it was in the backup, and the operator says so."""
        assert self._dump is not None
        dump, position, _ = self._dump
        with self._database_free:
            for hub in self.line.hubs:
                if not hub.is_dead():
                    hub.exits.append(hub.stop())
            self.happened["restore entries lost"] += self.line.database.position() - position
            self.postgres.restore(self.line.vhost, dump)
            self._dump = None
            self._was_restored = True
            first = self.line.hubs[0]
            arguments = ("reconcile", "--restored", "--older-than", "0", "--home", str(first.home))
            print(operator(arguments, first.environment), end="")

    def _disturb_network(self) -> None:
        assert self.proxy is not None
        what = self._faults.choice(("cut", "cut", "hold", "delay", "swallow"))
        self.happened[f"network {what}"] += 1
        if what == "cut":
            self.proxy.cut()
        elif what == "hold":
            self.proxy.hold(self._faults.uniform(1, 8))
        elif what == "delay":
            self.proxy.delay(0.05)
            time.sleep(5)
            self.proxy.delay(0)
        else:
            self.proxy.swallow_confirms(0.5)
            time.sleep(3)
            self.proxy.swallow_confirms(0)
        time.sleep(2)

    def _mix_mail(self, away: Service) -> None:
        """Take what waits in some queues, put it back in another order, a third of it twice. The broker may die of
        another fault meanwhile: then what was taken comes back by itself. A line that is quick has nothing waiting: one
        adapter is away meanwhile, and it is looked again for a while."""
        before = self.happened["mixed messages"]
        if not away.is_dead():
            away.exits.append(away.stop())
        with contextlib.suppress(pika.exceptions.AMQPError), self._postman() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for _ in range(100):
                self._mix_once(channel)
                if self.happened["mixed messages"] > before:
                    break
                time.sleep(0.02)
        time.sleep(1)

    def _postman(self) -> pika.BlockingConnection:
        """A connection of the one who may take anybody's mail; a broker that was killed just now is waited for."""
        where = pika.URLParameters(self.line.postman.split(",")[0])
        for _ in range(60):
            with contextlib.suppress(pika.exceptions.AMQPError):
                return pika.BlockingConnection(where)
            time.sleep(0.5)
        return pika.BlockingConnection(where)

    def _mix_once(self, channel: Any) -> None:
        queues = [f"axis.{way}.{code}" for way in ("from", "to") for code in CODES]
        for queue in self._faults.sample(queues, len(queues)):
            taken = [one for _ in range(30) if (one := channel.basic_get(queue))[0] is not None]
            again = self._faults.sample(taken, len(taken)) + self._faults.sample(taken, len(taken) // 3)
            for _, properties, body in again:
                channel.basic_publish("", queue, body, properties, mandatory=True)
                self.happened["mixed messages"] += 1
            for method, _, _ in taken:
                channel.basic_ack(method.delivery_tag)

    def _disturb_cluster(self) -> None:
        assert isinstance(self.broker, RabbitCluster)
        what = self._faults.choice(("leader", "two", "partition"))
        self.happened[f"cluster {what}"] += 1
        nodes = self._faults.sample(self.broker.nodes, 2)
        if what == "partition":
            self.broker.partition(nodes[0])
            time.sleep(self._faults.uniform(3, 8))
            self.broker.heal(nodes[0])
        else:
            queue = "axis.from." + self._faults.choice(CODES)
            killed = [self.broker.leader(self.line.vhost, queue)] if what == "leader" else nodes
            for node in killed:
                node.kill()
            time.sleep(self._faults.uniform(0, 4))
            self.broker.start(killed)
        end = time.monotonic() + 60
        while not all(node.answers() for node in self.broker.nodes):
            if time.monotonic() > end:
                raise NoServerError("the cluster did not come together again")
            time.sleep(0.2)
        time.sleep(3)

    def _copy_home(self, adapter: Service) -> None:
        copy = adapter.home.parent / f"{adapter.name}-{time.monotonic_ns()}"
        copy.mkdir()
        self.ledger.is_copied(adapter.name)
        copy_home(adapter.home, copy)
        self._copy = adapter, copy, self.ledger.taken_in[adapter.name], time.monotonic()

    def _put_back(self) -> None:
        """The adapter is stopped, its home is as it was in the copy, and the operator says so."""
        assert self._copy is not None
        adapter, copy, before, _ = self._copy
        self.happened["documents forgotten"] += self.ledger.taken_in[adapter.name] - before
        if not adapter.is_dead():
            adapter.exits.append(adapter.stop())
        for about, receipt in unheard(adapter.home, adapter.name).items():
            if about in self.ledger.by_document:
                self.ledger.unheard[adapter.name, self.ledger.by_document[about]] = receipt
        put_back(adapter.home, copy)
        self.ledger.is_put_back(adapter.name, receipts_known(adapter.home))
        shutil.rmtree(copy)
        self._copy = None
        print(operator(("adapter", "restored", adapter.name, "--home", str(adapter.home)), adapter.environment), end="")

    def _rest(self) -> None:
        """No more faults: everything must arrive and be answered by itself."""
        for thread in self._busy.values():
            while thread.is_alive():
                self.ledger.look()
                self._clerks()
                self._start_the_dead()
                thread.join(0.2)
        if self.trouble is not None:
            raise self.trouble
        end = time.monotonic() + self.plan.patience
        said = 0.0
        while time.monotonic() < end and (
            self.ledger.done < len(self.ledger.letters) or not self.line.ledger_is_good()
        ):
            self.ledger.look()
            self._clerks()
            self._start_the_dead()  # armed still, or ended because a server was away
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._say()
            time.sleep(0.2)
        time.sleep(3)  # what comes twice comes now
        self.ledger.look()
        if self.proxy is not None:
            self.proxy.__exit__()

    def _say(self) -> None:
        faults = ", ".join(f"{kind} {count}" for kind, count in self.happened.items() if " " not in kind)
        print(
            f"{self.name} {time.monotonic() - self._begun:6.0f} s: {self.ledger.done} of {len(self.ledger.letters)} documents and recalls done; "
            f"kills {self.kills}" + (f"; {faults}" if faults else ""),
            file=sys.stderr,
            flush=True,
        )


def _is_ripe(made_at: float, gone_on: int, wanted: int) -> bool:
    age = time.monotonic() - made_at
    return age > GAP and (gone_on >= wanted or age > LONGEST_GAP)


def main() -> int:
    """Run it as asked; 0 when nothing was lost, doubled, falsely receipted or stuck."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--part", choices=("node", "cluster"), help="one of the two parts alone")
    parser.add_argument("--minutes", type=float, default=0, help="a short run, instead of the numbers below")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--broker-kills", type=int, default=100)
    parser.add_argument("--database-kills", type=int, default=50)
    parser.add_argument("--network-faults", type=int, default=200)
    parser.add_argument("--cluster-faults", type=int, default=20)
    parser.add_argument("--mixed-mails", type=int, default=200)
    parser.add_argument("--freezes", type=int, default=20)
    parser.add_argument("--wrong-clocks", type=int, default=40)
    parser.add_argument("--database-troubles", type=int, default=30)
    parser.add_argument("--restores", type=int, default=3)
    parser.add_argument("--homes-put-back", type=int, default=20)
    parser.add_argument(
        "--backlog", type=int, default=150, help="of the long run: documents on their way for each agency"
    )
    parser.add_argument("--keep-logs", type=Path, help="a folder for the processes' logs")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what was started is stopped with it
    total: Counter[str] = Counter()
    verdict: Counter[str] = Counter(lost=0, doubled=0, false_receipts=0, stuck=0)
    for name, plan in plans(asked).items():
        if asked.part not in {None, name}:
            continue
        print(f"campaign on a {name}: {plan}", flush=True)
        with Workplace() as place, ExitStack() as stack:
            disk = stack.enter_context(Disk()) if plan.database_troubles else None
            postgres = stack.enter_context(PostgreSql(IDLE_IN_TRANSACTION))
            broker: RabbitMq | RabbitCluster = RabbitMq() if name == "node" else RabbitCluster()
            stack.enter_context(broker)
            campaign = Campaign(name, plan, place.folder, broker, postgres, disk)
            found = campaign.run()
            if any(found.values()):
                place.keep(postgres.dump(campaign.line.vhost))
            deaths: Counter[str] = Counter()
            for service in campaign.line.services:
                deaths += service.deaths
                if asked.keep_logs:
                    asked.keep_logs.mkdir(parents=True, exist_ok=True)
                    shutil.copy(service.log, asked.keep_logs / f"{name}-{service.log.name}")
            print(f"  {campaign.dropped} documents in {campaign.seconds:.0f} s, {found}")
            print(f"  faults: {dict(campaign.happened)}")
            print(f"  deaths: {deaths.pop('', 0)} from outside, by point {dict(sorted(deaths.items()))}")
            ends = Counter(code for service in campaign.line.services for code in service.exits)
            print(f"  exit codes: {dict(ends)}", flush=True)
            for line in campaign.ledger.findings(campaign.heard)[:40]:
                print("  " + line)
            total.update(campaign.happened, documents=campaign.dropped, kills=campaign.kills)
            total.update(campaign.ledger.recalled())
            verdict.update(found)
    counts = {
        "documents": total["documents"],
        "kills": total["kills"],
        "broker_kills": total["broker"],
        "database_kills": total["database"],
        "cluster_faults": total["cluster"],
        "frozen": total["freeze"],
        "wrong_clocks": total["clock"],
        **{f"database_{kind.replace('-', '_')}": total[f"database {kind}"] for kind in ("read-only", "denied", "full")},
        "restores": total["restore"],
        "homes_put_back": total["put_back"],
        "unheard": total["unheard"],
        "recalls": total["recall"],
        "withdrawn": total["withdrawn"],
        **verdict,
    }
    print("campaign: " + " ".join(f"{name}={value}" for name, value in counts.items()))
    return 1 if any(verdict.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
