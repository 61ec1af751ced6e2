"""axis.toml: what is wrong is named, all at once; what is written reads the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from axis import config
from axis.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


def _load(tmp_path: Path, text: str) -> config.Config:
    (tmp_path / "axis.toml").write_text(text, "utf-8")
    return config.load(tmp_path)


def _codes(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(Misconfigured) as caught:
        _load(tmp_path, text)
    return [(p.fault.code, p.path) for p in caught.value.problems]


def test_what_is_written_reads_the_same(tmp_path: Path) -> None:
    for one in (
        config.Config(config.Installation("a")),
        config.Config(
            config.Installation("a", "agency", ("G22", "H41")),
            config.Store("postgresql"),
            config.Broker("amqp", user_id="optional", url='amqp://h/"x"\\'),
            config.Hub(3),
            config.Adapter("folder", 0.5, {"G22": {"kind": "sftp", "port": 22, "by_day": True}, "H41": {"kind": "x"}}),
            config.Log("json", "debug"),
        ),
    ):
        assert _load(tmp_path, config.render(one)) == one


def test_an_agencys_own_adapter_has_its_options_over_those_of_all(tmp_path: Path) -> None:
    loaded = _load(
        tmp_path,
        '[installation]\nid="a"\n[adapter]\nsettle_seconds=2.0\n[adapter.agencies.G22]\nkind="sftp"\nport=22\n',
    )
    assert loaded.adapter.of("G22") == ("sftp", {"settle_seconds": 2.0, "kind": "sftp", "port": 22})
    assert loaded.adapter.of("H41") == ("folder", {"settle_seconds": 2.0})
    assert _codes(tmp_path, '[installation]\nid="a"\n[adapter.agencies]\nG22="sftp"\n') == [
        ("CONFIG_INVALID", "adapter.agencies")
    ]


def test_a_folder_without_settings_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        config.load(tmp_path)
    assert caught.value.fault.code == "HOME_MISSING"


def test_every_mistake_is_named_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    text = '[installation]\nid="a"\n[broker]\nkind="rabbit"\nurll="x"\n[hub]\ngive_up_attempts="many"\n'
    assert _codes(tmp_path, text) == [
        ("CONFIG_UNKNOWN_KEY", "broker.urll"),
        ("CONFIG_INVALID", "broker.kind"),
        ("CONFIG_INVALID", "hub.give_up_attempts"),
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "installation"),
        ("[installation]\n", "installation.id"),
        ("[installation]\nid=1\n", "installation.id"),
        ('[installation]\nid="a"\nrole="agency"\n', "installation.agencies"),
        ('[installation]\nid="a"\n[hub]\ngive_up_attempts=0\n', "hub.give_up_attempts"),
        ('[installation]\nid="a"\n[hub]\nagency_documents_per_second=nan\n', "hub.agency_documents_per_second"),
        ('[installation]\nid="a"\n[hub]\nconsignment_after=-1\n', "hub.consignment_after"),
        ('[installation]\nid="a"\n[hub]\nconsignment_after=nan\n', "hub.consignment_after"),
        ('[installation]\nid="a"\n[hub]\nconsignment_after=1e300\n', "hub.consignment_after"),
        ('[installation]\nid="a"\n[broker]\nurl="amqp://u:secret@h/"\n', "broker.url"),
    ],
)
def test_one_thing_wrong(tmp_path: Path, text: str, path: str) -> None:
    assert _codes(tmp_path, text) == [("CONFIG_INVALID", path)]


def test_a_file_that_is_not_toml_is_said_to_be_so(tmp_path: Path) -> None:
    assert _codes(tmp_path, "[installation") == [("CONFIG_INVALID", str(tmp_path / "axis.toml"))]


def test_urls_with_passwords_come_from_the_environment(tmp_path: Path) -> None:
    one = _load(tmp_path, '[installation]\nid="a"\n[store]\nkind="postgresql"\n[broker]\nkind="amqp"\n')
    assert one.database_url(tmp_path, {"AXIS_DATABASE_URL": "postgresql://u:p@h/d"}) == "postgresql://u:p@h/d"
    assert one.broker_url({"AXIS_AMQP_URL": "amqp://u:p@h/"}) == "amqp://u:p@h/"
    with pytest.raises(Misconfigured):
        one.broker_url({})


def test_days_are_none_for_ever_or_a_week_at_least(tmp_path: Path) -> None:
    head = '[installation]\nid="a"\n[retention]\n'
    assert _load(tmp_path, head + "parcels_days = 0\nsent_days = 7\n").retention.build().folders == {
        "sent": 7,
        "status": 90,
    }
    assert _codes(tmp_path, head + "parcels_days = 1\njournal_days = -1\nsent_days = 40000\n") == [
        ("CONFIG_INVALID", "retention.parcels_days"),
        ("CONFIG_INVALID", "retention.journal_days"),
        ("CONFIG_INVALID", "retention.sent_days"),
    ]
    assert _codes(tmp_path, head + "hour = 24\n") == [("CONFIG_INVALID", "retention.hour")]
    assert _codes(tmp_path, head + 'receipts = "30"\n') == [("CONFIG_UNKNOWN_KEY", "retention.receipts")]


def test_folders_by_day_are_named_for_all_agencies(tmp_path: Path) -> None:
    assert _load(tmp_path, '[installation]\nid="a"\n').folders.by_day == ()
    assert _load(tmp_path, '[installation]\nid="a"\n[folders]\nby_day=["sent"]\n').folders.by_day == ("sent",)
