"""Parcelway's shared code.

A start makes objects by the hundred thousand that all stay, and looking through them for garbage is
a twelfth of it: so the collector waits for more of them to come together than one start makes.
"""

import gc

gc.set_threshold(200_000)
