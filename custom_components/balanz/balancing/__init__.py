"""Numbers in, amperes out: the pure heart of balanz.

Nothing in here does I/O, keeps a clock or knows Home Assistant or OCPP. Values are immutable and
time is a parameter: seconds of a monotonic clock.
"""
