"""Six years on a moved clock: who changes keys when the alarms say so loses nothing, not for an hour; who forgets is told."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import chain, parcel, receipt
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.errors import AxisError, Fault
from axis.monitoring import Watch
from axis.services.operate import hub_key
from axis.services.operate import registry as members
from axis.services.operate.alarms import Alarms
from axis.services.questions import verify
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from pathlib import Path

    from axis.core.registry import Registry

pytestmark = pytest.mark.timeout(300)
YEAR, DAY, HOUR, MINUTE = (timedelta(days=365), timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))
CODES = ("G22", "H41", "G06")
# Around each change of keys, each hour; and the minutes around it.
FINE = sorted([*(HOUR * n for n in range(-3, 4)), *(MINUTE * n for n in (-6, -4, -1, 1, 4, 6))])
COARSE = 60 * DAY
FIRST_ALARM = 60 * DAY


@dataclass
class Years:
    """A line, its alarms, and the people who act on them, but for those who `forget`."""

    line: Line
    forget: frozenset[str] = frozenset()
    told: list[tuple[str, int]] = field(default_factory=list)  # whose certificate ends in how many days
    changes: list[datetime] = field(default_factory=list)  # moments at which another key takes over, or one ends
    sent: dict[int, datetime] = field(default_factory=dict)  # documents by number, with when each was given

    def registry(self) -> Registry:
        with bootstrap.reading_registry(bootstrap.open_home(self.line.path)) as found:
            return found

    def ends(self) -> dict[str, datetime]:
        watch = Watch(bootstrap.open_home(self.line.path), is_hub=True)
        try:
            return dict(watch._ends())
        finally:
            watch.close()

    def look(self, caplog: pytest.LogCaptureFixture) -> None:
        """What the alarms say now; and what is done about it at 60 days by who does not forget."""
        caplog.clear()
        Alarms(self.line.path, self.ends).turn(self.line.clock.now)
        for record in caplog.records:
            found = re.match(r"the certificate of (\S+) (?:ends within (\d+) days|has ended)", record.getMessage())
            if found is None:
                continue
            name = HUB if HUB in found[1] else found[1]
            self.told.append((name, int(found[2] or 0)))
            if name not in self.forget:
                self.renew(name)

    def renew(self, name: str) -> None:
        now = self.line.clock()
        home = bootstrap.open_home(self.line.path)
        with bootstrap.registrar(home, now=now) as registrar:
            if name == HUB:
                self.changes.append(registrar.signer.certificate.not_valid_after_utc)
                self.changes.append(hub_key.introduce(registrar, "p256", None, "đến hạn", now).begins)
            else:
                end = registrar.registry().by_code[name].signs_until
                assert end is not None
                self.changes.append(end)
                members.rotate(registrar, name, "p256", revoke=False, reason="đến hạn", now=now)

    def step(self) -> datetime:
        """When it goes on: in weeks, but finely where keys change."""
        now = self.line.clock.now
        near = [one + off for one in self.changes for off in FINE]
        near += [end - FIRST_ALARM for end in self.ends().values()]
        return min([one for one in near if one > now + timedelta(seconds=20)] + [now + COARSE])

    def live(self, until: datetime, caplog: pytest.LogCaptureFixture) -> None:
        """A document from each agency to the next one, each time."""
        while self.line.clock.now < until:
            self.look(caplog)
            self.give()
            self.line.run(patience=timedelta(0))
            self.line.clock.now = max(self.line.clock.now, self.step())

    def give(self) -> None:
        for sender, to in zip(CODES, (*CODES[1:], CODES[0]), strict=True):
            number = len(self.sent) + 1
            self.sent[number] = self.line.clock.now
            self.line.drop(sender, document(number, sender, to=(to,)), f"{number}.edxml")

    def said(self) -> list[receipt.Receipt]:
        return [one for code in CODES for one in self.line.receipts(code).values()]

    def accepted(self) -> dict[int, datetime]:
        """When the hub has accepted each document, by its number."""
        return self._when(Event.SubmissionAcceptance)

    def handed_over(self) -> dict[int, datetime]:
        return self._when(Event.ContentHandover)

    def _when(self, event: Event) -> dict[int, datetime]:
        found = [one for one in self.said() if one.statements[0].event is event]
        assert len({one.subject.document_id for one in found}) == len(found), "each once"
        return {int(one.subject.document_id.split(",")[2].partition("/")[0]): one.statements[0].time for one in found}

    def check_signatures(self) -> int:
        """Whatever the hub and the agencies have said is believed, as of when it was said; by how many of the hub's
        keys."""
        registry, by_hub = self.registry(), set()
        for code in CODES:
            for name, one in self.line.receipts(code).items():
                body = (self.line.folder(code, "receipts") / name).read_bytes()
                verdict = verify.verify(body, registry, one.statements[0].time)
                assert verdict["verdict"] == "PASSED", (name, verdict)
                signed = parcel.peek_signature(body)
                for held in chain.signing(registry):
                    if held.der == signed.certificate:
                        assert held.x509.not_valid_before_utc <= signed.signing_time <= held.x509.not_valid_after_utc
                        by_hub.add(held.der)
        return len(by_hub)


def test_six_years_of_keys_that_change_in_time_lose_no_document_and_no_hour(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "axis.certificates")
    years = Years(small_home(tmp_path / "home", CODES))
    start = years.line.clock.now
    years.live(start + 6 * YEAR, caplog)
    assert sorted(set(years.told)) == [(name, 60) for name in sorted((*CODES, HUB))], "nobody is told twice"
    assert len(chain.signing(years.registry())) == 2
    accepted, arrived = years.accepted(), years.handed_over()
    assert sorted(accepted) == sorted(arrived) == sorted(years.sent)
    late = {n: accepted[n] - at for n, at in years.sent.items() if accepted[n] - at > MINUTE}
    assert late == {}, "each was accepted when it was given"
    assert {n: at for n, at in arrived.items() if at - years.sent[n] > MINUTE} == {}
    assert years.check_signatures() == 2
    assert years.sent[max(years.sent)] > start + 5 * YEAR + 200 * DAY
    assert [years.line.files(code, "failed") for code in CODES] == [[], [], []]
    years.line.check_ledger()


def test_a_hub_that_forgets_is_told_and_accepts_nothing_that_nobody_could_believe_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "axis.certificates")
    years = Years(small_home(tmp_path / "home", CODES), frozenset({HUB}))
    line = years.line
    end = chain.signing(years.registry())[0].x509.not_valid_after_utc
    line.clock.now = end - 100 * DAY
    for code in CODES:
        years.renew(code)
    for left in (100, 59, 29, 6):
        line.clock.now = max(line.clock.now, end - left * DAY)
        years.look(caplog)
        years.give()
        line.run(patience=timedelta(0))
    line.clock.now = end - 6 * MINUTE
    years.look(caplog)
    years.give()
    line.run(patience=timedelta(0))
    before = years.accepted()
    assert sorted(before) == sorted(years.sent), "up to five minutes before"
    for moment in (end - 4 * MINUTE, end + MINUTE, end + 30 * DAY):
        line.clock.now = moment
        years.look(caplog)
        years.give()
        with pytest.raises(AxisError) as caught:
            line.run(patience=timedelta(0))
        assert caught.value.fault is Fault.CERTIFICATE_ENDED
    assert [one for one in years.told if one[0] == HUB] == [(HUB, 60), (HUB, 30), (HUB, 7), (HUB, 1), (HUB, 0)]
    assert years.accepted() == before
    assert [line.files(code, "failed") for code in CODES] == [[], [], []]
    years.renew(HUB)  # the next key is named by the one that has ended, and signs at once
    line.run()
    assert sorted(years.accepted()) == sorted(years.handed_over()) == sorted(years.sent)
    assert min(at for n, at in years.accepted().items() if n not in before) > end
    assert years.check_signatures() == 2


def test_an_agency_that_forgets_is_told_and_what_it_signs_too_late_is_signed_again_by_its_next_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "axis.certificates")
    years = Years(small_home(tmp_path / "home", CODES), frozenset({"G06"}))
    line, end = years.line, years.registry().by_code["G06"].signs_until
    assert end is not None
    line.clock.now = end - 100 * DAY
    for name in ("G22", "H41", HUB):
        years.renew(name)
    for left in (99, 59, 29, 6):
        line.clock.now = end - left * DAY
        years.look(caplog)
    line.clock.now = end - HOUR
    years.look(caplog)
    years.give()
    line.run(patience=timedelta(0))
    line.clock.now = end + HOUR
    years.look(caplog)
    assert [one for one in years.told if one[0] == "G06"] == [("G06", n) for n in (60, 30, 7, 1, 0)]
    years.give()
    line.run(patience=timedelta(0))
    numbers = sorted(years.sent)
    from_it, to_it = numbers[-1], numbers[-2]
    assert line.error("G06", f"{from_it}.edxml")["findings"][0]["code"] == "KEY_EXPIRED", "its clerk is told"
    assert from_it not in years.accepted()
    assert to_it in years.accepted()
    assert to_it not in years.handed_over(), "nobody is shown what it signs now"
    years.renew("G06")
    line.drop("G06", document(from_it, "G06", to=("G22",)), f"{from_it}.edxml")
    line.run()
    assert sorted(years.accepted()) == sorted(years.handed_over()) == numbers
    years.check_signatures()


def test_keys_follow_each_other_and_another_moment_is_another_certificate_of_the_same_key(tmp_path: Path) -> None:
    years = Years(small_home(tmp_path / "home", CODES))
    home, now = bootstrap.open_home(years.line.path), years.line.clock()

    def introduce(at: datetime, begins: datetime | None = None) -> hub_key.Following:
        with bootstrap.registrar(home, now=at) as registrar:
            assert hub_key.rehearse(registrar, "p256", begins, at) == []
            return hub_key.introduce(registrar, "p256", begins, "", at)

    first = introduce(now)
    again = introduce(now, now + 3 * DAY)
    assert again.certificate.public_key() == first.certificate.public_key()
    assert len(chain.signing(years.registry())) == 2, "the one that nobody will sign with is listed no more"
    assert chain.signs_until(years.registry()) == again.certificate.not_valid_after_utc
    second = introduce(now + 4 * DAY)  # nothing has run in between
    assert second.certificate.public_key() != first.certificate.public_key()
    third = introduce(now + 60 * DAY)
    assert len(chain.signing(years.registry())) == 4
    years.line.clock.now = third.begins + DAY
    years.give()
    years.line.run()
    assert sorted(years.handed_over()) == sorted(years.sent)


def test_a_moment_of_the_past_makes_no_key_older_than_it_is(tmp_path: Path) -> None:
    years = Years(small_home(tmp_path / "home", CODES))
    now = years.line.clock.now + YEAR
    with bootstrap.registrar(bootstrap.open_home(years.line.path), now=now) as registrar:
        found = hub_key.introduce(registrar, "p256", datetime(2026, 1, 1, tzinfo=UTC), "", now)
    assert found.begins >= now - timedelta(seconds=1)
