"""Which agencies may have been meant where a code is nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.commands.console import LANG
from axis.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.errors import Problem

TOLD = 5  # codes that are asked about
UNKNOWN = {Fault.AGENCY_UNKNOWN, Fault.PACKET_ORGAN}


def near(home: Path | None, problems: Sequence[Problem]) -> dict[str, list[tuple[str, str]]]:
    """By each unknown code of these problems the (code, name) of the agencies that may have been meant; nothing where
    the home cannot tell."""
    strange = list(dict.fromkeys(one.got for one in problems if one.fault in UNKNOWN and one.got))[:TOLD]
    if home is None or not strange:
        return {}
    try:
        from axis.core import agencies
        from axis.home import open_home, reading_registry

        with reading_registry(open_home(home)) as registry:
            found = {got: agencies.near(registry.agencies, got) for got in strange}
    except Exception:  # noqa: BLE001  what is wrong was said already; this would only have helped
        return {}
    return {
        got: [(one.code, one.name_vi if LANG == "vi" else one.name_en or one.name_vi) for one in members]
        for got, members in found.items()
        if members
    }
