"""The command line's entry point: which file of ``axis/commands`` has which command.

A command's file is imported when it is asked for, heavier modules inside its functions, so that ``axis --help`` and
short questions cost what they need and no more. Parse, call one service, render: nothing else is decided there.
"""

from __future__ import annotations

import click

from axis import __version__
from axis.commands.console import word
from axis.commands.group import Axis
from axis.commands.options import language

FILES = {
    "adapter": "axis.commands.adapter",
    "agency": "axis.commands.agency",
    "answer": "axis.commands.write",
    "audit": "axis.commands.audit",
    "backup": "axis.commands.backup",
    "ballot": "axis.commands.ballot",
    "bench": "axis.commands.bench",
    "board": "axis.commands.board",
    "broker": "axis.commands.broker",
    "check": "axis.commands.doctor",
    "conformance": "axis.commands.conformance",
    "demo": "axis.commands.demo",
    "doctor": "axis.commands.doctor",
    "evidence": "axis.commands.evidence",
    "hub": "axis.commands.hub",
    "inbox": "axis.commands.inbox",
    "init": "axis.commands.init",
    "key": "axis.commands.key",
    "list": "axis.commands.listing:documents",
    "log": "axis.commands.log",
    "mark": "axis.commands.write",
    "member": "axis.commands.member",
    "officer": "axis.commands.officer",
    "packet": "axis.commands.packet",
    "ping": "axis.commands.ping",
    "queue": "axis.commands.queue",
    "recall": "axis.commands.write",
    "reconcile": "axis.commands.reconcile",
    "registrar": "axis.commands.registrar",
    "replace": "axis.commands.write",
    "report": "axis.commands.report",
    "resend": "axis.commands.resend",
    "restore": "axis.commands.backup",
    "retention": "axis.commands.retention",
    "run": "axis.commands.run",
    "sandbox": "axis.commands.sandbox",
    "send": "axis.commands.send",
    "status": "axis.commands.status",
    "trace": "axis.commands.trace",
    "type": "axis.commands.type:types",
    "update": "axis.commands.write",
    "upgrade": "axis.commands.upgrade",
    "verify": "axis.commands.verify",
    "web": "axis.commands.web",
    "why": "axis.commands.trace",
    "write": "axis.commands.write",
    "witness": "axis.commands.witness",
}


@click.group(
    cls=Axis,
    files=FILES,
    help=word("help"),
    epilog="\b\n" + word("help.exit_codes"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="axis", help=word("help.version"))
@language
def main() -> None:
    """See the help text."""


if __name__ == "__main__":
    main()
