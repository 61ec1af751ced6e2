"""The HTTP(S) server in front of the agencies of a home: for systems that fetch mail, the portal, meeting systems."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from axis.home import hub_certificate, systems_file, tokens_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from axis.adapters.monitor import Watched
    from axis.home import Home
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis")


@contextmanager
def front(
    home: Home,
    agencies: Sequence[Agency],
    watched: Watched | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[int]:
    """The HTTP(S) server for those of `agencies` whose systems fetch their mail, if one is configured; its port, 0 for
    none. `watched`: whom it asks about the process; `clock`: of meeting systems. Raises :class:`Misconfigured`."""
    settings = home.config.server
    if not settings.listen:
        yield 0
        return
    from axis.adapters import api, tokens, webhook
    from axis.adapters.door import Limits
    from axis.adapters.dvcqg.server import portal
    from axis.adapters.ecabinet import server as ecabinet
    from axis.adapters.mailbox import Mailbox
    from axis.adapters.monitor import Health
    from axis.adapters.server import serving, side_by_side
    from axis.adapters.spool.store import open_spool
    from axis.adapters.systems import read_systems
    from axis.adapters.vxp.server import Vxp
    from axis.services.cabinet import Cabinet

    mailboxes = {}
    for one in agencies:
        if home.config.adapter.of(one.code)[0] != "spool":
            continue
        try:
            spool = open_spool(home.path / "agencies" / one.code / "spool")
        except Exception as error:  # noqa: BLE001  whatever it is, it is this agency's
            log.warning("%s: nothing is served to its systems until the next start: %s", one.code, error)
        else:
            mailboxes[one.code] = Mailbox(one.code, spool, one.registry, one.types, settings.webhook_networks)
    files = (settings.certificate_file, settings.key_file, settings.ca_file)
    certificate, key, authority = (home.path / name if name else None for name in files)
    known = partial(read_systems, systems_file(home))
    holders = partial(tokens.read_tokens, tokens_file(home))
    v1 = api.application(holders, mailboxes)
    ours = {code: mailboxes[code] for code in home.config.ecabinet.agencies if code in mailboxes}
    desks = {one.code: Cabinet(home.path, one.code, one.journal, hub_certificate(home)) for one in agencies}
    stopped, clear = threading.Event(), settings.plain_http == "anywhere"
    limits = Limits(settings.connections, settings.connections_per_peer)
    health = Health(watched) if watched is not None else None
    public = portal(home.path, home.config.portal, known, mailboxes)
    cabinet = ecabinet.application(holders, ours, desks, clock) if ours else None
    app = side_by_side(v1, Vxp(known, mailboxes), health, public, cabinet)
    with serving(app, settings.listen, certificate, key, authority, limits=limits, clear=clear) as port:
        telling = webhook.telling(mailboxes, stopped)
        try:
            yield port
        finally:
            stopped.set()
            end = time.monotonic() + 15
            for thread in telling:
                thread.join(max(0, end - time.monotonic()))
