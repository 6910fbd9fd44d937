"""Names of the people of the shop, for their colleagues.

No record of an order keeps them: customers see those, and whoever leaves takes the name along.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcelway.ports.identity import Logins

_log = logging.getLogger(__name__)
_MOST = 25  # that one timeline asks the user pool for
_KEPT = 500
_known: dict[str, str] = {}  # of this container, which does not live long


def names_of(logins: Logins, subjects: Iterable[str]) -> Mapping[str, str]:
    """Names by subject. A timeline is of use without them: who is not found, or not in time, is
    left out."""
    from parcelway.ports.identity import IdentityUnavailable

    wanted = list(subjects)
    try:
        for subject in islice((each for each in wanted if each not in _known), _MOST):
            login = logins.find_subject(subject)
            if login is not None:
                _known[subject] = login.name or login.email
    except IdentityUnavailable:
        _log.warning("names not asked for: the user pool is busy")
    names = {subject: _known[subject] for subject in wanted if subject in _known}
    if len(_known) > _KEPT:
        _known.clear()
    return names
