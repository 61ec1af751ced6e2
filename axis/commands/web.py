"""``axis web``: the web desk of a home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home, stoppable

if TYPE_CHECKING:
    from collections.abc import Sequence

TICK = 0.2  # seconds


@command("help.web", "axis web --as H41 --listen 127.0.0.1:8480")
@click.option("--as", "code", default="", help=word("help.web.as"))
@click.option("--listen", default="", help=word("help.web.listen"))
@click.option("--host", "names", multiple=True, help=word("help.web.host"))
@at_home
def web(home: Path, code: str, listen: str, names: Sequence[str], as_json: bool) -> None:
    """Pages that only read."""
    import time

    from axis.desks import served

    opened = open_home(home)
    with stoppable() as stopped, served(opened, listen, code, names, LANG) as desk:
        url = f"{desk.base}/login?once={desk.web.entry.once(now())}"
        if as_json:
            console.data({"url": url, "base": desk.base, "token_file": str(desk.token_file)})
        else:
            console.say(word("web.started", url=url, file=desk.token_file, base=desk.base))
            if desk.authority:
                console.say(word("web.certificates_only", ca=desk.authority))
        import sys

        sys.stdout.flush()
        while not stopped():
            time.sleep(TICK)
