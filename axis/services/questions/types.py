"""What the document types of an installation are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.types.kind import DocumentType
    from axis.core.types.typeset import Published, Types


def listed(types: Types | None) -> list[dict[str, Any]]:
    """The versions in use, by name, the newest first."""
    published = types.published if types is not None else ()
    found = [one for one in published if one.until is None]
    return [_row(one) for one in sorted(found, key=lambda one: (one.name, -one.version))]


def _row(one: Published) -> dict[str, Any]:
    row: dict[str, Any] = {"name": one.name, "version": one.version, "registry": one.since}
    try:
        return row | _about(one.kind)
    except Rejected as error:  # made by a newer program
        return row | {
            "title_vi": "",
            "title_en": "",
            "attachment": "",
            "problems": [p.as_json() for p in error.problems],
        }


def _about(kind: DocumentType) -> dict[str, Any]:
    manifest = kind.manifest
    return {"title_vi": manifest.title.vi, "title_en": manifest.title.en, "attachment": manifest.attachment}


def describe(types: Types | None, name: str, version: int | None = None) -> dict[str, Any]:
    """One version of a type, the newest by default. Raises :class:`Rejected` NOT_FOUND, TYPE_*."""
    published = types.named(name) if types is not None else ()
    one = next((one for one in published if version in {None, one.version}), None)
    if one is None:
        raise rejected(Fault.NOT_FOUND, name if version is None else f"{name} {version}")
    manifest = one.kind.manifest
    states = manifest.states
    return {
        "name": one.name,
        "version": one.version,
        "registry": one.since,
        "versions": [other.version for other in published],
        **_about(one.kind),
        "format": manifest.format,
        "senders": list(manifest.senders),
        "recipients": list(manifest.recipients),
        "required": [
            {"name": r.name, "at_least": r.at_least, "vi": r.words.vi, "en": r.words.en} for r in manifest.required
        ],
        "deadlines": [{"leg": rule.leg.value, "time": f"{rule.amount:g}{rule.unit}"} for rule in manifest.deadlines],
        "retention": manifest.retention,
        "states": None
        if states is None
        else {
            "object": states.object or manifest.name,
            "follow": states.follow,
            "field": states.field,
            "leaves": states.leaves,
            "key": states.key,
            "initial": list(states.initial),
            "final": list(states.final),
            "moves": {name: list(targets) for name, targets in states.moves.items()},
            "names": {name: {"vi": words.vi, "en": words.en} for name, words in states.names.items()},
        },
        "show": [{"path": s.path, "vi": s.words.vi, "en": s.words.en, "personal": s.personal} for s in manifest.show],
    }


def title(types: Types | None, name: str) -> dict[str, str]:
    """What a type is called, by its newest version; its name where it is not known here."""
    published = types.named(name) if types is not None else ()
    try:
        words = published[0].kind.manifest.title if published else None
    except Rejected:
        words = None
    return {"title_vi": words.vi if words else name, "title_en": words.en if words else name}


def of_row(name: str, version: int, shown: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The type of a document, with the fields that are shown, as record and journal keep them."""
    return {"name": name, "version": version, "shown": [{"vi": vi, "en": en, "value": v} for vi, en, v in shown]}
