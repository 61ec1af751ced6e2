"""``axis registrar …``: who introduces the key of an agency that has lost its own, with keys outside of the centre."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, common, settings
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.registry import Certificate

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def entries(files: Sequence[Path], need: int | None, hours: int) -> list[Certificate]:
    """The registry's entries of the registrars with these certificates; `need` of them, or more than half, must agree.
    Raises UsageError where so many there are not."""
    from axis.core.lineage import key_of, registrar_entry
    from axis.infra.keystore import load_certificate

    found = [load_certificate(one) for one in files]
    wanted = len(found) // 2 + 1 if need is None else need
    if found and (wanted > len(found) or len({key_of(one) for one in found}) < len(found)):
        raise click.UsageError(word("registrar.too_few", need=wanted, count=len(found)))
    return [registrar_entry(one, wanted, hours) for one in found]


@click.group(help=word("help.registrar"), short_help=word("help.registrar"))
def registrar() -> None:
    """See the help text."""


@registrar.command("key", **settings("help.registrar.key", "axis registrar key --name BCY --to key-BCY", changes=True))
@click.option("--name", required=True, help=word("help.registrar.name"))
@click.option(
    "--to", "target", type=click.Path(path_type=Path, file_okay=False), required=True, help=word("help.registrar.to")
)
@common
def registrar_key(name: str, target: Path, as_json: bool) -> None:
    """A registrar's key."""
    from axis.core.enrolment import fingerprint, spoken
    from axis.infra import keystore
    from axis.services.operate.provision import own_folder

    own_folder(target)
    keystore.save_signer(target, "registrar", keystore.new_registrar(name, now()))
    digest = fingerprint((target / "registrar.pem").read_bytes())
    if as_json:
        console.data({"certificate": str(target / "registrar.pem"), "fingerprint": digest})
        return
    console.say(word("registrar.made", folder=target, fingerprint=spoken(digest)))


@registrar.command(
    "vouch",
    **settings(
        "help.registrar.vouch",
        "axis registrar vouch H41.request --key key-BCY --installation ID --fingerprint SHA256 --to H41.voucher",
        changes=True,
    ),
)
@click.argument("request", type=FILE)
@click.option(
    "--key",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help=word("help.registrar.folder"),
)
@click.option("--installation", required=True, help=word("help.registrar.installation"))
@click.option("--fingerprint", required=True, help=word("help.agency.fingerprint"))
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help=word("help.to"))
@common
def registrar_vouch(
    request: Path, folder: Path, installation: str, fingerprint: str, target: Path, as_json: bool
) -> None:
    """Introduce an agency's new key."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from axis.core import enrolment, lineage
    from axis.core.instant import whole
    from axis.infra import keystore

    data = request.read_bytes()
    enrolment.check_fingerprint(data, fingerprint)
    asked = enrolment.read_request(data)
    signer = keystore.load_signer(folder, "registrar")
    voucher = lineage.introduce(installation, asked.code, enrolment.public_key(asked), signer, whole(now()))
    keystore.replace_file(target, x509.load_der_x509_certificate(voucher).public_bytes(Encoding.PEM))
    if as_json:
        console.data({"file": str(target), "code": asked.code})
        return
    console.say(word("registrar.vouched", code=asked.code, file=target))


@registrar.command(
    "set", **settings("help.registrar.set", "axis registrar set a.pem b.pem c.pem --need 2", changes=True)
)
@click.argument("certificates", nargs=-1, required=True, type=FILE)
@click.option("--need", type=click.IntRange(1, 99), help=word("help.registrar.need"))
@click.option("--hours", type=click.IntRange(0, 9999), default=24, show_default=True, help=word("help.registrar.hours"))
@click.option("--anew", is_flag=True, help=word("help.registrar.anew"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def registrar_set(
    home: Path, certificates: tuple[Path, ...], need: int | None, hours: int, anew: bool, reason: str, as_json: bool
) -> None:
    """Name the registrars."""
    from axis import bootstrap
    from axis.services.operate import registry as members

    named = entries(certificates, need, hours)
    with bootstrap.registrar(open_home(home)) as opened:
        registry = members.set_registrars(opened, named, anew=anew, reason=reason, now=now())
    if as_json:
        console.data({"registry": registry.version, "registrars": len(named)})
        return
    console.say(word("registrar.set", version=registry.version, count=len(named)))
