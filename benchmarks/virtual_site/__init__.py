"""A real site with simulated chargers in virtual time, and what watches over it."""
