"""The National Public Service Portal as one-stop systems and portals call it: they log in, and send and ask by JSON.

A record that comes in is judged by the table of the statuses, its files are fetched and frozen, and it travels as a
packet to the portal's owner, to the application's receiver and to its resolver. What they are handed is judged by the
same table. docs/adapters.md.
"""
