"""The server that the VXP client SDK (2.0.0, 2.0.1) of agencies' document systems speaks to, unchanged.

Every request is signed by HMAC-SHA256 over a JSON of its parameters, which stand in headers; only what is signed
counts. Every answer is HTTP 200 with ASCII JSON and never a null: the SDK throws the rest away. docs/adapters.md tells
the facts that this rests on.
"""
