"""Stripe for simulated histories: in process, on virtual time, the same twice."""
