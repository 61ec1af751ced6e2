"""What is wrong with a home, by what was gathered about it. Pure: a gathered file is judged the same on any machine.

A gathering is a dictionary of sections, each of plain values, without secrets and without anything of a document. What
could not be found out stands as ``{"error": …}`` in its section's place: the check that wanted it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from axis.core.instant import from_text
from axis.core.registry import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Judge = Callable[["Gathering", datetime], "Judgement | None"]

FORMAT = 1  # of a gathering
ALARMS = (1, 7, 30, 60)  # days before a certificate ends
CLOCKS_APART = timedelta(seconds=2)
STALE = timedelta(minutes=5)  # what waits longer is waiting for something
FULL, NEARLY_FULL = 200 * 2**20, 2 * 2**30  # free bytes
FULL_SHARE = 0.05
MANY = 0.8  # of a queue's places
LEAST_RSA = 2048
NEW_POLICY = timedelta(days=30)
TOLD = 8  # names in one sentence


class Verdict(StrEnum):
    """How it looks."""

    GOOD = "good"
    WARN = "warn"  # it works, and will not for ever; or somebody has to look
    BAD = "bad"  # something does not work
    UNKNOWN = "unknown"  # it could not be found out


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `facts` are those of its sentences, `names` what they are about (codes, files)."""

    check: str
    verdict: Verdict
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should look."""
        return self.verdict is not Verdict.GOOD


Gathering = dict[str, Any]
Judgement = tuple[Verdict, dict[str, Any]]
_GOOD, _WARN, _BAD = Verdict.GOOD, Verdict.WARN, Verdict.BAD


@dataclass(frozen=True, slots=True)
class Check:
    """One question: `sections` must have been gathered; `judge` gives (verdict, facts), or None where the question
    does not arise."""

    name: str
    sections: tuple[str, ...]
    judge: Judge


CHECKS: list[Check] = []


def _check(*sections: str) -> Callable[[Judge], Judge]:
    def keep(judge: Judge) -> Judge:
        CHECKS.append(Check(judge.__name__.removeprefix("_"), sections, judge))
        return judge

    return keep


def examine(gathered: Gathering) -> list[Finding]:
    """What every check that applies finds, in the order of the checks. Raises ValueError or KeyError where `gathered`
    is no gathering of this format."""
    if gathered["format"] != FORMAT:
        msg = f"format {gathered['format']}"
        raise ValueError(msg)
    now = from_text(gathered["at"])
    found = []
    for check in CHECKS:
        missing = [gathered[name]["error"] for name in check.sections if "error" in gathered.get(name, {})]
        if any(name not in gathered for name in check.sections):
            continue
        if missing:
            found.append(Finding(check.name, Verdict.UNKNOWN, {"why": missing[0]}))
        elif (judged := check.judge(gathered, now)) is not None:
            verdict, facts = judged
            found.append(Finding(check.name, verdict, {name: str(value) for name, value in facts.items()}))
    return found


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst of them: bad, unknown (it may be bad), warn, good."""
    verdicts = {one.verdict for one in findings}
    return next((one for one in (Verdict.BAD, Verdict.UNKNOWN, Verdict.WARN) if one in verdicts), Verdict.GOOD)


def _names(found: Iterable[object]) -> str:
    names = [str(one) for one in found]
    more = f" … (+{len(names) - TOLD})" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more


def _listed(found: Iterable[object], verdict: Verdict = _WARN) -> Judgement:
    names = list(found)
    return (verdict if names else _GOOD), {"count": len(names), "names": _names(names)}


def _age(moment: str, now: datetime) -> timedelta:
    return now - from_text(moment) if moment else timedelta(0)


# -- The machine and the home -------------------------------------------------------------------------------------


@_check("home")
def _home_mode(gathered: Gathering, _now: datetime) -> Judgement:
    """Others may look into the home's folder of keys."""
    open_to_others = [one for one in gathered["home"]["folders"] if int(one["mode"], 8) & 0o027]
    return _listed((f"{one['name']} ({one['mode']})" for one in open_to_others), _BAD)


@_check("home")
def _private_files(gathered: Gathering, _now: datetime) -> Judgement:
    """A key, token or password can be read by others than its owner."""
    return _listed((one["name"] for one in gathered["home"]["secrets"] if not one["is_private"]), _BAD)


@_check("home")
def _disk(gathered: Gathering, _now: datetime) -> Judgement:
    """The disk that the home is on is nearly full."""
    free, size = gathered["home"]["free_bytes"], gathered["home"]["size_bytes"]
    verdict = _BAD if free < FULL else _WARN if free < NEARLY_FULL or free < size * FULL_SHARE else _GOOD
    return verdict, {"free": f"{free / 2**30:.1f} GB", "share": f"{100 * free // size if size else 0} %"}


@_check("home")
def _incidents(gathered: Gathering, now: datetime) -> Judgement:
    """Errors of the axis itself have left their traces lately."""
    recent = [one["name"] for one in gathered["home"]["incidents"] if _age(one["at"], now) < timedelta(days=7)]
    return _listed(recent)


@_check("settings")
def _settings(gathered: Gathering, _now: datetime) -> Judgement:
    """axis.toml can be read."""
    return _GOOD, {"store": gathered["settings"]["store"], "broker": gathered["settings"]["broker"]}


@_check("settings")
def _environment(gathered: Gathering, _now: datetime) -> Judgement:
    """A variable that the settings name is not set here."""
    return _listed(gathered["settings"]["unset"], _BAD)


@_check("settings")
def _publishers(gathered: Gathering, _now: datetime) -> Judgement | None:
    """All share one broker user: who published is known by signature alone."""
    if gathered["settings"]["broker"] != "amqp":
        return None
    return (_WARN if gathered["settings"]["user_id"] == "optional" else _GOOD), {}


@_check("settings")
def _public_server(gathered: Gathering, _now: datetime) -> Judgement | None:
    """The adapters' server takes connections of other machines in the clear."""
    if not gathered["settings"]["listen"]:
        return None
    return (_WARN if gathered["settings"]["is_plain_anywhere"] else _GOOD), {"listen": gathered["settings"]["listen"]}


@_check("calendar")
def _calendar(gathered: Gathering, now: datetime) -> Judgement:
    """Working days are known for too short a time."""
    until = gathered["calendar"]["last_year"]
    wanted = now.year + (now.month == 12)
    return (_WARN if until < wanted else _GOOD), {"year": until, "wanted": wanted}


@_check("program")
def _program(gathered: Gathering, _now: datetime) -> Judgement:
    """The Python that runs this is too old."""
    major, minor = gathered["program"]["python"].split(".")[:2]
    facts = {"python": gathered["program"]["python"], "version": gathered["program"]["version"]}
    return (_GOOD if (int(major), int(minor)) >= (3, 11) else _BAD), facts


# -- Keys and certificates ----------------------------------------------------------------------------------------


@_check("keys")
def _keys(gathered: Gathering, _now: datetime) -> Judgement:
    """A key is missing, cannot be read, or does not belong to its certificate."""
    return _listed((f"{one['name']}: {one['problem']}" for one in gathered["keys"]["pairs"] if one["problem"]), _BAD)


@_check("keys")
def _log_key(gathered: Gathering, _now: datetime) -> Judgement | None:
    """The key of the log is missing, or cannot be read: the ledger goes on, and nothing of it is signed any more."""
    said = gathered["keys"].get("log")  # an older gathering has none
    return ((_BAD if said else _GOOD), {"said": said}) if said is not None else None


@_check("keys")
def _certificates(gathered: Gathering, now: datetime) -> Judgement:
    """A certificate has ended, or ends within 60 days; but for those of agencies that the registry tells of."""
    told = {f"keys/{code}.pem" for code in gathered.get("registry", {}).get("ends", {})}
    own = [one for one in gathered["keys"]["certificates"] if one["name"] not in told]
    ends = sorted((_age(one["until"], now), one["name"]) for one in own)
    left = [(-age, name) for age, name in reversed(ends)]
    soon = [(time, name) for time, name in left if time < timedelta(days=ALARMS[-1])]
    over = [name for time, name in soon if time < timedelta(days=ALARMS[0])]
    shown = _names(f"{name} ({max(time.days, 0)})" for time, name in soon)
    return (_BAD if over else _WARN if soon else _GOOD), {"count": len(soon), "names": shown}


@_check("keys")
def _young_certificates(gathered: Gathering, now: datetime) -> Judgement:
    """A certificate is not valid yet."""
    return _listed((one["name"] for one in gathered["keys"]["certificates"] if from_text(one["since"]) > now), _BAD)


@_check("keys")
def _weak_keys(gathered: Gathering, _now: datetime) -> Judgement:
    """An RSA key is shorter than is believed for the coming years (ETSI TS 119 312)."""
    rsa = [one for one in gathered["keys"]["certificates"] if one["key"].startswith("rsa")]
    return _listed(f"{one['name']} ({one['key']})" for one in rsa if int(one["key"][3:]) <= LEAST_RSA)


# -- The registry -------------------------------------------------------------------------------------------------


@_check("registry")
def _registry(gathered: Gathering, _now: datetime) -> Judgement:
    """The registry can be read, and the hub has signed it."""
    found = gathered["registry"]
    return _GOOD, {"version": found["version"], "count": found["members"]}


@_check("registry", "keys")
def _own_certificates(gathered: Gathering, _now: datetime) -> Judgement:
    """This home signs with a certificate that the registry does not have, or has revoked: nobody would believe it."""
    listed = set(gathered["registry"]["certificates"]) - set(gathered["registry"].get("revoked", []))
    own = [one for one in gathered["keys"]["certificates"] if one["use"] == "sign"]
    return _listed((one["name"] for one in own if one["digest"] not in listed), _BAD)


@_check("registry", "settings", "keys")
def _centre_keys(gathered: Gathering, _now: datetime) -> Judgement | None:
    """The centre has made agencies' keys: it could speak for them."""
    if gathered["settings"]["broker"] != "amqp":
        return None  # one machine is the centre and all agencies
    found = gathered["registry"].get("made_here", [])
    if gathered["settings"].get("role") == "agency":
        found = [code for code in found if code in {one["name"] for one in gathered["keys"]["pairs"]}]
    return _listed(found)


@_check("registry", "settings")
def _registrars(gathered: Gathering, _now: datetime) -> Judgement | None:
    """Nobody could introduce the key of an agency that has lost its own."""
    if gathered["settings"]["broker"] != "amqp" or gathered["settings"].get("role") == "agency":
        return None
    return (_GOOD if gathered["registry"].get("registrars", 1) else _WARN), {}


@_check("registry", "settings")
def _officers(gathered: Gathering, now: datetime) -> Judgement | None:
    """One officer is enough, or none: nobody else is asked before agencies are admitted, closed or given other keys."""
    found = gathered["registry"].get("officers")
    if found is None or gathered["settings"].get("role") == "agency":
        return None
    facts = {"count": len(found), "names": _names(found)}
    if ended := [name for name, until in found.items() if -_age(until, now) < timedelta(days=ALARMS[-1])]:
        return _WARN, facts | {"names": _names(ended)}
    alone = len(found) < 2 and gathered["settings"]["broker"] == "amqp"  # on one machine one person is the centre
    return (_WARN if alone or not found else _GOOD), facts


@_check("registry", "settings")
def _hub_recovery(gathered: Gathering, _now: datetime) -> Judgement | None:
    """Nothing could name another key of the hub's if its own is stolen or lost."""
    if gathered["settings"]["broker"] != "amqp" or gathered["settings"].get("role") == "agency":
        return None
    return (_GOOD if gathered["registry"].get("has_recovery", True) else _WARN), {}


@_check("registry")
def _hub_end(gathered: Gathering, now: datetime) -> Judgement | None:
    """The last of the hub's keys ends within 60 days."""
    if "hub_until" not in gathered["registry"]:
        return None
    left = -_age(gathered["registry"]["hub_until"], now)
    verdict = _BAD if left < timedelta(days=ALARMS[0]) else _WARN if left < timedelta(days=ALARMS[-1]) else _GOOD
    return verdict, {"days": max(left.days, 0)}


@_check("registry")
def _suspended(gathered: Gathering, _now: datetime) -> Judgement:
    """Agencies are suspended: their mail waits."""
    return _listed(gathered["registry"]["suspended"])


@_check("registry")
def _agency_certificates(gathered: Gathering, now: datetime) -> Judgement:
    """Agencies' certificates that end within 60 days."""
    soon = [(-_age(until, now), code) for code, until in gathered["registry"]["ends"].items()]
    soon = sorted((left, code) for left, code in soon if left < timedelta(days=ALARMS[-1]))
    verdict = _BAD if any(left < timedelta(days=ALARMS[0]) for left, _ in soon) else _WARN if soon else _GOOD
    return verdict, {"count": len(soon), "names": _names(f"{code} ({max(left.days, 0)})" for left, code in soon)}


# -- The database -------------------------------------------------------------------------------------------------


@_check("database")
def _database(gathered: Gathering, _now: datetime) -> Judgement:
    """The database answers."""
    return _GOOD, {"kind": gathered["database"]["kind"], "version": gathered["database"]["server"]}


@_check("database")
def _schema(gathered: Gathering, _now: datetime) -> Judgement:
    """The database is of another version of the axis."""
    found = gathered["database"]
    return (_GOOD if found["schema"] == found["wanted"] else _BAD), {"got": found["schema"], "wanted": found["wanted"]}


@_check("database")
def _read_only(gathered: Gathering, _now: datetime) -> Judgement:
    """The database takes no changes: a standby, or a full disk."""
    return (_GOOD if gathered["database"]["is_writable"] else _BAD), {}


@_check("database")
def _durability(gathered: Gathering, _now: datetime) -> Judgement:
    """A commit could be lost with the power: what was receipted would be gone."""
    weak = {name: value for name, value in gathered["database"]["durability"].items() if value in {"off", "0", "1"}}
    return _listed((f"{name} = {value}" for name, value in weak.items()), _BAD)


@_check("database")
def _damage(gathered: Gathering, _now: datetime) -> Judgement | None:
    """The database file is damaged (SQLite's own quick check)."""
    said = gathered["database"]["check"]
    return None if not said else ((_GOOD if said == "ok" else _BAD), {"said": said})


@_check("database")
def _clock_of_the_database(gathered: Gathering, now: datetime) -> Judgement | None:
    """The database server's clock and this machine's differ."""
    return _apart(gathered["database"]["clock"], now)


def _apart(clock: str, now: datetime) -> Judgement | None:
    if not clock:
        return None
    apart = abs(_age(clock, now))
    verdict = _GOOD if apart <= CLOCKS_APART else _WARN if apart < STALE else _BAD
    return verdict, {"seconds": f"{apart.total_seconds():.1f}"}


# -- The record ---------------------------------------------------------------------------------------------------


@_check("record")
def _ledger_end(gathered: Gathering, _now: datetime) -> Judgement:
    """The record is older than this home has seen it: an old backup, or another database."""
    found = gathered["record"]["ledger"]
    return (_GOOD if found["holds"] else _BAD), {"end": found["end"]}


@_check("record")
def _ledger_links(gathered: Gathering, _now: datetime) -> Judgement:
    """The last entries of the ledger are not linked as they should be: somebody changed the record."""
    said = gathered["record"]["ledger"]["damage"]
    return (_BAD if said else _GOOD), {"said": said, "count": gathered["record"]["ledger"]["checked"]}


@_check("record")
def _ledger_places(gathered: Gathering, now: datetime) -> Judgement:
    """Entries wait for their place in the ledger: no hub gives places."""
    found = gathered["record"]["ledger"]
    waits = _age(found["unlinked_since"], now)
    return (_WARN if waits > STALE else _GOOD), {"minutes": waits // timedelta(minutes=1)}


@_check("settings", "record")
def _timestamps(gathered: Gathering, now: datetime) -> Judgement | None:
    """Checkpoints wait for the time-stamp that they are to have."""
    hours, stamped = gathered["settings"].get("stamps_hours", 0), gathered["record"].get("stamped", "")
    if not hours:
        return None
    waits = now - from_text(stamped) if stamped else None
    is_late = waits is None or waits > timedelta(hours=2 * hours)
    return (_WARN if is_late else _GOOD), {"hours": waits // timedelta(hours=1) if waits is not None else "-"}


@_check("record")
def _timestamps_end(gathered: Gathering, now: datetime) -> Judgement | None:
    """Nothing renews the time-stamps before the certificate of the last one ends."""
    if not (until := gathered["record"].get("stamps_end", "")):
        return None
    left = -_age(until, now)
    verdict = _BAD if left < timedelta(days=ALARMS[0]) else _WARN if left < timedelta(days=ALARMS[-1]) else _GOOD
    return verdict, {"days": max(left.days, 0)}


@_check("record")
def _clock_of_the_record(gathered: Gathering, now: datetime) -> Judgement:
    """The record was written at a moment that is still to come: this clock is slow, or another was fast."""
    ahead = -_age(gathered["record"]["ledger"]["last"], now)
    return (_BAD if ahead > CLOCKS_APART else _GOOD), {"seconds": f"{max(ahead.total_seconds(), 0.0):.1f}"}


@_check("record")
def _outbox(gathered: Gathering, now: datetime) -> Judgement:
    """What should have left is still here: no hub runs, or the broker takes nothing."""
    found = gathered["record"]["outbox"]
    waits = _age(found["oldest"], now)
    return (_BAD if waits > STALE else _GOOD), {"count": found["due"], "minutes": waits // timedelta(minutes=1)}


@_check("record")
def _hubs(gathered: Gathering, now: datetime) -> Judgement:
    """No hub is at work."""
    alive = [one["holder"] for one in gathered["record"]["leases"] if one["until"] and from_text(one["until"]) > now]
    verdict = _GOOD if alive or not gathered["settings"].get("is_served", False) else _WARN
    return verdict, {"count": len(set(alive))}


@_check("record")
def _quarantine(gathered: Gathering, _now: datetime) -> Judgement:
    """Messages wait in quarantine for somebody to decide."""
    found = gathered["record"]["quarantine"]
    return (_WARN if found else _GOOD), {"count": sum(found.values()), "names": _names(sorted(found))}


@_check("record")
def _given_up(gathered: Gathering, _now: datetime) -> Judgement:
    """Deliveries were given up or are overdue, and nobody has decided about them."""
    found = gathered["record"]["failed"]
    return (_WARN if found else _GOOD), {"count": sum(found.values()), "names": _names(sorted(found))}


@_check("record")
def _overdue(gathered: Gathering, _now: datetime) -> Judgement:
    """Recipients are late."""
    found: Mapping[str, int] = gathered["record"]["overdue"]
    most = sorted(found, key=lambda code: (-found[code], code))
    shown = _names(f"{code} ({found[code]})" for code in most)
    return (_WARN if found else _GOOD), {"count": sum(found.values()), "names": shown}


@_check("record")
def _restored(gathered: Gathering, now: datetime) -> Judgement:
    """The record was put back to a backup: what it has lost is still coming in again."""
    until = gathered["record"]["gap_until"]
    is_open = bool(until) and from_text(until) > now
    return (_WARN if is_open else _GOOD), {"until": until}


@_check("record", "registry")
def _silent(gathered: Gathering, now: datetime) -> Judgement:
    """Agencies have taken nothing for days though mail waits for them."""
    found = gathered["record"]["waiting_since"]
    active = set(gathered["registry"]["active"])
    long = [code for code, since in sorted(found.items()) if code in active and _age(since, now) > timedelta(days=1)]
    return _listed(long)


@_check("witness")
def _witnesses(gathered: Gathering, now: datetime) -> Judgement | None:
    """The log contradicts itself, says in an agency's name what that does not know, or has no quorum for a day."""
    own, centre = gathered["witness"]["own"], gathered["witness"].get("centre", {"agencies": [], "quorum": ""})
    wrong = {one["code"]: one["trouble"] for one in (*centre["agencies"], *own) if one["trouble"]}
    wrong |= {one["code"]: f"LOG_UNKNOWN {one['unknown']}" for one in own if one["unknown"]}
    if wrong:
        return _listed((f"{code}: {why}" for code, why in sorted(wrong.items())), _BAD)
    if not centre["quorum"] and not any(one["cosigned"] for one in own):
        return None
    late = [one["code"] for one in centre["agencies"] if one["unanswered"] and one["cosigned"] < centre["size"]]
    waits = _age(centre.get("witnessed_at", ""), now) > timedelta(days=1) and centre["witnessed"] < centre["size"]
    return _listed(late if waits else [])


@_check("witness")
def _witness_policy(gathered: Gathering, now: datetime) -> Judgement:
    """The registry has brought another witness policy in the last thirty days."""
    seen = {one["code"]: one.get("policy_changed") for one in gathered["witness"]["own"]}
    seen[HUB] = gathered["witness"].get("centre", {}).get("policy_changed")
    return _listed(
        f"{code}: {one['needed_before'] or '-'} → {one['needed_now'] or '-'}"
        for code, one in sorted(seen.items())
        if one and _age(one["at"], now) < NEW_POLICY
    )


@_check("witness")
def _aside(gathered: Gathering, _now: datetime) -> Judgement | None:
    """What is signed by a key that no registry has named as the hub's waits at an agency."""
    found = gathered["witness"].get("aside", [])
    if not gathered["witness"]["own"]:
        return None
    return _listed(f"{one['code']}: {one['count']} ({one['bytes']} B)" for one in found)


# -- The broker ---------------------------------------------------------------------------------------------------


@_check("broker")
def _broker(gathered: Gathering, _now: datetime) -> Judgement:
    """The broker answers."""
    return _GOOD, {"version": gathered["broker"]["version"]}


@_check("broker")
def _broker_alarms(gathered: Gathering, _now: datetime) -> Judgement:
    """The broker is short of memory or disk and takes nothing."""
    return _listed(gathered["broker"]["alarms"], _BAD)


@_check("broker")
def _clock_of_the_broker(gathered: Gathering, now: datetime) -> Judgement | None:
    """The broker's clock and this machine's differ (its answers name whole seconds)."""
    clock = gathered["broker"]["clock"]
    if clock and abs(_age(clock, now)) <= CLOCKS_APART + timedelta(seconds=1):
        return _GOOD, {"seconds": "0"}
    return _apart(clock, now)


@_check("broker")
def _topology(gathered: Gathering, _now: datetime) -> Judgement:
    """Queues, users or rights at the broker are not as the registry wants them."""
    return _listed(gathered["broker"]["differences"], _BAD)


@_check("broker", "registry")
def _adapters(gathered: Gathering, _now: datetime) -> Judgement:
    """Mail waits in the queues of agencies whose adapters are not connected."""
    active = set(gathered["registry"]["active"])
    queues = gathered["broker"]["queues"]
    away = {one["agency"]: one for one in queues if one["kind"] == "to" and not one["consumers"] and one["messages"]}
    return _listed(f"{code} ({away[code]['messages']})" for code in sorted(away) if code in active)


@_check("broker")
def _full_queues(gathered: Gathering, _now: datetime) -> Judgement:
    """Queues are nearly full: what comes for these agencies waits at the hub."""
    depth = gathered["broker"]["depth"]
    full = [one for one in gathered["broker"]["queues"] if one["kind"] == "to" and one["messages"] >= depth * MANY]
    return _listed(f"{one['agency']} ({one['messages']})" for one in full)


@_check("broker")
def _unread(gathered: Gathering, _now: datetime) -> Judgement:
    """Agencies' mail waits to be taken in and nobody takes it: no hub is connected."""
    waiting = [one for one in gathered["broker"]["queues"] if one["kind"] == "from" and one["messages"]]
    unread = [f"{one['agency']} ({one['messages']})" for one in waiting if not one["consumers"]]
    return _listed(unread, _BAD)


@_check("dead")
def _dead_letters(gathered: Gathering, _now: datetime) -> Judgement:
    """The broker has put messages aside that nobody could deal with."""
    count = gathered["dead"]["count"]
    return (_WARN if count else _GOOD), {"count": count}


# -- The agencies of this home ------------------------------------------------------------------------------------


@_check("agencies")
def _connections(gathered: Gathering, _now: datetime) -> Judgement:
    """An agency's folder, drop box or spool cannot be used."""
    return _listed((f"{one['code']}: {one['problem']}" for one in gathered["agencies"]["all"] if one["problem"]), _BAD)


@_check("agencies")
def _waiting_files(gathered: Gathering, now: datetime) -> Judgement:
    """Packets lie in outbox/ and nobody takes them: no adapter runs for these agencies."""
    old = [one for one in gathered["agencies"]["all"] if _age(one["outbox_since"], now) > STALE]
    return _listed((f"{one['code']} ({one['outbox']})" for one in old), _BAD)


@_check("agencies")
def _failed_files(gathered: Gathering, _now: datetime) -> Judgement:
    """Packets were refused and lie in failed/ with the reason beside them."""
    return _listed(f"{one['code']} ({one['failed']})" for one in gathered["agencies"]["all"] if one["failed"])
