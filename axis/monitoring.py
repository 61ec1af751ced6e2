"""A process that is watched: what :mod:`axis.adapters.monitor` is told of it, put together of its home and its loop."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from axis.bootstrap import management
from axis.core.instant import from_text
from axis.core.message import DEAD_QUEUE
from axis.core.metrics import Sample
from axis.core.registry import HUB
from axis.errors import AxisError
from axis.home import own_file, reading_registry, record_database, signer_of
from axis.infra.record.store import HubStore
from axis.services.operate.alarms import Alarms
from axis.services.pulse import Pulse
from axis.services.questions import gather, metrics, ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from axis.home import Home
    from axis.infra.database import Database

T = TypeVar("T")
PATIENCE = 3.0  # seconds in which what is asked has to answer
FRESH, FIGURES_FRESH = 1.0, 5.0  # seconds for which an answer is good
LATE = f"no answer within {PATIENCE:.0f} s"


class Probe(Generic[T]):
    """A question that may never be answered: it is asked by one thread at a time, and nobody waits long."""

    def __init__(self, ask: Callable[[], T], *, late: T, failed: Callable[[Exception], T], fresh: float) -> None:
        """`late`: the answer where none has come within PATIENCE seconds; `failed`: the one where asking breaks;
        `fresh`: seconds for which an answer is good, so that who asks often does not load the process."""
        self._ask, self._late, self._failed, self._fresh = ask, late, failed, fresh
        self._pool = ThreadPoolExecutor(1, "probe")
        self._running: Future[T] | None = None
        self._lock = threading.Lock()
        self._answer = late
        self._at = float("-inf")

    def __call__(self) -> T:
        """The answer of now, or of a moment ago."""
        with self._lock:
            if time.monotonic() - self._at < self._fresh:
                return self._answer
            is_stuck = self._running is not None
            running = self._running or self._pool.submit(self._ask)
            try:
                self._answer = running.result(0 if is_stuck else PATIENCE)
            except LateError:
                self._answer = self._late
            except Exception as error:  # noqa: BLE001  whatever it is, there is no answer
                self._answer = self._failed(error)
            self._running = None if running.done() else running
            self._at = time.monotonic()
            return self._answer

    def close(self) -> None:
        """Nobody asks any more; a question that is still open is left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _unreached(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


class Watch:
    """See the module; a :class:`axis.adapters.monitor.Watched`. `is_hub`: the hub works in this process."""

    def __init__(self, home: Home, *, is_hub: bool) -> None:
        self.pulse = Pulse()
        self._home = home
        self._is_hub = is_hub
        # Its own connections: those of the loop are the loop's.
        self._stack = ExitStack()
        self._database: Database = self._stack.enter_context(record_database(home) if is_hub else own_file(home))
        needs: dict[str, Callable[[], str]] = {
            "disk": partial(ready.disk, home.path),
            "database": partial(ready.database, self._database),
        }
        if home.config.broker.kind == "amqp":
            needs["broker"] = partial(ready.broker, home.config.broker_servers(), self.pulse)
        self._probes = {what: Probe(ask, late=LATE, failed=_unreached, fresh=FRESH) for what, ask in needs.items()}
        none: list[Sample] = []
        self._alarms = Alarms(home.path, self._ends)
        self._figures: Probe[list[Sample]] = Probe(self._waiting, late=none, failed=lambda _: none, fresh=FIGURES_FRESH)

    def beside(self) -> None:
        """What is looked at from time to time by the loop itself: called in each round."""
        self._alarms.turn(datetime.now(UTC))

    def _ends(self) -> dict[str, datetime]:
        """When certificates end: those of this home, and at the centre those of the active agencies."""
        home = self._home
        names = [*home.codes(), *([HUB] if self._is_hub else [])]
        found = {
            one["name"]: from_text(one["until"])
            for one in gather.keys(home.path, names, partial(signer_of, home))["certificates"]
        }
        if not self._is_hub:
            with suppress(AxisError), reading_registry(home) as registry:
                found["HUB"] = from_text(gather.registry(registry, datetime.now(UTC))["hub_until"])
        if self._is_hub:
            with reading_registry(home) as registry:
                ends = gather.registry(registry, datetime.now(UTC))["ends"]
            found = {name: end for name, end in found.items() if name.removesuffix(".pem")[5:] not in ends}
            found |= {code: from_text(end) for code, end in ends.items()}
        return found

    def health(self) -> str:
        """See :meth:`axis.adapters.monitor.Watched.health`."""
        return "" if self.pulse.turns else ready.loop(self.pulse)

    def ready(self) -> Mapping[str, str]:
        """See :meth:`axis.adapters.monitor.Watched.ready`."""
        return {"loop": ready.loop(self.pulse), **{what: probe() for what, probe in self._probes.items()}}

    def samples(self) -> list[Sample]:
        """See :meth:`axis.adapters.monitor.Watched.samples`. What cannot be found out now is left out."""
        standing = self.ready()
        found = metrics.of_process(self._home.config.installation.role, self._home.path, self.pulse, standing)
        return found if standing["database"] else [*found, *self._figures()]

    def _waiting(self) -> list[Sample]:
        home, now = self._home, datetime.now(UTC)
        found: list[Sample] = []
        with suppress(AxisError), reading_registry(home) as registry:
            found += metrics.of_registry(registry, now)
            if self._is_hub:
                found += metrics.of_record(HubStore(self._database), registry, now)
        if self._is_hub:
            with suppress(AxisError):
                found += _of_broker(home)
        return found

    def close(self) -> None:
        """Let go of what it holds."""
        for probe in self._probes.values():
            probe.close()
        self._figures.close()
        self._stack.close()


def _of_broker(home: Home) -> list[Sample]:
    at = management(home)
    queue = at.get("queues", at.vhost, DEAD_QUEUE) if at is not None else None
    return [Sample("axis_dead_letters", queue.get("messages", 0))] if queue else []


@contextmanager
def watching(home: Home, *, is_hub: bool) -> Iterator[tuple[Watch, int]]:
    """What watches this process, and the port on which it tells of it; 0 where none is configured. Raises
    :class:`Misconfigured`."""
    watch, settings = Watch(home, is_hub=is_hub), home.config.monitor
    try:
        if not settings.listen:
            yield watch, 0
            return
        from axis.adapters.monitor import Monitor
        from axis.adapters.server import serving

        certificate, key = (
            home.path / name if name else None for name in (settings.certificate_file, settings.key_file)
        )
        app = Monitor(watch, settings.networks)
        with serving(app, settings.listen, certificate, key, name="monitor") as port:
            yield watch, port
    finally:
        watch.close()
