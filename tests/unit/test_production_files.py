"""What is shipped for production is well formed and says what the code needs."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from axis import cli
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


def composed() -> dict[str, Any]:
    """The services of config/compose.yaml."""
    services: dict[str, Any] = yaml.safe_load((CONFIG / "compose.yaml").read_text("utf-8"))["services"]
    return services


def parse(arguments: list[str]) -> click.Context:
    """A command line of ``axis`` as it will be read; it is not run. Raises what is wrong with it."""
    context, command = click.Context(cli.main, info_name="axis"), cli.main
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        context, command = click.Context(found, info_name=name, parent=context), found  # type: ignore[assignment]
    return command.make_context(context.info_name, list(arguments), parent=context.parent)


def test_what_compose_and_units_start_are_commands_of_this_version() -> None:
    lines = [one["command"] for one in composed().values() if one["image"] == "axis" and "entrypoint" not in one]
    for unit in UNITS:
        (line,) = re.findall(r"ExecStart=\S+/axis (.*)", unit.read_text("utf-8"))
        lines.append(line.replace("%i", "G22").split())
    assert len(lines) == 5
    assert {parse(line).command_path for line in lines} == {
        "axis init",
        "axis broker setup",
        "axis hub",
        "axis adapter run",
    }
    with pytest.raises(click.UsageError):
        parse(["hub", "--home", "x", "--worker", "2"])


def test_compose_starts_hub_broker_and_database_with_what_this_folder_has() -> None:
    services = composed()
    assert {"hub", "rabbitmq", "postgres", "setup", "init"} <= set(services)
    for name, service in services.items():
        for needed in service.get("depends_on", {}):
            assert needed in services, name
            assert "profiles" not in services[needed], f"{needed} is not there when {name} starts"
        for mounted in service.get("volumes", []):
            source, target, *_ = mounted.split(":")
            assert not source.startswith("./") or (CONFIG / source).is_file(), mounted
            assert target.startswith("/")
        if service["image"] == "axis" and "entrypoint" not in service:
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:15672:15672", "5671:5671"], "agencies by TLS; nobody else from outside"
    assert settings("rabbitmq-tls.conf")["listeners.ssl.1"] == "5671"
    keys = [settings("rabbitmq-tls.conf")[f"ssl_options.{name}"] for name in ("cacertfile", "certfile", "keyfile")]
    given = [Path(path).name for path in services["certificates"]["command"]]
    assert [Path(path).name for path in keys] == given
    folder = services["certificates"]["entrypoint"][-1]
    assert {str(Path(path).parent) for path in keys} == {folder}
    assert f"tls:{folder}:ro" in services["rabbitmq"]["volumes"]
    assert services["setup"]["env_file"] == ["secrets/hub.env", "secrets/setup.env"]
    assert services["hub"]["env_file"] == ["secrets/hub.env"], "the administrator's login is not the hub's"


def test_the_image_is_made_of_the_program_and_the_tested_versions_and_runs_as_nobody_special() -> None:
    lines = (CONFIG / "Containerfile").read_text("utf-8").splitlines()
    steps = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    assert [word for word, _, _ in steps].count("FROM") == 2
    assert "PIP_CONSTRAINT=/source/config/constraints.txt" in next(rest for word, _, rest in steps if word == "ENV")
    assert ("USER", " ", "10001") in steps[
        steps.index(next(one for one in steps if one[0] == "COPY" and "--from" in one[2])) :
    ]
    assert steps[-2] == ("ENTRYPOINT", " ", '["axis"]')
    assert "PYTHONSAFEPATH=1" in " ".join(rest for word, _, rest in steps if word == "ENV")
    copied = {line[1:] for line in (CONFIG.parent / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"}
    assert copied == {"axis", "adapters", "schemas", "config", "cli.py", "pyproject.toml", "README.md", "LICENSE"}
    for name in copied:
        assert (CONFIG.parent / name).exists(), name


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
    assert "--constraint config/constraints.txt --editable '.[http,web,sftp,postgresql,evidence,dev]'" in makefile
    assert "make test" in (CONFIG.parent / ".ci" / "run").read_text("utf-8")
