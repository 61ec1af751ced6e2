"""The broker port over AMQP 0-9-1 (RabbitMQ 3.10 and later, quorum queues); what begins is :mod:`.broker`.

Separate connections publish, consume and ask. A broker short of memory or disk stops reading from whoever
publishes; acknowledgements must still get through then. And the one that consumes stops reading itself when
its caller does not keep up. Each connection has its I/O loop in a thread of its
own, so heartbeats are answered while the caller judges a batch or waits for a database. The caller's thread
hands work over and waits; what goes wrong in a callback ends the connection *and* is raised to the caller.
"""
