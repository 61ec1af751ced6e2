"""How a connection logs in: the broker's URL and the files for TLS, read and checked before anything is connected."""

from __future__ import annotations

import ssl
from pathlib import Path

import pika
from pika.credentials import ExternalCredentials

from axis.errors import Fault, Misconfigured, Problem


def parameters(
    urls: str, ca_file: str, certificate_file: str, key_file: str, *, heartbeat: int, blocked: float
) -> list[pika.connection.Parameters]:
    """How to reach each of `urls`, which are separated by commas; with these files for TLS, "" for none.

    `heartbeat` and `blocked` in seconds: of silence, and of taking nothing, after which the connection is given up.
    Raises :class:`Misconfigured` for a URL or a file that cannot be used.
    """
    tls = _ssl_context(ca_file, certificate_file, key_file) if ca_file or certificate_file else None
    return [
        _parameters(one, tls, by_certificate=bool(certificate_file), heartbeat=heartbeat, blocked=blocked)
        for one in urls.split(",")
    ]


def _ssl_context(ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext:
    for file in (ca_file, certificate_file, key_file):
        if file and not Path(file).is_file():
            raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=file))
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        if certificate_file:
            context.load_cert_chain(certificate_file, key_file or None)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(file for file in (ca_file, certificate_file, key_file) if file)
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=f"{files}: {error}")) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _parameters(
    url: str, tls: ssl.SSLContext | None, *, by_certificate: bool, heartbeat: int, blocked: float
) -> pika.connection.Parameters:
    if not url.strip().startswith(("amqp://", "amqps://")):
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="the broker's URL begins with amqp:// or amqps://"))
    if tls is not None and not url.strip().startswith("amqps://"):
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="files for TLS, but the broker's URL is no amqps://"))
    try:
        parameters = pika.URLParameters(url.strip())
    except (ValueError, TypeError, AttributeError):
        # Its own text may quote a part of the password.
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="the broker's URL cannot be read")) from None
    if tls is not None:
        parameters.ssl_options = pika.SSLOptions(tls, parameters.host)
        if by_certificate:
            parameters.credentials = ExternalCredentials()
    parameters.heartbeat = heartbeat
    parameters.blocked_connection_timeout = blocked
    parameters.connection_attempts = 1
    return parameters
