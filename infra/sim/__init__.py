"""Parcelway simulated: the real handlers on virtual time, one seed = one history."""
