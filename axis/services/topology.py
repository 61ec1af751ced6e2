"""What must stand at the broker for a registry: queues, users, rights. And what of it does not.

One list of differences serves both commands: ``check`` shows them, ``setup`` removes those that can be removed.

Rights (RabbitMQ's words): an agency may make nothing, publish into ``axis.in`` under its own routing key, and read its
own two queues. It cannot publish for another, read another's mail, or reach a queue past the exchange. Together
with the broker's check of ``user_id`` that leaves the hub with the broker's word on who published.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core.message import HUB_USER, Route
from axis.errors import Fault, Problem
from axis.infra.amqp import DEAD_QUEUE_ARGUMENTS, queue_arguments
from axis.infra.embedded import DEAD_QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from axis.core.trust import Registry
    from axis.infra.management import Management

EXCHANGES = ("axis.in", "axis.out")
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


def agency_user(code: str) -> User:
    """The broker user of an agency."""
    own = re.escape(code)
    topics = (("axis.in", rf"^{own}(\.urgent)?$"), ("axis.out", NOTHING))
    return User(code, NOTHING, r"^axis\.in$", rf"^axis\.to\.{own}(\.urgent)?$", topics)


def users(registry: Registry, now: datetime) -> list[User]:
    """The hub's user and one for each agency in good standing. Who is suspended or closed has no rights at all."""
    hub = User(HUB_USER, r"^axis\.", r"^(axis\..*|amq\.default)$", r"^axis\.", limited=False)
    return [hub, *(agency_user(m.code) for m in registry.agencies if m.standing(now) == "active")]


def queues(registry: Registry) -> dict[str, Route]:
    """Every agency's queues by name; also of one that is suspended: its mail waits there."""
    routes = [
        Route(direction, member.code, urgent)
        for member in registry.agencies
        for direction in ("in", "out")
        for urgent in (False, True)
    ]
    return {route.queue: route for route in routes}


def differences(at: Management, registry: Registry, now: datetime, *, keep_guest: bool = False) -> Iterator[Difference]:
    """What is not as it must be, in an order in which it can be mended.

    Mend each before asking for the next: what follows may depend on it.
    """
    if at.get("vhosts", at.vhost) is None:
        yield _missing("vhost", at.vhost, lambda: at.put("vhosts", at.vhost, body={}))
    if at.get("permissions", at.vhost, at.user) is None:
        full = {"configure": ".*", "write": ".*", "read": ".*"}
        yield _missing("right", at.user, lambda: at.put("permissions", at.vhost, at.user, body=full))
    yield from _queue_differences(at, registry)
    yield from _user_differences(at, registry, now, keep_guest=keep_guest)


def _queue_differences(at: Management, registry: Registry) -> Iterator[Difference]:
    durable = {"durable": True}
    exchanges = {one["name"]: one for one in at.get("exchanges", at.vhost) or []}
    for name in EXCHANGES:
        body = {"type": "topic", **durable}
        if name not in exchanges:
            yield _missing("exchange", name, _put(at, "exchanges", at.vhost, name, body=body))
        elif (exchanges[name]["type"], exchanges[name]["durable"]) != ("topic", True):
            yield Difference(_wrong("exchange", name, "topic, durable", exchanges[name]["type"]), None)
    standing = {one["name"]: one for one in at.get("queues", at.vhost) or []}
    bound = {(one["source"], one["routing_key"], one["destination"]) for one in at.get("bindings", at.vhost) or []}
    routes = queues(registry)
    nodes = sum(bool(node.get("running")) for node in at.get("nodes") or [])
    wanted = {DEAD_QUEUE: DEAD_QUEUE_ARGUMENTS} | {name: queue_arguments(route) for name, route in routes.items()}
    for name, arguments in wanted.items():
        if name not in standing:
            body = {**durable, "arguments": arguments}
            yield _missing("queue", name, _put(at, "queues", at.vhost, name, body=body))
        else:
            yield from _argument_differences(name, standing[name], arguments, nodes)
        if (route := routes.get(name)) and (route.exchange, route.routing_key, name) not in bound:
            path = ("bindings", at.vhost, "e", route.exchange, "q", name)
            mend = _post(at, *path, body={"routing_key": route.routing_key})
            yield _missing("binding", f"{route.exchange} → {name}", mend)


def _argument_differences(name: str, queue: dict[str, Any], wanted: dict[str, Any], nodes: int) -> Iterator[Difference]:
    have = queue.get("arguments", {})
    for key in sorted({*wanted, *have}):
        if have.get(key) != wanted.get(key):
            yield Difference(_wrong("queue", name, f"{key}={wanted.get(key, '-')}", str(have.get(key, "-"))), None)
    members = queue.get("members") or []
    if wanted["x-queue-type"] == have.get("x-queue-type") and members and len(members) < min(3, nodes):
        problem = Problem(Fault.BROKER_FEW_MEMBERS, path=name, got=str(len(members)), expected=str(min(3, nodes)))
        yield Difference(problem, None)


def _user_differences(at: Management, registry: Registry, now: datetime, *, keep_guest: bool) -> Iterator[Difference]:
    wanted = {user.name: user for user in users(registry, now)}
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
    for one in _user_differences(at, registry, now, keep_guest=True):
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
    at: Management, registry: Registry, now: datetime, *, keep_guest: bool = False
) -> Iterator[tuple[Problem, bool]]:
    """Mend what can be mended; each difference, and whether it is mended now. Idempotent."""
    for one in differences(at, registry, now, keep_guest=keep_guest):
        if one.mend is not None:
            one.mend()
        yield one.problem, one.mend is not None
