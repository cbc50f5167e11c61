"""Settings for the property tests: the same examples on every machine, and no timing."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "balanz",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("balanz")
