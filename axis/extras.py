"""Libraries that an installation may be without, by the extra that brings them (pyproject.toml)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS = {
    "psycopg": "postgresql",
    "asyncssh": "sftp",
    "starlette": "http",
    "uvicorn": "http",
    "h11": "http",
    "httpx": "http",
    "prometheus_client": "http",
    "jinja2": "web",
    "markupsafe": "web",
    "segno": "evidence",
    "rfc3161_client": "evidence",
}


@contextmanager
def needed() -> Iterator[None]:
    """What is done here may need a library of an extra. Raises :class:`Misconfigured` EXTRA_MISSING, with the extra's
    name, where it is not installed; any other module that is missing is our own bug and raised as it is."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise Misconfigured(Problem(Fault.EXTRA_MISSING, got=library, expected=EXTRAS[library])) from error
