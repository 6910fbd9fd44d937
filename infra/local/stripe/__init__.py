"""A stand-in for Stripe on loopback: see README.md."""
