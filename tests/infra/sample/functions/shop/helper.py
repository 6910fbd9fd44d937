"""A sibling module: every function folder may have its own `helper`."""

NAME = "shop"
