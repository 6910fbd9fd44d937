"""How much of a product a channel may sell: a quota is a balance that lies at no node.

Its units on hand are those allotted, its reserved ones those that orders of the channel hold or
have got. So taking from it, giving back, its journal and its repair are those of all stock.
"""

from __future__ import annotations

_NODE = "quota:"  # no node's id has a colon


def quota_of(channel: str) -> str:
    """The node at which a channel's quotas are kept."""
    return _NODE + channel


def channel_of(node: str) -> str:
    """The channel whose quotas are kept at `node`; '' for a real node."""
    return node.removeprefix(_NODE) if node.startswith(_NODE) else ""
