"""Replacing attributes of other people's classes, and putting every one of them back."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

_MISSING = object()


class Patches:
    """A stack of replacements; `undo` restores them in reverse order."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def replace(self, owner: Any, name: str, value: Any) -> Any:
        """Set `owner.name` to `value`; the attribute must exist. Returns what was there."""
        before = getattr(owner, name)
        own = vars(owner).get(name, _MISSING) if hasattr(owner, "__dict__") else before
        self._undo.append((owner, name, own))
        setattr(owner, name, value)
        return before

    def add(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute that must not exist yet; `undo` removes it."""
        if hasattr(owner, name):
            raise AttributeError(f"{owner} already has {name}")
        self._undo.append((owner, name, _MISSING))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put everything back as it was before the first `replace`."""
        while self._undo:
            owner, name, own = self._undo.pop()
            if own is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, own)


def fingerprint(*functions: Any) -> str:
    """A short hash of the functions' source: changes when the library we patch changes."""
    digest = hashlib.sha256()
    for function in functions:
        digest.update(inspect.getsource(function).encode())
    return digest.hexdigest()[:12]
