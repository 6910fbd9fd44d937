"""The bill: what one order costs, step by step, counted on the simulated stack."""
