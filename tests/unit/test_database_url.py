"""A database's URL is read as those write it who have several servers, or is refused with the form that works."""

from __future__ import annotations

import pytest

from axis.errors import Fault, Misconfigured
from axis.infra.database import read_url


def arguments(url: str) -> dict[str, str]:
    parsed = read_url(url)
    return {name: str(value) for name, value in parsed.get_dialect()().create_connect_args(parsed)[1].items()}


TWO = {"host": "db1,db2", "port": "5432,5433", "dbname": "axis", "user": "axis", "target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://axis@db1:5432,db2:5433/axis?target_session_attrs=read-write", TWO),
        ("postgres://axis@db1,db2:5433/axis", TWO),
        ("postgresql+psycopg://axis@/axis?host=db1:5432&host=db2:5433", TWO),
        ("postgresql://axis@/axis?host=db1,db2&port=5432,5433", TWO),
        ("postgresql://axis@db1:5432,db2:5433/axis?target_session_attrs=any", TWO | {"target_session_attrs": "any"}),
        (
            "postgresql://axis:p%2Cw%40@[::1]:5432,[fe80::2]/axis?sslmode=require",
            TWO | {"host": "::1,fe80::2", "port": "5432,5432", "password": "p,w@", "sslmode": "require"},
        ),
        ("postgresql://axis@db1/axis", {"host": "db1", "dbname": "axis", "user": "axis"}),
        ("postgresql://axis@/axis?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "axis", "user": "axis"}),
    ],
)
def test_the_forms_in_use_mean_what_they_say(url: str, expected: dict[str, str]) -> None:
    found = arguments(url)
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) <= {"context"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "axis",
        "host=db1,db2 dbname=axis password=geheim",
        "mysql://axis:geheim@db1/axis",
        "nonsense://axis:geheim@db1/axis",
        "postgresql://axis:geheim@db1:port/axis",
        "postgresql://axis:geheim@db1:1,db2:2/axis?host=db3:1&host=db4",
    ],
)
def test_what_cannot_be_read_is_refused_with_the_form_that_works_and_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_url(url)
    assert caught.value.fault is Fault.CONFIG_INVALID
    assert "postgresql://user@one:5432,two:5432/name" in str(caught.value)
    assert "geheim" not in str(caught.value)
