"""What officers have signed: the acts that lead from one registry to the next.

Officers stand in the hub's own entry of the registry, each with roles, as entries that sign nothing (use ``tls``, as
far as earlier versions read); so do the acts. An act is a small text: what is done to whom, after which registry, when
and why, and which facts of the member go and come, a line each. Whoever goes by a registry that lists officers takes
the next one only if acts, signed by those who were listed then, make its facts out of the former's, each of them and no
other (:func:`check_follows`). The hub's own keys are no facts here: another rule is for them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from axis.core import lineage, signature
from axis.core.instant import from_text, to_text
from axis.core.registry import HUB, Certificate, Member, Registry, check_use
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from axis.core.signature import Signer

ACT = "act"  # the reason that such an entry of the registry names
ROLES = ("operator", "registrar", "security")
MAX_ACTS = 200  # that a registry carries: who has missed more is enrolled again
MAX_BYTES = 2_000_000  # of a file with an act
CLOCKS = lineage.CLOCKS
BOTH = 2
_FORMAT = "axis act 1"
_OFFICER = re.compile(r"officer ((?:operator|registrar|security)(?:,(?:operator|registrar|security))*)")
_HUBS = frozenset({"officers", "registrars"})  # acts about the hub's entry
DOINGS = frozenset(
    {"drop", "follow", "retention"}
)  # acts that change no registry: what the centre does with what it keeps

Facts = tuple[str, ...]


_NONE = re.compile(r"(?!)")  # no line at all


@dataclass(frozen=True, slots=True)
class Rule:
    """How many officers with one of `roles` sign such an act, and which lines may go (`minus`) and come (`plus`)."""

    need: int
    roles: frozenset[str]
    plus: re.Pattern[str] = _NONE
    minus: re.Pattern[str] = _NONE


_OPERATION, _KEYS = frozenset({"operator", "security"}), frozenset({"registrar", "security"})
_LIST = frozenset({"operator", "registrar"})
# Lines of facts that may come or go by an act.
_SUSPENDED = re.compile(r"suspension \S+")
_RESUMED = re.compile(r"suspension \S+ \S+")
_REVOKED = re.compile(r"revoked .*")
_HEIR = re.compile(r"certificate sign \S+|certificate tls \S+ witness|introduction \S+")
_ROTATED = re.compile(r"certificate sign \S+|certificate tls \S+ witness|introduction \S+|revoked .*")
_INTRODUCED = re.compile(r"introduction \S+")
_PERSON = re.compile(r"certificate person .*")
_SEALING = re.compile(r"certificate encrypt .*")
_ALL = re.compile(r".*")
_ALIAS = re.compile(r"alias .*")
_CLOSED = re.compile(r"(?:until|successor) .*")
_WITNESS = re.compile(r"certificate tls \S+ witness")
_SAID = re.compile(r"(?:name|kind|alias|from|until|successor)\b.*")
_NAMED = re.compile(r"officer .*")
_REGISTRAR = re.compile(r"registrar .*")
RULES = {
    "suspend": Rule(1, _OPERATION, _SUSPENDED),
    "resume": Rule(BOTH, _OPERATION, _RESUMED, _SUSPENDED),
    "revoke": Rule(1, _KEYS, _REVOKED),
    "admit": Rule(BOTH, _KEYS, _HEIR),
    "claim": Rule(BOTH, _KEYS, _INTRODUCED),
    "rotate": Rule(BOTH, _KEYS, _ROTATED),
    "person": Rule(BOTH, _KEYS, _PERSON),
    "seal": Rule(BOTH, _KEYS, _SEALING),
    "add": Rule(BOTH, _LIST, _ALL),
    "alias": Rule(BOTH, _LIST, _ALIAS),
    "close": Rule(BOTH, _LIST, _CLOSED, _CLOSED),
    "witnesses": Rule(BOTH, _KEYS, _WITNESS),
    "apply": Rule(BOTH, _LIST, _SAID, _SAID),
    "officers": Rule(BOTH, frozenset(ROLES), _NAMED, _NAMED),
    "registrars": Rule(BOTH, _KEYS, _REGISTRAR, _REGISTRAR),
    "drop": Rule(BOTH, _OPERATION),
    "follow": Rule(BOTH, _OPERATION),
    "retention": Rule(BOTH, _OPERATION),
}


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who signs acts."""

    certificate: x509.Certificate
    digest: str
    roles: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name in the certificate."""
        return name_of(self.certificate)


@dataclass(frozen=True, slots=True)
class Act:
    """What is done: see the module. `state` is the digest of all facts of the registry that it `follows`."""

    installation: str
    follows: int
    state: str
    what: str
    about: str
    at: datetime
    nonce: str
    reason: str
    minus: Facts
    plus: Facts

    @property
    def text(self) -> bytes:
        """What is signed."""
        lines = [
            _FORMAT,
            f"installation {self.installation}",
            f"follows {self.follows} {self.state}",
            f"what {self.what}",
            f"about {self.about}",
            f"at {to_text(self.at)}",
            f"nonce {self.nonce}",
            f"reason {self.reason}",
            *(f"- {line}" for line in self.minus),
            *(f"+ {line}" for line in self.plus),
        ]
        return "\n".join([*lines, ""]).encode()

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the text."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True, slots=True)
class Signed:
    """An act with signatures, each beside the SHA-256 of its certificate. `entry` is what carrying it out puts into the
    registry (:func:`axis.core.registry.write` of the member alone); a registry carries acts without it."""

    act: Act
    signatures: tuple[tuple[str, bytes], ...] = ()
    entry: bytes = b""

    def by(self, signer: Signer) -> Signed:
        """The same with somebody's signature, once."""
        digest = hashlib.sha256(signer.der).hexdigest()
        others = tuple(one for one in self.signatures if one[0] != digest)
        return replace(self, signatures=(*others, (digest, signer.sign(self.act.text))))


# -- The text ---------------------------------------------------------------------------------------------------------


def write(signed: Signed) -> bytes:
    """The one encoding of an act with its signatures."""
    lines = [f"signed {digest} {base64.b64encode(value).decode()}" for digest, value in signed.signatures]
    if signed.entry:
        lines.append(f"entry {base64.b64encode(signed.entry).decode()}")
    return signed.act.text + "\n".join(["", *lines, ""]).encode()


@lru_cache(maxsize=1024)
def read(data: bytes) -> Signed:
    """The act in `data`. Raises :class:`Rejected` ACT_INVALID unless writing it again gives `data`."""
    try:
        if len(data) > MAX_BYTES:
            raise ValueError("size")
        head, rest = data.decode().split("\n\n")
        lines = head.split("\n")
        values = []
        for name, line in zip(
            ("installation", "follows", "what", "about", "at", "nonce", "reason"), lines[1:8], strict=True
        ):
            if not line.startswith(f"{name} "):
                raise ValueError(name)
            values.append(line.removeprefix(f"{name} "))
        installation, follows, what, about, at, nonce, reason = values
        version, state = follows.split(" ")
        minus, plus = (tuple(line[2:] for line in lines[8:] if line.startswith(f"{sign} ")) for sign in "-+")
        act = Act(installation, int(version), state, what, about, from_text(at), nonce, reason, minus, plus)
        signatures, entry = [], b""
        for line in rest.removesuffix("\n").split("\n") if rest else []:
            word, _, value = line.partition(" ")
            if word == "signed":
                digest, _, text = value.partition(" ")
                signatures.append((digest, base64.b64decode(text, validate=True)))
            else:
                entry = base64.b64decode(value, validate=True)
        signed = Signed(act, tuple(signatures), entry)
        if write(signed) != data:
            raise ValueError("form")
    except (ValueError, IndexError) as error:
        raise rejected(Fault.ACT_INVALID, str(error)[:100]) from None
    return signed


# -- What the registry says ------------------------------------------------------------------------------------------


def officer_entry(certificate: x509.Certificate, roles: Sequence[str]) -> Certificate:
    """What stands in the hub's entry for an officer. Raises :class:`Rejected` KEY_ROLE, SIG_WEAK_KEY, SIG_ALG."""
    check_use(certificate)
    signature.algorithm_of(certificate.public_key())
    named = ",".join(role for role in ROLES if role in roles)
    return Certificate(certificate.public_bytes(Encoding.DER), "tls", reason=f"officer {named}")


def is_of_officers(one: Certificate) -> bool:
    """Whether it stands for an officer, or for an act."""
    return one.use == "tls" and (one.reason == ACT or _OFFICER.fullmatch(one.reason) is not None)


def is_officer(one: Certificate) -> bool:
    """Whether it stands for an officer."""
    return is_of_officers(one) and one.reason != ACT


def listed(registry: Registry) -> list[Officer]:
    """The officers that `registry` lists; none: it is changed by the hub's word alone."""
    found = []
    for one in _hubs(registry):
        matched = _OFFICER.fullmatch(one.reason) if one.use == "tls" else None
        certificate = lineage.parsed(one.der) if matched else None
        if matched and certificate is not None:
            found.append(Officer(certificate, one.digest, tuple(matched[1].split(","))))
    return found


def acts(registry: Registry) -> list[Signed]:
    """The acts that led to it, the oldest first. Raises :class:`Rejected` ACT_INVALID."""
    return [read(one.der) for one in _hubs(registry) if one.use == "tls" and one.reason == ACT]


def with_act(registry: Registry, signed: Signed) -> Registry:
    """`registry` with this act that led to it; more than MAX_ACTS are not carried."""
    hub = next(one for one in registry.members if one.code == HUB)
    held = [one for one in hub.certificates if one.use == "tls" and one.reason == ACT]
    new = Certificate(write(replace(signed, entry=b"")), "tls", reason=ACT)
    kept = [*(one for one in hub.certificates if one not in held), *held[-(MAX_ACTS - 1) :], new]
    after = replace(hub, certificates=tuple(kept))
    return replace(registry, members=tuple(after if one.code == HUB else one for one in registry.members))


def name_of(certificate: x509.Certificate) -> str:
    """The common name of a certificate's subject."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else "?"


def _hubs(registry: Registry) -> tuple[Certificate, ...]:
    return next((one.certificates for one in registry.members if one.code == HUB), ())


# -- Facts -----------------------------------------------------------------------------------------------------------


def facts(member: Member) -> Facts:
    """All that the registry says of a member, a line each; of the hub, with its officers and registrars, all but its
    own keys. No act lists a certificate twice: the one that was revoked would be good again."""
    said = [f"name vi {member.name_vi}", f"name en {member.name_en}", f"kind {member.kind}"]
    said += [f"alias {one}" for one in member.aliases]
    said += [f"from {to_text(member.valid_from)}"] if member.valid_from else []
    said += [f"until {to_text(member.valid_until)}"] if member.valid_until else []
    said += [f"successor {member.successor}"] if member.successor else []
    for start, end in member.suspensions:
        said.append(f"suspension {to_text(start)} {to_text(end)}" if end else f"suspension {to_text(start)}")
    ordered: list[str] = []
    for one in member.certificates:
        if member.code == HUB and one.use in {"sign", "tls"}:
            said += _about_hub(one)
            continue
        if lineage.is_introduction(one):
            said.append(f"introduction {one.digest}")
            continue
        more = one.holder if one.use == "person" else one.reason if one.use == "tls" else ""
        if any(line.startswith(f"certificate {one.use} {one.digest}") for line in ordered):
            said.append(f"twice {one.digest}")
        ordered.append(f"certificate {one.use} {one.digest}{' ' if more else ''}{more}")
        if one.revoked_at:
            said.append(f"revoked {one.digest} {to_text(one.revoked_at)}")
    return _in_order([*map(_one_line, said), *map(_one_line, ordered)])


def _about_hub(one: Certificate) -> list[str]:
    certificate = lineage.parsed(one.der) if is_officer(one) else None
    if certificate is not None:
        return [f"{one.reason} {one.digest} {name_of(certificate)}"]
    return [f"{one.reason} {one.digest}"] if lineage.is_registrar(one) else []


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _in_order(lines: Iterable[str]) -> Facts:
    """Certificates as they come, for the newest counts, after all else by the alphabet; each once."""
    found = list(dict.fromkeys(lines))
    ordered = [one for one in found if one.startswith("certificate ")]
    return (*sorted(one for one in found if not one.startswith("certificate ")), *ordered)


@lru_cache(maxsize=8)  # every adapter of a home looks at the same two registries
def known(registry: Registry) -> Mapping[str, Facts]:
    """The facts of each member."""
    return {member.code: facts(member) for member in registry.members}


def state(held: Mapping[str, Facts]) -> str:
    """Hex SHA-256 of all facts."""
    lines = [line for code in sorted(held) for line in (f"member {code}", *held[code])]
    return hashlib.sha256("\n".join([*lines, ""]).encode()).hexdigest()


def applied(before: Facts, act: Act) -> Facts:
    """The facts after an act."""
    return _in_order([*(line for line in before if line not in act.minus), *act.plus])


# -- Acts ------------------------------------------------------------------------------------------------------------


def prepare(registry: Registry, after: Member, what: str, reason: str, at: datetime, nonce: str) -> Act:
    """The act that puts `after` in the place of the member with its code. Raises :class:`Rejected` ACT_INVALID where no
    act of that kind does."""
    held, then = known(registry), facts(after)
    before = held.get(after.code, ())
    minus = tuple(line for line in before if line not in then)
    plus = tuple(line for line in then if line not in before)
    told = _one_line(" ".join(reason.split()))[:1000]
    act = Act(registry.installation, registry.version, state(held), what, after.code, at, nonce, told, minus, plus)
    _check_lines(act, held)
    if applied(before, act) != then:
        raise rejected(Fault.ACT_INVALID, f"{what} {after.code}")
    return act


def doing(registry: Registry, what: str, about: str, reason: str, at: datetime, nonce: str) -> Act:
    """The act of one of DOINGS, while `registry` is the newest."""
    told, whom = (_one_line(" ".join(text.split()))[:1000] for text in (reason, about))
    at_state = state(known(registry))
    return Act(registry.installation, registry.version, at_state, what, whom, at, nonce, told, (), ())


def check_lines(act: Act, registry: Registry) -> None:
    """Raise :class:`Rejected` ACT_UNSIGNED, ACT_OFFICERS unless what goes and comes is of the kind of the act."""
    _check_lines(act, known(registry))


def _check_lines(act: Act, held: Mapping[str, Facts]) -> None:
    """Whether what goes and comes is of the kind of the act."""
    rule = RULES.get(act.what)
    fits = (
        rule is not None
        and (act.what in _HUBS) == (act.about == HUB)
        and (act.what == "apply" or (act.what == "add") == (act.about not in held))
        and all(rule.plus.fullmatch(line) for line in act.plus)
        and all(rule.minus.fullmatch(line) for line in act.minus)
        and set(act.minus) <= set(held.get(act.about, ()))
    )
    if not fits:
        raise rejected(Fault.ACT_UNSIGNED, f"{act.what} {act.about}")
    if act.what == "officers" and not _is_workable(applied(held.get(HUB, ()), act)):
        raise rejected(Fault.ACT_OFFICERS)


def _roles(hub: Iterable[str]) -> list[frozenset[str]]:
    return [frozenset(line.split(" ")[1].split(",")) for line in hub if line.startswith("officer ")]


def _is_workable(hub: Facts) -> bool:
    """Whether each act finds as many officers as it needs; without any, nothing would be guarded any more."""
    held = _roles(hub)
    return bool(held) and all(
        sum(bool(one & r.roles) for one in held) >= min(r.need, len(held)) for r in RULES.values()
    )


def needed(act: Act, hub: Facts) -> int:
    """How many officers sign `act`, with the hub's facts before it: one where only one is listed. What is dated back
    takes two."""
    rule = RULES[act.what]
    dated = [line.split(" ")[{"suspension": 1, "revoked": 2}[line.split(" ")[0]]] for line in act.plus if _dated(line)]
    is_back = any(from_text(one) < act.at - CLOCKS for one in dated)
    return min(BOTH if is_back else rule.need, len(_roles(hub)))


def _dated(line: str) -> bool:
    return line.startswith(("suspension ", "revoked "))


def signers(signed: Signed, registry: Registry) -> list[Officer]:
    """The officers of `registry` whose signatures are good under this act, each key once."""
    return _signers(signed, _roles_by_digest(known(registry).get(HUB, ())), _keys(registry))


def _signers(
    signed: Signed, roles: Mapping[str, tuple[str, ...]], keys: Mapping[str, x509.Certificate]
) -> list[Officer]:
    """Those who may sign it and have."""
    act, found = signed.act, {}
    for digest, value in signed.signatures:
        one = keys.get(digest)
        if one is None or not RULES[act.what].roles & set(roles.get(digest, ())):
            continue
        is_good = one.not_valid_before_utc <= act.at <= one.not_valid_after_utc
        if is_good and lineage.has_signed(lineage.key_of(one), value, act.text):
            found[lineage.key_of(one)] = Officer(one, digest, roles[digest])
    return list(found.values())


def _roles_by_digest(hub: Iterable[str]) -> dict[str, tuple[str, ...]]:
    split = [line.split(" ") for line in hub if line.startswith("officer ")]
    return {words[2]: tuple(words[1].split(",")) for words in split}


def _keys(*registries: Registry) -> dict[str, x509.Certificate]:
    """Certificates of officers and registrars, by digest."""
    found = {}
    for registry in registries:
        for one in _hubs(registry):
            if is_officer(one) or lineage.is_registrar(one):
                certificate = lineage.parsed(one.der)
                if certificate is not None:
                    found[one.digest] = certificate
    return found


def missing(signed: Signed, registry: Registry) -> tuple[int, int]:
    """How many signatures of officers, and of registrars, are missing under an act that follows `registry`."""
    return _missing(signed, known(registry).get(HUB, ()), _keys(registry))


def _missing(signed: Signed, hub: Facts, keys: Mapping[str, x509.Certificate]) -> tuple[int, int]:
    act = signed.act
    voices = len(_signers(signed, _roles_by_digest(hub), keys))
    officers = max(0, needed(act, hub) - voices)
    if act.what not in _HUBS:
        return officers, 0
    words = [line.split(" ") for line in hub if line.startswith("registrar ")]
    named = {one[3]: keys[one[3]] for one in words if one[3] in keys}
    agree = {
        lineage.key_of(named[digest])
        for digest, value in signed.signatures
        if digest in named and lineage.has_signed(lineage.key_of(named[digest]), value, act.text)
    }
    if act.what == "officers":  # all registrars may do it, where officers cannot
        return (0, 0) if words and len(agree) == len(words) else (officers, 0)
    need = max((int(one[1].removeprefix("need=")) for one in words), default=0)
    return officers, max(0, need - len(agree))


def check_signed(
    signed: Signed, held: Mapping[str, Facts], keys: Mapping[str, x509.Certificate], *, anew: bool = False
) -> None:
    """Raise :class:`Rejected` ACT_UNSIGNED unless this act may be carried out where these are the facts."""
    _check_lines(signed.act, held)
    of_officers, of_registrars = _missing(signed, held.get(HUB, ()), keys)
    if of_officers or (of_registrars and not anew):
        raise rejected(Fault.ACT_UNSIGNED, f"{signed.act.what} {signed.act.about}")


# -- What may follow -------------------------------------------------------------------------------------------------


def check_follows(installed: Registry, following: Registry, now: datetime, *, anew: bool = False) -> None:
    """Raise :class:`Rejected` unless `following` may take the place of `installed`: ACT_UNSIGNED for what officers have
    not signed, where any are listed; KEY_HEIR for keys (:func:`axis.core.lineage.check_follows`). `anew`: the recovery
    key speaks, from wherever a thief's registries have left the centre's."""
    guarded = bool(listed(installed))
    if guarded:
        check_acts(installed, following, now, succeeds=anew)
    added = _added(installed) if guarded and anew else ()
    lineage.check_follows(installed, following, now, anew=anew, exchanged=guarded, added=added)


def check_acts(
    installed: Registry, following: Registry, now: datetime, *, anew: bool = False, succeeds: bool = False
) -> None:
    """Raise :class:`Rejected` ACT_UNSIGNED, ACT_OFFICERS unless acts, signed by the officers that `installed` lists,
    make the facts of `following` out of its facts. With `anew` other registrars may be named without those before. With
    `succeeds` the acts that led to `installed` may be taken back, the latest first, whatever the numbers are; so that
    it can be done, `following` carries them all the same otherwise, but the oldest where there are too many."""
    if not listed(installed):
        return
    if following.issued_at > now + CLOCKS:
        raise rejected(Fault.ACT_UNSIGNED, f"registry of {to_text(following.issued_at)}")
    wanted, held = known(following), known(installed)
    begins = [held, *(_before(installed) if succeeds else ())]
    if wanted in begins:
        if not succeeds:
            _check_carried(installed, following, 0)
        return
    for begin in begins:
        held, count = _led(begin, installed, following, anew=anew, succeeds=succeeds)
        if held == wanted:
            if not succeeds:
                _check_carried(installed, following, count)
            return
    odd = sorted(code for code in held.keys() | wanted.keys() if held.get(code) != wanted.get(code))
    raise rejected(Fault.ACT_UNSIGNED, ", ".join(odd[:5]))


def _led(
    begin: Mapping[str, Facts], installed: Registry, following: Registry, *, anew: bool, succeeds: bool
) -> tuple[dict[str, Facts], int]:
    """(to which facts the acts of `following` lead from those at the beginning, how many of them). Raises as
    :func:`check_acts`."""
    held, keys, at, count = dict(begin), _keys(installed, following), state(begin), 0
    for signed in acts(following):
        act = signed.act
        if act.installation != installed.installation or act.state != at:
            continue
        if act.follows >= following.version or act.at > following.issued_at + CLOCKS:
            continue
        if not succeeds and (act.follows < installed.version or act.at < installed.issued_at - CLOCKS):
            continue
        check_signed(signed, held, keys, anew=anew)
        held[act.about] = applied(held.get(act.about, ()), act)
        at, count = state(held), count + 1
    return held, count


def _check_carried(installed: Registry, following: Registry, new: int) -> None:
    """Raise :class:`Rejected` ACT_UNSIGNED where acts that led to `installed` are left out, and not because `new` ones
    have taken the place of the oldest: nobody could take them back. What they have led from and back to may go."""
    carried = acts(installed)
    there = {one.act.digest for one in acts(following)}
    there |= {one.act.digest for one in carried[: max(0, len(carried) + new - MAX_ACTS)]}
    if all(one.act.digest in there for one in carried):
        return
    left = [(act, before) for act, before in _undone(installed) if act.digest not in there]
    if left and state(left[-1][1]) not in map(state, [known(following), *_before(following)]):
        raise rejected(Fault.ACT_UNSIGNED, f"- {left[-1][0].what} {left[-1][0].about}")


def _added(registry: Registry) -> set[str]:
    """The members that acts have added which led to it."""
    held, found = known(registry).keys(), set[str]()
    for before in _before(registry):
        found |= held - before.keys()
    return found


def _before(registry: Registry) -> list[dict[str, Facts]]:
    """The facts before each of the acts that led to `registry`, the latest first."""
    return [before for _, before in _undone(registry)]


def _undone(registry: Registry) -> list[tuple[Act, dict[str, Facts]]]:
    """The acts that led to it, each with the facts before it, the latest first."""
    held, found = known(registry), list[tuple[Act, dict[str, Facts]]]()
    for act in (signed.act for signed in reversed(acts(registry))):
        undone = {code: lines for code, lines in held.items() if code != act.about}
        left = [line for line in held.get(act.about, ()) if line not in act.plus]
        if lines := _in_order([*act.minus, *left]):
            undone[act.about] = lines
        if state(undone) == act.state:  # otherwise it is one of those that led nowhere
            held = undone
            found.append((act, held))
    return found
