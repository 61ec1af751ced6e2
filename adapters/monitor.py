"""What a process tells of itself over HTTP: /metrics for Prometheus, /healthz (it lives), /readyz (it can work now).

The same two questions are answered by the adapters' server, in front of the agencies' systems: there without any word
on what is wrong.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from axis.core import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from axis.core.metrics import Sample

log = logging.getLogger("axis.monitor")
PATHS = frozenset({"/healthz", "/readyz"})


class Watched(Protocol):
    """The process that is asked about. Each of these may wait for a disk, a database, a network."""

    def health(self) -> str:
        """ "" while it lives and its loop turns; else what is wrong."""

    def ready(self) -> Mapping[str, str]:
        """What it needs, by name: "" where it can be reached and works; else what is wrong."""

    def samples(self) -> Sequence[Sample]:
        """Its figures."""


@dataclass(frozen=True)
class Health:
    """The ASGI application for /healthz and /readyz. With `details` what is wrong is told."""

    watched: Watched
    details: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See :class:`Health`."""
        await (await self.answer(str(scope["path"])))(scope, receive, send)

    async def answer(self, path: str) -> Response:
        """The answer to a question that is one of :data:`PATHS`: 200, or 503 where something is wrong."""
        if path == "/healthz":
            wrong = await run_in_threadpool(self.watched.health)
            said: dict[str, object] = {"status": "stalled" if wrong else "ok"}
            if wrong and self.details:
                said["why"] = wrong
            return _json(said, good=not wrong)
        checks = await run_in_threadpool(self.watched.ready)
        failed = {what: why for what, why in checks.items() if why}
        said = {"status": "not ready" if failed else "ready", "failed": sorted(failed)}
        if self.details:
            said["checks"] = {what: why or "ok" for what, why in checks.items()}
        return _json(said, good=not failed)


def _json(said: dict[str, object], *, good: bool) -> Response:
    return JSONResponse(said, 200 if good else 503, {"Cache-Control": "no-store"})


def text(samples: Iterable[Sample], accept: str = "") -> tuple[bytes, str]:
    """(samples in the form that `accept` asks for, its content type), with what the library says of the process."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Families(samples))  # type: ignore[arg-type]  # it asks no more than `collect` of one
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


@dataclass(frozen=True, eq=False)
class _Families:
    samples: Iterable[Sample]

    def collect(self) -> Iterator[object]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for metric, found in metrics.by_metric(self.samples).items():
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            for one in found:
                family.add_metric(list(one.labels), one.value)
            yield family


@dataclass(frozen=True)
class Monitor:
    """The ASGI application: who is on this machine, or in one of `networks`, may ask; nobody else."""

    watched: Watched
    networks: Sequence[str] = ()
    _health: ASGIApp = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import prometheus_client  # noqa: F401  that it is missing is said at the start

        object.__setattr__(self, "_health", Health(self.watched, details=True))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See :class:`Monitor`."""
        if scope["type"] != "http":
            return
        path, response = str(scope["path"]), None
        client = scope.get("client")
        if client is None or not self._may_ask(client[0]):
            response = Response(status_code=403)
        elif scope["method"] not in {"GET", "HEAD"}:
            response = Response(status_code=405, headers={"Allow": "GET, HEAD"})
        elif path == "/metrics":
            response = await self._metrics(scope)
        elif path not in PATHS:
            response = Response(status_code=404)
        await (response or self._health)(scope, receive, send)

    def _may_ask(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or any(address in ipaddress.ip_network(one) for one in self.networks)

    async def _metrics(self, scope: Scope) -> Response:
        accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
        try:
            said, content_type = text(await run_in_threadpool(self.watched.samples), accept)
        except Exception:
            log.exception("the figures cannot be told")
            return Response(status_code=500)
        return Response(said, headers={"Content-Type": content_type})
