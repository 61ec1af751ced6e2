"""What witnesses have cosigned, as the record keeps it: the same on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.infra.log import store
from axis.infra.log.store import Cosigned, Witness
from tests.line import Clock

if TYPE_CHECKING:
    import pytest

    from axis.infra.record.store import HubStore


def test_the_newest_checkpoint_with_its_quorum_is_offered_and_the_first_of_each_old_day_stays(
    record: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEPT", 4)
    at = Clock().now
    with record.transaction() as tx:
        assert store.witnessed(tx.connection) is None
        store.begin(tx.connection, "axis/one", at)
        for size in range(1, 13):
            asked = at + timedelta(hours=6 * size)
            since = asked if size != 12 else None
            store.keep_cosigned(tx.connection, Cosigned(1, size, b"note %d" % size, asked, since))
        found = store.witnessed(tx.connection)
        assert found is not None
        assert (found.size, found.note) == (11, b"note 11")
        assert store.witnessed(tx.connection, 12) is None
        store.prune(tx.connection, 1)
        # The newest four, and the first of the days before: at 3, 9, 15 and 21 o'clock, one in six hours.
        assert sorted(store.cosigned(tx.connection, 1, range(1, 13))) == [1, 4, 8, 9, 10, 11, 12]
        store.begin(tx.connection, "axis/two", at)
        assert store.witnessed(tx.connection) is None


def test_what_is_known_of_witnesses_is_written_over_and_read_again(record: HubStore) -> None:
    one, two = Witness("G22", 1, asked=5, tries=1), Witness("H41", 1)
    with record.transaction() as tx:
        store.keep_witnesses(tx.connection, [])
        store.keep_witnesses(tx.connection, [one, two])
        store.keep_witnesses(tx.connection, [replace(one, cosigned=5, trouble="LOG_SPLIT")])
        found = store.witnesses(tx.connection)
        assert store.senders(tx.connection, {"nobody's"}) == {}
    assert found == {"G22": replace(one, cosigned=5, trouble="LOG_SPLIT"), "H41": two}
