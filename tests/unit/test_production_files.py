"""What is shipped for production is well formed and says what the code needs."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from axis.infra.embedded import MAX_MESSAGE

CONFIG = Path(__file__).parent.parent.parent / "config"
UNITS = sorted((CONFIG / "systemd").glob("*.service"))


def settings(name: str) -> dict[str, str]:
    lines = (CONFIG / name).read_text("utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line.strip() and not line.startswith("#")]
    found = {key.strip(): value.strip() for key, value in pairs}
    assert len(found) == len(pairs), "a setting stands twice"
    return found


def test_the_broker_takes_the_largest_message_and_minds_its_disk() -> None:
    broker = settings("rabbitmq.conf")
    assert int(broker["max_message_size"]) >= MAX_MESSAGE
    assert broker["disk_free_limit.absolute"] == "5GB"


def test_agencies_log_in_by_certificate_and_by_nothing_else() -> None:
    tls = settings("rabbitmq-tls.conf")
    assert tls["listeners.tcp"] == "none"
    assert [value for key, value in tls.items() if key.startswith("auth_mechanisms")] == ["EXTERNAL"]
    assert (tls["ssl_options.verify"], tls["ssl_options.fail_if_no_peer_cert"]) == ("verify_peer", "true")
    assert {value for key, value in tls.items() if ".versions." in key} == {"tlsv1.2", "tlsv1.3"}
    assert "rabbitmq_auth_mechanism_ssl" in (CONFIG / "rabbitmq-plugins").read_text("utf-8")


def test_what_the_database_has_committed_is_on_the_disk_and_its_log_has_no_statements() -> None:
    database = settings("postgresql.conf")
    assert {database[key] for key in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
    assert database["log_statement"] == "none"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_has_few_rights_and_finishes_what_is_in_hand(unit: Path) -> None:
    parsed = configparser.ConfigParser(strict=True, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit.read_text("utf-8"))
    service = parsed["Service"]
    assert service["User"] == "axis"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["LimitCORE"] == "0"
    assert service["Restart"] == "always"
    assert int(service["TimeoutStopSec"]) >= 30
    assert int(service["LimitNOFILE"]) >= 16384
    assert re.search(r"axis (hub|adapter run %i) --home ", service["ExecStart"])
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        troubles = [line for line in done.stderr.splitlines() if "axis" in line and "is not executable" not in line]
        assert not troubles, troubles


def test_nothing_shipped_has_a_password_in_it() -> None:
    for path in [*CONFIG.glob("*.conf"), *CONFIG.glob("*.yaml"), *CONFIG.glob("*.example"), *UNITS]:
        for url in re.findall(r"\w+://[^\s\"]+", path.read_text("utf-8")):
            password = re.match(r"\w+://[^:/@]+:([^@]+)@", url)
            assert password is None or password[1] == "…", path


def test_every_library_has_bounds_and_a_tested_version_within_them() -> None:
    project = tomllib.loads((CONFIG.parent / "pyproject.toml").read_text("utf-8"))["project"]
    given = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    wanted = [Requirement(one) for one in given]
    assert {"http", "sftp", "postgresql"} <= set(project["optional-dependencies"])
    lines = [line for line in (CONFIG / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    tested = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    for one in wanted:
        assert {"<", ">="} <= {bound.operator for bound in one.specifier}, one
        assert one.specifier.contains(tested[canonicalize_name(one.name)], prereleases=True), one


def test_an_installation_takes_the_tested_versions() -> None:
    makefile = (CONFIG.parent / "Makefile").read_text("utf-8")
    assert "--constraint config/constraints.txt --editable '.[http,sftp,postgresql,dev]'" in makefile
    assert "make test" in (CONFIG.parent / ".ci" / "run").read_text("utf-8")
