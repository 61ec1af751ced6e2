"""An adapter's journal: what its agency sends, what it has received, and what it must still tell the hub.

The journal is the adapter's record as the store is the hub's: each change of state is one transaction together with its
event. Several agencies may share a database (an embedded home); every row names its own. A transaction
(:mod:`~axis.infra.journal.transaction`) is made by a journal (:mod:`~axis.infra.journal.journals`); what it changes is
gathered (:mod:`~axis.infra.journal.writes`) and stands by idea in the modules beside.
"""
