"""Simulated OCPP chargers, cars and a house, for the demo, the tests and the benchmarks."""
