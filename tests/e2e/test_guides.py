"""The guides say what is so: every block of commands is run as it stands, in one clean folder, in the order of the pages;
both languages have the same commands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.forked import Forked
from tests.unit.test_production_files import parse

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = ("guide", "receipts", "integrator", "faults")
RUN = PAGES  # in this order
TOOLS = ("curl", "openssl", "unzip")
FENCE = re.compile(r"^```(sh|console)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^(?P<command>.*?)\s+# (?:(?:exit|mã thoát) (?P<code>\d))?(?:, )?(?:(?:says|báo) (?P<says>.+))?$")
pytestmark = pytest.mark.timeout(1500)  # a hundred commands


@dataclass(frozen=True)
class Line:
    """One line of a block: what is typed, how it ends, what it says."""

    command: str
    code: int = 0
    says: str = ""


def read(line: str) -> Line:
    found = SAID.match(line)
    if found is None or not (found["code"] or found["says"]):
        return Line(line)
    return Line(found["command"], int(found["code"] or 0), found["says"] or "")


def blocks(page: str, language: str) -> list[tuple[str, str, list[Line]]]:
    """(sh or console, a tool that is wanted, the lines) of each block of a page."""
    text = (DOCS / f"{page}.{language}.md").read_text("utf-8")
    return [(kind, tool, [read(one) for one in body.splitlines()]) for kind, tool, body in FENCE.findall(text)]


def script(page: str) -> str:
    """A shell that stops at the first line that does not end as the page says, and names it."""
    made = []
    for kind, tool, lines in blocks(page, "en"):
        if kind != "sh" or (tool and shutil.which(tool) is None):
            continue
        for one in lines:
            if not (one.code or one.says):
                made.append(one.command)
                continue
            made.append(f"code=0; {{ {one.command}\n}} > said.txt 2>&1 || code=$?; cat said.txt")
            told = shlex.quote(f"{page}: {one.command}: ")
            made.append(f'test $code = {one.code} || {{ echo {told}"ended with $code"; exit 97; }}')
            if one.says:
                wanted = f"grep -qF -- {shlex.quote(one.says)} said.txt"
                made.append(f"{wanted} || {{ echo {told}does not say {shlex.quote(one.says)}; exit 98; }}")
    return "\n".join(made) + "\n"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_commands_with_the_same_ends(page: str) -> None:
    assert blocks(page, "vi") == blocks(page, "en")
    assert any(kind == "sh" for kind, _, _ in blocks(page, "vi"))


def test_every_command_of_the_guides_works_as_it_stands(tmp_path: Path) -> None:
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"*** NOT TESTED: {', '.join(missing)} not installed ***")
    binaries = tmp_path / "bin"
    here = tmp_path / "here"
    here.mkdir()
    environment = {
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(here),
        "LANG": "C.UTF-8",
        "AXIS_PROGRAM": str(ROOT),
        "PORT": str(free_port()),
        "AXIS_LANG": "en",
    }
    whole = "set -e\ntrap 'test -z \"$(jobs -p)\" || kill $(jobs -p)' EXIT\n" + "".join(map(script, RUN))
    with Forked(binaries), (tmp_path / "shown.txt").open("w+") as shown:
        command = ["bash", "-c", whole]
        done = subprocess.run(command, cwd=here, env=environment, stdout=shown, stderr=subprocess.STDOUT, check=False)
        shown.seek(0)
        assert done.returncode == 0, "\n".join(shown.read().splitlines()[-30:])


def _usage(words: list[str]) -> str:
    """What is wrong with a command line; that a file is not here, which a block above makes, is not."""
    try:
        parse(words)
    except click.UsageError as error:
        return "" if "does not exist" in str(error) else f"{words}: {error}"
    return ""


def _commands(line: str) -> list[list[str]]:
    """The command lines of ``axis`` in a line of a shell, also those in single quotes."""
    found = []
    for text in (re.sub(r"'[^']*'", "", line), *re.findall(r"'([^']*)'", line)):
        for part in re.split(r"[;|&]+|\$\(|\* axis ", text):
            words = shlex.split(re.sub(r"\d?>+ ?\S+|[()]", "", part))
            found += [words[1:]] if words[:1] == ["axis"] else []
    return found


def test_what_is_not_run_is_a_command_of_this_version() -> None:
    found = [(page, kind, body) for page in PAGES for kind, _, body in blocks(page, "en")]
    lines = [one for _, kind, body in found if kind == "console" for one in body]
    commands = [words for one in lines for words in _commands(one.command)]
    assert len(commands) >= 8
    assert [said for words in commands if (said := _usage(words))] == []
    assert _usage(["broker", "setup", "--no-such"])


def test_what_is_not_run_is_listed_in_the_guide() -> None:
    for language, heading in (("en", "## Not run by the test"), ("vi", "## Không chạy trong kiểm thử")):
        text = (DOCS / f"guide.{language}.md").read_text("utf-8")
        _, _, listed = text.partition(heading)
        for kind, _, lines in blocks("guide", "en"):
            if kind != "console":
                continue
            for one in lines:
                first = one.command.split()[0] if one.command.split() else "END"
                named = first in {"END", "umask", "export", "axis", "*/5", "command[axis]=su"} or first in listed
                assert named, (language, one.command)


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", [f"{page}.{language}.md" for page in PAGES for language in ("vi", "en")])
def test_every_link_leads_somewhere(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        path = (DOCS / name).resolve() if name else DOCS / page
        assert path.exists(), target
        assert not anchor or anchor in _anchors(path), target


def test_the_mac_that_the_page_shows_is_what_a_webhook_says() -> None:
    from axis.adapters.webhook import signature

    made = signature("at least 16 characters", "1764126000", b'{"number": 1}')
    assert made.split("v1=")[1] in (DOCS / "integrator.en.md").read_text("utf-8")


def test_every_receipt_is_explained_in_both_languages() -> None:
    from axis.core.receipt import Event

    for language in ("vi", "en"):
        text = (DOCS / f"receipts.{language}.md").read_text("utf-8")
        rows = dict(re.findall(r"^\| ([A-Z]\.\d) \| ([^|]+) \|", text, re.MULTILINE))
        assert set(rows) == {event.code for event in Event}
        for event in Event:
            hub = "hub" if language == "en" else "trục"
            assert ("hub" in event.issuers) == (hub in rows[event.code]), event
            assert ("recipient" in event.issuers) == ("adapter" in rows[event.code]), event


def test_every_check_that_the_guide_names_is_one() -> None:
    from axis.core.doctor import CHECKS

    known = {one.name.replace("_", "-") for one in CHECKS}
    for language in ("vi", "en"):
        text = (DOCS / f"guide.{language}.md").read_text("utf-8")
        table = text[text.rindex("|---|---|---|") :].partition("\n\n")[0]
        named = {one for row in table.splitlines() for one in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
        assert len(named) >= 8
        assert named <= known


if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
    TOOLS = (*TOOLS, "xmlsec1")
