"""What can be found out about a home, put together: see :mod:`axis.services.questions.gather` for each section."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from axis.bootstrap import check_adapters, high_water, management
from axis.core import doctor
from axis.core.instant import to_text
from axis.core.registry import HUB
from axis.home import open_home, reading_journals, reading_registry, record_database, signer_of
from axis.infra.embedded import EmbeddedBroker
from axis.infra.record.store import HubStore
from axis.services.operate import broker_setup
from axis.services.questions import gather as found
from axis.services.questions import own, witness
from axis.services.questions import status as line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Registry
    from axis.home import Home
    from axis.infra.amqp.management import Management


def gather(path: Path, now: datetime) -> dict[str, Any]:
    """What can be found out about the home at `path`, for :func:`axis.core.doctor.examine`; without secrets. Changes
    nothing, whatever else works on the home."""
    section = found.section
    gathered: dict[str, Any] = {"format": doctor.FORMAT, "at": to_text(now), "program": found.program()}
    gathered["settings"] = section(lambda: _settings(path))
    if "error" in gathered["settings"]:
        return gathered
    gathered["home"] = section(lambda: found.home(path, os.geteuid()))
    home = open_home(path)
    is_hub = home.config.installation.role == "all"
    names = [*home.codes(), *([HUB] if is_hub else [])]
    gathered["keys"] = section(lambda: found.keys(path, names, partial(signer_of, home)))
    gathered["calendar"] = section(lambda: {"last_year": _last_year(home)})

    def known() -> Registry:
        with reading_registry(home) as registry:
            return registry

    gathered["registry"] = section(lambda: found.registry(known(), now))
    if is_hub:

        def of_record(ask: Callable[[HubStore], dict[str, Any]]) -> dict[str, Any]:
            with record_database(home) as database:
                return ask(HubStore(database))

        gathered["database"] = section(lambda: of_record(lambda store: found.database(store, path)))
        gathered["record"] = section(
            lambda: of_record(lambda store: found.record(store, known(), high_water(home), now))
        )
        if home.config.broker.kind == "embedded":
            gathered["dead"] = section(lambda: of_record(_dead))
    if is_hub and (at := management(home)) is not None:
        gathered["broker"] = section(lambda: _of_broker(at, known(), home, now))
        gathered["dead"] = _dead_of(gathered["broker"])
    gathered["agencies"] = section(lambda: found.agencies(path, check_adapters(home, [])))
    gathered["witness"] = section(lambda: _witness(home, known if is_hub else None))
    return gathered


def _witness(home: Home, known: Callable[[], Registry] | None) -> dict[str, Any]:
    """What the witnesses in this home have, and at the centre what it knows of all."""
    with reading_journals(home) as journals:
        gathered: dict[str, Any] = {"own": witness.own(journals), "aside": own.aside(journals)}
    if known is not None:
        with record_database(home) as database, HubStore(database).reading() as reader:
            gathered["centre"] = witness.centre(reader, known())
    return gathered


def glance(path: Path, now: datetime) -> dict[str, Any]:
    """What is found out in a moment, for ``axis status``: of :func:`gather` what costs as much however many documents
    there are, and how the line is (``status``; ``own`` of an agency's home)."""
    section = found.section
    gathered: dict[str, Any] = {"format": doctor.FORMAT, "at": to_text(now)}
    home = open_home(path)
    is_hub = home.config.installation.role == "all"
    gathered["settings"] = section(lambda: _settings(path))
    gathered["home"] = section(lambda: found.home(path, os.geteuid()))
    gathered["keys"] = section(lambda: found.keys(path, [HUB] if is_hub else home.codes(), partial(signer_of, home)))
    if not is_hub:
        with reading_journals(home) as journals:
            gathered["own"] = section(lambda: own.status(journals, now))
        gathered["witness"] = section(lambda: _witness(home, None))
        return gathered
    known = section(lambda: {"registry": _known(home)})
    gathered["registry"] = known if "error" in known else section(lambda: found.registry(known["registry"], now))

    def of_record(ask: Callable[[HubStore, Registry], dict[str, Any]]) -> dict[str, Any]:
        if "error" in known:
            return known
        return section(lambda: ask(store, known["registry"]))

    with record_database(home) as database:
        store = HubStore(database)
        gathered["database"] = section(lambda: found.database(store, path, thorough=False))
        gathered["record"] = of_record(lambda store, known: found.record(store, known, high_water(home), now))
        gathered["status"] = of_record(lambda store, known: line.status(store, known, now))
        if home.config.broker.kind == "embedded":
            gathered["dead"] = section(lambda: _dead(store))
    if "error" not in known:
        gathered["witness"] = section(lambda: _witness(home, lambda: known["registry"]))
    if (at := management(home)) is not None and "error" not in known:
        gathered["broker"] = section(lambda: _of_broker(at, known["registry"], home, now))
        gathered["dead"] = _dead_of(gathered["broker"])
    return gathered


def _dead(store: HubStore) -> dict[str, Any]:
    return {"count": EmbeddedBroker(store.database, None).dead_depth()}


def _dead_of(broker: dict[str, Any]) -> dict[str, Any]:
    return broker if "error" in broker else {"count": broker["dead"]}


def _known(home: Home) -> Registry:
    with reading_registry(home) as registry:
        return registry


def _of_broker(at: Management, known: Registry, home: Home, now: datetime) -> dict[str, Any]:
    wrong = [one.problem.text() for one in broker_setup.differences(at, known, now, keep_guest=True)]
    return found.broker(at, broker_setup.queues(known), wrong, home.config.hub.queue_depth)


def _settings(path: Path) -> dict[str, Any]:
    config = open_home(path).config
    wanted = []
    if config.installation.role == "all" and config.store.kind == "postgresql":
        wanted.append(config.store.url_env)
    if config.broker.kind == "amqp" and not config.broker.url:
        wanted.append(config.broker.url_env)
    return {
        "role": config.installation.role,
        "store": config.store.kind,
        "broker": config.broker.kind,
        "user_id": config.broker.user_id,
        "is_served": config.installation.role == "all" and config.broker.kind == "amqp",
        "listen": config.server.listen,
        "is_plain_anywhere": config.server.plain_http == "anywhere" and not config.server.certificate_file,
        "stamps_hours": config.timestamps.hours if config.timestamps.url else 0,
        "unset": [name for name in wanted if not os.environ.get(name)],
    }


def _last_year(home: Home) -> int:
    days = home.config.deadlines.build(home.path).calendar.off
    return max((day.year for day in days), default=0)
