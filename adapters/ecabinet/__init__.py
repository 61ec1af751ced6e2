"""e-Cabinet as meeting systems call it: meetings, papers, conclusions, ballots and votes by JSON, beside the HTTP API.

What a meeting system sends becomes ordinary packets of the document types; what comes is asked for here and
acknowledged at the API. A vote comes signed and sealed by its member: no member's key is ever here. docs/adapters.md.
"""
