"""Whose words make a checkpoint believed (C2SP tlog-policy): the log's key, witnesses, groups of them, one quorum.

    log <verifier key> [url]
    witness <name> <verifier key> [url]
    group <name> all|any|<k> <names of witnesses or groups above>
    quorum <name>|none

One rule is ours: any two quorums have a witness in common, who would have to cosign two histories for both to be
believed. "3 of the 34 provinces" alone is refused: one half of the country could be shown another history.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.log import checkpoint, note
from axis.core.log.note import Note
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Collection

    from axis.core.log.checkpoint import Checkpoint, Cosignature
    from axis.core.log.note import VerifierKey

MAX_POLICY = 512 * 1024  # bytes: of each agency a key of ML-DSA-44
_THRESHOLD = re.compile(r"[1-9][0-9]{0,4}")
_MINE = {"log": (2, 3), "witness": (3, 4), "quorum": (2, 2)}  # words in a line


@dataclass(frozen=True, slots=True)
class Group:
    """At least `threshold` of `members`, which are names of witnesses or groups."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The log's key, the witnesses and groups by name, and the name of the quorum."""

    log: VerifierKey
    witnesses: dict[str, VerifierKey]
    groups: dict[str, Group]
    quorum: str

    @property
    def counting(self) -> dict[str, VerifierKey]:
        """The witnesses that the quorum is made of, by name."""
        names = [self.quorum]
        found: dict[str, VerifierKey] = {}
        for name in names:
            if name in self.witnesses:
                found[name] = self.witnesses[name]
            elif name in self.groups:
                names += self.groups[name].members
        return found

    def has_quorum(self, names: Collection[str]) -> bool:
        """Whether these witnesses together are one."""
        return self._is_met(self.quorum, names)

    def _is_met(self, name: str, names: Collection[str]) -> bool:
        if (group := self.groups.get(name)) is None:
            return name in names
        return sum(self._is_met(member, names) for member in group.members) >= group.threshold

    def can_split(self, name: str) -> bool:
        """Whether two quorums of `name` exist that have no witness in common. Of the members, only those that can be
        split themselves may serve in both."""
        if (group := self.groups.get(name)) is None:
            return False
        shared = min(group.threshold, sum(self.can_split(member) for member in group.members))
        return 2 * group.threshold - shared <= len(group.members)


def read(text: str) -> Policy:
    """The policy that `text` is. Raises :class:`~axis.errors.Rejected` LOG_POLICY, naming the line."""
    if len(text.encode()) > MAX_POLICY:
        raise rejected(Fault.LOG_POLICY, f"{len(text.encode())} bytes", MAX_POLICY)
    logs: list[VerifierKey] = []
    witnesses: dict[str, VerifierKey] = {}
    groups: dict[str, Group] = {}
    quorums: list[str] = []
    used: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        least, most = _MINE.get(words[0], (4, 10**6))
        if words[0] not in {*_MINE, "group"} or not least <= len(words) <= most:
            raise rejected(Fault.LOG_POLICY, line, line=number)
        if words[0] == "log":
            logs.append(_key(words[1], number, {note.ED25519}))
        elif words[0] == "quorum":
            quorums.append(words[1])
        elif words[1] in {*witnesses, *groups, "none"}:
            raise rejected(Fault.LOG_POLICY, words[1], "a name of its own", line=number)
        elif words[0] == "witness":
            key = _key(words[2], number, {note.ED25519_COSIGNATURE, note.ML_DSA_44_COSIGNATURE})
            # An Ed25519 cosignature does not name who made it: under two names one key would count twice.
            if any(key.public == other.public for other in witnesses.values()):
                raise rejected(Fault.LOG_POLICY, words[2], "a key of its own", line=number)
            witnesses[words[1]] = key
        else:
            members = tuple(words[3:])
            if len(set(members)) < len(members) or not set(members) <= {*witnesses, *groups} - used:
                raise rejected(Fault.LOG_POLICY, line, "names from above, each in one group", line=number)
            groups[words[1]] = Group(_threshold(words[2], len(members), number), members)
            used.update(members)
    if len(logs) != 1 or len(quorums) != 1:
        raise rejected(Fault.LOG_POLICY, f"{len(logs)} logs, {len(quorums)} quorums", "one of each")
    quorum = quorums[0]
    if quorum not in {*witnesses, *groups}:
        raise rejected(Fault.LOG_POLICY, f"quorum {quorum}", "a witness or group")
    found = Policy(logs[0], witnesses, groups, quorum)
    if found.can_split(quorum):
        raise rejected(Fault.LOG_POLICY, f"quorum {quorum}", "quorums of which any two have a witness in common")
    return found


def refused(got: str, expected: str) -> Rejected:
    """LOG_POLICY: why a policy that is one cannot be used here."""
    return rejected(Fault.LOG_POLICY, got, expected)


def _key(text: str, number: int, kinds: set[int]) -> VerifierKey:
    try:
        key = note.verifier_key(text)
    except Rejected:
        key = None
    if key is None or key.kind not in kinds:
        raise rejected(Fault.LOG_POLICY, text, "a verifier key of this use", line=number)
    return key


def _threshold(word: str, members: int, number: int) -> int:
    if word in {"all", "any"}:
        return members if word == "all" else 1
    if _THRESHOLD.fullmatch(word) is None or not 1 <= int(word) <= members:
        raise rejected(Fault.LOG_POLICY, word, f"all, any or 1 … {members}", line=number)
    return int(word)


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that a quorum has cosigned: only :func:`witnessed` makes one. `by` are the valid cosignatures."""

    checkpoint: Checkpoint
    note: Note
    by: dict[str, Cosignature]


def witnessed(data: bytes, policy: Policy) -> Witnessed:
    """The checkpoint that `data` holds, once the log and a quorum of its witnesses have signed it.

    Raises :class:`~axis.errors.Rejected` NOTE_INVALID (form, or a false signature of somebody the policy knows) or
    LOG_QUORUM (too few)."""
    one, found = checkpoint.opened(data, policy.log)
    by = {name: said for name, key in policy.witnesses.items() if (said := checkpoint.verified(found, key))}
    if not policy.has_quorum(by):
        raise rejected(Fault.LOG_QUORUM, ", ".join(sorted(by)) or "0", policy.quorum, path=str(one.size))
    return Witnessed(one, found, by)


def beside(data: bytes, policy: Policy, lines: str) -> list[str]:
    """Whose the signature lines are that came beside the checkpoint in `data`, by their names in the policy: one of
    each and all of them valid. Raises :class:`~axis.errors.Rejected` NOTE_INVALID."""
    of = Note(checkpoint.opened(data, policy.log)[1].text, tuple(note.signatures(lines)))
    by = [name for name, key in policy.witnesses.items() if checkpoint.verified(of, key) is not None]
    if len(by) != len(of.signatures):
        raise rejected(Fault.NOTE_INVALID, f"{len(of.signatures)} signatures, {len(by)} of witnesses")
    return by
