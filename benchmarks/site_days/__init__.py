"""Whole days of charging in virtual time, with real sessions and house loads."""
