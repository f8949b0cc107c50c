"""Property tests on a machine that does something else as well: how long an example takes is no fault."""

from hypothesis import HealthCheck, settings

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
