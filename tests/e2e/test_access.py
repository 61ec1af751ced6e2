"""Who may come in over HTTP is listed, and taken back, on the command line; a server that runs knows it at once."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from axis import bootstrap, config, fronts
from axis.adapters import systems, tokens
from axis.cli import main
from axis.errors import Misconfigured, Rejected
from tests.line import small_home
from tests.vxp_client import SdkClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    line = small_home(tmp_path / "home")
    kinds = {code: {"kind": "spool"} for code in ("G22", "H41")}
    line.configure(
        adapter=config.Adapter(settle_seconds=0.0, agencies=kinds), server=config.Server(listen="127.0.0.1:0")
    )
    return line.path


def axis(home: Path, *words: str, code: int = 0, stdin: str = "") -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, ["adapter", *words, "--home", str(home), "--json"], input=stdin)
    assert done.exit_code == code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def served(home: Path) -> Iterator[int]:
    opened = bootstrap.open_home(home)
    with ExitStack() as stack:
        _, agencies = stack.enter_context(bootstrap.embedded_parts(opened))
        yield stack.enter_context(fronts.front(opened, agencies))


def test_tokens_are_listed_without_being_told_and_withdrawn_one_by_one(home: Path) -> None:
    given = [axis(home, "token", code)[0] for code in ("H41", "H41", "G22")]
    listed = axis(home, "tokens", "list")
    assert {(one["agency"], one["id"]) for one in listed} == {(one["agency"], one["id"]) for one in given}
    assert all(one["created_at"] for one in listed)
    assert not any(one["token"] in json.dumps(listed) for one in given)
    assert [one["id"] for one in axis(home, "tokens", "list", "G22")] == [given[2]["id"]]
    with served(home) as port:

        def status(one: dict[str, Any]) -> int:
            headers = {"Authorization": f"Bearer {one['token']}"}
            return httpx.get(f"http://127.0.0.1:{port}/v1/inbox", headers=headers).status_code

        assert [status(one) for one in given] == [200, 200, 200]
        assert axis(home, "tokens", "withdraw", given[0]["id"]) == [{"agency": "H41", "id": given[0]["id"]}]
        assert [status(one) for one in given] == [401, 200, 200]
    assert axis(home, "tokens", "withdraw", given[0]["id"], code=3)[0]["error"][0]["code"] == "NOT_FOUND"
    assert len(axis(home, "tokens", "list")) == 2


def test_systems_are_listed_without_their_secrets_and_withdrawn(home: Path) -> None:
    secrets = {code: axis(home, "system", f"SYS.{code}", "--agency", code)[0]["secret"] for code in ("G22", "H41")}
    assert axis(home, "systems", "list") == [{"system": f"SYS.{code}", "agency": code} for code in ("G22", "H41")]
    with served(home) as port:

        def status(code: str) -> str:
            return str(SdkClient(port, f"SYS.{code}", secrets[code]).call("getAgenciesList")["status"])

        assert [status(code) for code in secrets] == ["OK", "OK"]
        assert axis(home, "systems", "withdraw", "SYS.G22") == [{"system": "SYS.G22", "agency": "G22"}]
        assert [status(code) for code in secrets] == ["FAIL", "OK"]
    assert axis(home, "systems", "withdraw", "SYS.G22", code=3)[0]["error"][0]["code"] == "NOT_FOUND"


def test_people_see_a_table(home: Path) -> None:
    axis(home, "token", "H41")
    axis(home, "system", "SYS.H41", "--agency", "H41")
    for group in ("tokens", "systems"):
        done = CliRunner().invoke(main, ["adapter", group, "list", "--home", str(home)])
        assert done.exit_code == 0
        assert re.search(r"\bH41\b", done.stdout)


@pytest.mark.parametrize("systemid", ["", " ", "SYS H41", " SYS.H41", "SYS\n", "SYS\x7f", "x" * 201])
def test_an_id_that_no_header_can_carry_is_refused(home: Path, systemid: str) -> None:
    assert axis(home, "system", systemid, "--agency", "H41", code=3)[0]["error"][0]["code"] == "API_VALUE"
    assert axis(home, "systems", "list") == []


def test_a_secret_that_is_in_use_is_kept_as_it_is(home: Path) -> None:
    for secret in ("khóa của Nghệ An", 'a"b\\c', "🔑", "a\x7fb"):
        axis(home, "system", "SYS.H41", "--agency", "H41", "--secret-stdin", stdin=secret + "\n")
        known = systems.read_systems(bootstrap.systems_file(bootstrap.open_home(home)))
        assert known["SYS.H41"].secret == secret


def test_a_system_without_a_secret_is_no_system(tmp_path: Path) -> None:
    path = tmp_path / "systems.toml"
    path.write_text('["SYS"]\nagency = "H41"\nsecret = ""\n')
    path.chmod(0o600)
    with pytest.raises(Misconfigured):
        systems.read_systems(path)


def test_tokens_of_an_earlier_version_are_known_listed_and_withdrawn(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    token = tokens.create_token(path, "H41")
    (digest,) = tokens.read_tokens(path)
    path.write_text(f'{digest} = "H41"\n')
    assert tokens.agency_of(token, tokens.read_tokens(path)) == "H41"
    new = tokens.create_token(path, "G22")
    assert sorted(tokens.read_tokens(path).values()) == ["G22", "H41"]
    assert tokens.withdraw_token(path, digest[:12]).agency == "H41"
    assert tokens.agency_of(token, tokens.read_tokens(path)) == ""
    assert tokens.agency_of(new, tokens.read_tokens(path)) == "G22"


def test_a_token_that_is_not_named_exactly_is_not_withdrawn(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    for _ in range(40):
        tokens.create_token(path, "H41")
    for short in ("", "a", "0", next(iter(tokens.read_tokens(path)))[:1]):
        with pytest.raises(Rejected):
            tokens.withdraw_token(path, short)
    assert len(tokens.read_tokens(path)) == 40


def test_what_is_given_and_withdrawn_at_once_is_all_done(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    tokens.create_token(path, "H41")
    (withdrawn,) = tokens.read_tokens(path)

    def change(number: int) -> None:
        if number == 7:
            tokens.withdraw_token(path, withdrawn)
        else:
            tokens.create_token(path, "G22")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(16)))
    assert len(tokens.read_tokens(path)) == 15
    assert withdrawn not in tokens.read_tokens(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_what_root_has_given_the_servers_user_can_read(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    tokens.create_token(tmp_path / "tokens.toml", "H41")
    assert (tmp_path / "tokens.toml").stat().st_uid == 65534
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.toml"], "nothing is left beside it"
