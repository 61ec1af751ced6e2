"""The policy by which checkpoints of the log are believed, in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import witnesses
from axis.core.log import policy
from axis.core.log.note import ML_DSA_44_COSIGNATURE
from axis.infra.log import store
from axis.services.operate import registry as registries
from axis.services.operate.witness_keys import introduce_all, log_of, with_policy

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.log.policy import Policy
    from axis.core.registry import Registry
    from axis.services.operate.registry import Registrar


def set_policy(registrar: Registrar, text: str, now: datetime) -> tuple[Registry, Policy]:
    """The next registry, with the witness keys that are in the home and with this policy; "": more than half of the
    witnesses. The registry that is in force where nothing changes.

    Raises :class:`~axis.errors.Rejected` LOG_POLICY, also where it names another log, or nobody of the registry."""
    before = registrar.registry()
    with registrar.store.reading() as reader:
        head = store.head(reader.connection)
    log = log_of(registrar.home, before.installation, head.origin if head is not None else "")
    changed = introduce_all(registrar.home, before, now)
    known, others = witnesses.of(changed), witnesses.of(changed, ML_DSA_44_COSIGNATURE)
    text = text or witnesses.majority(log, known, others)
    wanted = policy.read(text)
    if wanted.log != log:
        raise policy.refused(wanted.log.text, log.text)
    ours = {*known.values(), *others.values()}
    if strangers := [name for name, key in sorted(wanted.witnesses.items()) if key not in ours]:
        raise policy.refused(", ".join(strangers), ", ".join(sorted(known)) or "-")
    if changed != before or witnesses.text_in(before) != text:
        changed = with_policy(registrar.home, changed, text, registrar.signer, now)
        changed = registries.change_members(registrar, changed.members, "witnesses", now)
    return changed, wanted
