"""What must stand at the broker for a registry: queues, users, rights. And what of it does not.

One list of differences serves both commands: ``check`` shows them, ``setup`` removes those that can be removed.

Rights (RabbitMQ's words): an agency may make nothing but its lock, publish into its own intake exchange, and read its
own two queues. It cannot publish for another, read another's mail, or reach a queue past the exchange. Together with
the broker's check of ``user_id`` that leaves the hub with the broker's word on who published.

Adapters from before there were intake exchanges of their own publish into ``axis.in`` under their routing key; until
``--close-old`` agencies' users have that right too. It is not as narrow: a CC or BCC header reaches every queue of that
exchange. The broker itself keeps what was decided: where nobody has the right any more, nobody gets it again.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from axis.config import TEXT
from axis.core.message import DEAD_QUEUE, HUB_USER, Route
from axis.errors import Fault, Problem
from axis.infra import keystore
from axis.infra.amqp import topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Registry
    from axis.infra.amqp.management import Management

NOTHING = "^$"
# An adapter uses three connections and its start may overlap the end of the one before; an agency may have a few.
MAX_CONNECTIONS, MAX_CHANNELS = 12, 60


@dataclass(frozen=True)
class User:
    """A broker user: rights on names (configure, write, read), and on routing keys by exchange (write)."""

    name: str
    configure: str
    write: str
    read: str
    topics: tuple[tuple[str, str], ...] = ()
    limited: bool = True


@dataclass(frozen=True)
class Difference:
    """Something at the broker that is not as it must be; `mend` makes it so, None where that needs a person."""

    problem: Problem
    mend: Callable[[], None] | None


def agency_user(code: str, *, old: bool = False) -> User:
    """The broker user of an agency; `old`: its adapter may be one that publishes into ``axis.in``."""
    own = re.escape(code)
    topics = ((topology.OLD_INTAKE, rf"^{own}(\.urgent)?$" if old else NOTHING), ("axis.out", NOTHING))
    write = rf"^axis\.in(\.{own})?$" if old else rf"^axis\.in\.{own}$"
    return User(code, rf"^{re.escape(topology.lock_queue(code))}$", write, rf"^axis\.to\.{own}(\.urgent)?$", topics)


def users(registry: Registry, now: datetime, *, old: bool = False) -> list[User]:
    """The hub's user and one for each agency in good standing. Who is suspended or closed has no rights at all."""
    hub = User(HUB_USER, r"^axis\.", r"^(axis\..*|amq\.default)$", r"^axis\.", limited=False)
    return [hub, *(agency_user(m.code, old=old) for m in registry.agencies if m.standing(now) == "active")]


def has_old(at: Management, registry: Registry) -> bool:
    """Whether ``axis.in`` is open: until it was closed for one of the agencies. By the rights to its routing keys: they
    stay with a user whose other rights are taken away for a time."""
    codes = {member.code for member in registry.agencies}
    keys = [one for one in at.get("topic-permissions") or [] if one["vhost"] == at.vhost and one["user"] in codes]
    return not any(one["exchange"] == topology.OLD_INTAKE and one["write"] == NOTHING for one in keys)


def queues(registry: Registry) -> dict[str, Route]:
    """Every agency's queues by name; also of one that is suspended: its mail waits there."""
    routes = [
        Route(direction, member.code, urgent)
        for member in registry.agencies
        for direction in ("in", "out")
        for urgent in (False, True)
    ]
    return {route.queue: route for route in routes}


def differences(
    at: Management, registry: Registry, now: datetime, *, keep_guest: bool = False, close_old: bool = False
) -> Iterator[Difference]:
    """What is not as it must be, in an order in which it can be mended.

    Mend each before asking for the next: what follows may depend on it.
    """
    old = has_old(at, registry) and not close_old
    if at.get("vhosts", at.vhost) is None:
        yield _missing("vhost", at.vhost, lambda: at.put("vhosts", at.vhost, body={}))
    if at.get("permissions", at.vhost, at.user) is None:
        full = {"configure": ".*", "write": ".*", "read": ".*"}
        yield _missing("right", at.user, lambda: at.put("permissions", at.vhost, at.user, body=full))
    yield from _queue_differences(at, registry)
    yield from _user_differences(at, registry, now, keep_guest=keep_guest, old=old)


def twice(at: Management, registry: Registry) -> Iterator[Problem]:
    """Agencies of which more than one adapter is connected. One of them has the lock; the other waits for it."""
    codes = {member.code for member in registry.agencies}
    peers: dict[str, list[str]] = {}
    for one in at.get("vhosts", at.vhost, "connections") or []:
        name = str(one.get("client_properties", {}).get("connection_name", ""))
        if one.get("user") in codes and name.endswith(" consume"):
            peers.setdefault(one["user"], []).append(f"{one.get('peer_host')}:{one.get('peer_port')}")
    for code, places in sorted(peers.items()):
        if len(places) > 1:
            yield Problem(Fault.BROKER_TWICE, path=code, got=", ".join(sorted(places)))


def _queue_differences(at: Management, registry: Registry) -> Iterator[Difference]:
    durable = {"durable": True}
    exchanges = {one["name"]: one for one in at.get("exchanges", at.vhost) or []}
    for name, kind in topology.exchanges(member.code for member in registry.agencies).items():
        body = {"type": kind, **durable}
        if name not in exchanges:
            yield _missing("exchange", name, _put(at, "exchanges", at.vhost, name, body=body))
        elif (exchanges[name]["type"], exchanges[name]["durable"]) != (kind, True):
            yield Difference(_wrong("exchange", name, f"{kind}, durable", exchanges[name]["type"]), None)
    standing = {one["name"]: one for one in at.get("queues", at.vhost) or []}
    bound = {(one["source"], one["routing_key"], one["destination"]) for one in at.get("bindings", at.vhost) or []}
    routes = queues(registry)
    nodes = sum(bool(node.get("running")) for node in at.get("nodes") or [])
    for name, arguments in wanted_arguments(routes).items():
        if name not in standing:
            body = {**durable, "arguments": arguments}
            yield _missing("queue", name, _put(at, "queues", at.vhost, name, body=body))
        else:
            yield from _argument_differences(name, standing[name], arguments, nodes)
        for exchange, key in topology.bindings(routes[name]) if name in routes else ():
            if (exchange, key, name) not in bound:
                mend = _post(at, "bindings", at.vhost, "e", exchange, "q", name, body={"routing_key": key})
                yield _missing("binding", f"{exchange} → {name}", mend)
    for exchange, _, name in sorted(bound):
        if exchange.startswith(f"{topology.OLD_INTAKE}.") and (
            name not in routes or exchange not in {e for e, _ in topology.bindings(routes[name])}
        ):
            yield Difference(_wrong("binding", f"{exchange} → {name}", "-", "a queue of another"), None)


def wanted_arguments(routes: dict[str, Route]) -> dict[str, dict[str, Any]]:
    """The arguments that these queues, and the dead letters', are made with, by name."""
    return {DEAD_QUEUE: topology.queue_arguments(None)} | {
        name: topology.queue_arguments(route) for name, route in routes.items()
    }


def unlike(at: Management, registry: Registry) -> list[str]:
    """The queues that stand with other arguments than they would be made with now."""
    wanted = wanted_arguments(queues(registry))
    standing = at.get("queues", at.vhost) or []
    return [q["name"] for q in standing if q["name"] in wanted and q.get("arguments", {}) != wanted[q["name"]]]


def _argument_differences(name: str, queue: dict[str, Any], wanted: dict[str, Any], nodes: int) -> Iterator[Difference]:
    have = queue.get("arguments", {})
    for key in sorted({*wanted, *have}):
        if have.get(key) != wanted.get(key):
            yield Difference(_wrong("queue", name, f"{key}={wanted.get(key, '-')}", str(have.get(key, "-"))), None)
    members = queue.get("members") or []
    if wanted["x-queue-type"] == have.get("x-queue-type") and members and len(members) < min(3, nodes):
        problem = Problem(Fault.BROKER_FEW_MEMBERS, path=name, got=str(len(members)), expected=str(min(3, nodes)))
        yield Difference(problem, None)


def _user_differences(
    at: Management, registry: Registry, now: datetime, *, keep_guest: bool, old: bool
) -> Iterator[Difference]:
    wanted = {user.name: user for user in users(registry, now, old=old)}
    barred = {member.code for member in registry.agencies} - set(wanted)
    standing = {one["name"]: one for one in at.get("users") or []}
    rights = {one["user"]: one for one in at.get("permissions") or [] if one["vhost"] == at.vhost}
    topics = {
        (one["user"], one["exchange"]): one for one in at.get("topic-permissions") or [] if one["vhost"] == at.vhost
    }
    limits = {one["user"]: one["value"] for one in at.get("user-limits") or []}
    for name, user in wanted.items():
        if name not in standing:
            yield _missing("user", name, _put(at, "users", name, body={"password_hash": "", "tags": ""}))
        elif tags := standing[name].get("tags"):
            shown = tags if isinstance(tags, str) else ",".join(tags)
            yield Difference(_wrong("user", name, "no tags", shown), _untag(at, standing[name]))
        need = {"configure": user.configure, "write": user.write, "read": user.read}
        have = {key: rights.get(name, {}).get(key) for key in need}
        if have != need:
            mend = _put(at, "permissions", at.vhost, name, body=need)
            yield Difference(_wrong("right", name, _shown(need), _shown(have)), mend)
        for exchange, key in user.topics:
            if topics.get((name, exchange), {}).get("write") != key:
                body = {"exchange": exchange, "write": key, "read": NOTHING}
                got = str(topics.get((name, exchange), {}).get("write", "-"))
                mend = _put(at, "topic-permissions", at.vhost, name, body=body)
                yield Difference(_wrong("routing key", f"{name} {exchange}", key, got), mend)
        if user.limited:
            for limit, value in (("max-connections", MAX_CONNECTIONS), ("max-channels", MAX_CHANNELS)):
                if limits.get(name, {}).get(limit) != value:
                    got = str(limits.get(name, {}).get(limit, "-"))
                    mend = _put(at, "user-limits", name, limit, body={"value": value})
                    yield Difference(_wrong("limit", f"{name} {limit}", str(value), got), mend)
    for name in sorted(barred & set(rights)):
        yield Difference(_wrong("right", name, "-", "rights"), _delete(at, "permissions", at.vhost, name))
    for name in sorted(set(rights) - {*wanted, *barred, at.user, "guest"}):
        yield Difference(_wrong("right", name, "-", "rights"), _delete(at, "permissions", at.vhost, name))
    if "guest" in standing and not keep_guest:
        yield Difference(_wrong("user", "guest", "-", "a user everybody knows"), _guest(at))


def follow(at: Management, registry: Registry, now: datetime, also: Sequence[str] = ()) -> int:
    """Rights as the registry says, then the end of every open connection of an agency that has none (and of those
    in `also`); how many ended. A connection opened in between has no rights either."""
    for one in _user_differences(at, registry, now, keep_guest=True, old=has_old(at, registry)):
        if one.mend is not None:
            one.mend()
    good = {user.name for user in users(registry, now)}
    barred = [member.code for member in registry.agencies if member.code not in good]
    return sum(at.close_connections(code) for code in [*barred, *also])


def give_password(at: Management, user: str, password: str = "") -> str:
    """`password` for `user`, for a login without certificate; a new one that nobody has to remember, if empty."""
    password = password or secrets.token_urlsafe(24)
    at.put("users", user, body={"password": password, "tags": ""})
    return password


def _missing(kind: str, name: str, mend: Callable[[], None]) -> Difference:
    return Difference(Problem(Fault.BROKER_MISSING, path=kind, got=name), mend)


def _wrong(kind: str, name: str, expected: str, got: str) -> Problem:
    return Problem(Fault.BROKER_DIFFERS, path=f"{kind} {name}", expected=expected, got=got)


def _shown(rights: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in rights.items())


def _put(at: Management, *path: str, body: dict[str, Any]) -> Callable[[], None]:
    return lambda: at.put(*path, body=body)


def _post(at: Management, *path: str, body: dict[str, Any]) -> Callable[[], None]:
    return lambda: at.post(*path, body=body)


def _delete(at: Management, *path: str) -> Callable[[], None]:
    return lambda: at.delete(*path)


def _guest(at: Management) -> Callable[[], None] | None:
    """Nobody saws off the branch that he sits on."""
    return None if at.user == "guest" else _delete(at, "users", "guest")


def _untag(at: Management, user: dict[str, Any]) -> Callable[[], None]:
    kept = {key: user[key] for key in ("password_hash", "hashing_algorithm") if user.get(key)}
    return _put(at, "users", user["name"], body={**kept, "tags": ""})


def set_up(
    at: Management, registry: Registry, now: datetime, *, keep_guest: bool = False, close_old: bool = False
) -> Iterator[tuple[Problem, bool]]:
    """Mend what can be mended; each difference, and whether it is mended now. Idempotent."""
    for one in differences(at, registry, now, keep_guest=keep_guest, close_old=close_old):
        if one.mend is not None:
            one.mend()
        yield one.problem, one.mend is not None


def give_passwords(management: Management, broker_url: str, users: Sequence[str], folder: Path) -> None:
    """A password for each broker user: the one in its file in `folder`, or a new one with its AMQP URL in a new
    file, 0600. `broker_url`: of the broker, or of several; the first counts."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    parts = urlsplit(broker_url.split(",", maxsplit=1)[0].strip())
    for user in users:
        if (folder / user).exists():  # of an earlier run: the broker may be a new one
            known = urlsplit((folder / user).read_text(TEXT).strip()).password
            give_password(management, user, known or "")
            continue
        place = parts.netloc.rpartition("@")[2]
        url = urlunsplit(parts._replace(netloc=f"{quote(user)}:{give_password(management, user)}@{place}"))
        keystore.write_private(folder / user, f"{url}\n".encode())
