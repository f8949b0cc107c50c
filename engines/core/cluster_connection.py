"""This process's connection to Ray: made once, shared by all executors, ended by the last of them."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from engines.core.errors import UserError

INSTALL = 'pip install "paper-workbench[cluster]"'


class Connection:
    """The process's one connection to Ray, shared by the executors in it and ended by the last of them."""

    current: Connection | None = None
    lock = threading.Lock()

    def __init__(self, address: str, is_foreign: bool) -> None:
        self.address, self.is_foreign, self.users = address, is_foreign, 0

    @classmethod
    def join(cls, ray: Any, address: str, local_cpus: int | None, local_memory_mb: int) -> Connection:
        with cls.lock:
            if cls.current is not None and not ray.is_initialized():
                cls.current = None  # the cluster was shut down behind our back
            if cls.current is None:
                is_foreign = ray.is_initialized()  # a task of a cluster, or a program that brought its own
                if not is_foreign:
                    _connect(ray, address, local_cpus, local_memory_mb)
                cls.current = cls(address, is_foreign)
            elif cls.current.address != address and not cls.current.is_foreign:
                here = cls.current.address or "a local cluster"
                raise UserError(f"this process is connected to {here}", "close that connection first")
            cls.current.users += 1
            return cls.current

    def leave(self, ray: Any) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0 and Connection.current is self:
                Connection.current = None
                if not self.is_foreign:
                    ray.shutdown()


def import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise UserError("Ray is not installed, so there is no cluster", INSTALL) from None
    return ray


def _connect(ray: Any, address: str, local_cpus: int | None, local_memory_mb: int) -> None:
    """Connect this process, or start a local cluster. Raises UserError when that fails."""
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        if address:
            _knock(address)
            ray.init(address=address, **quiet)
        else:
            ray.init(
                address="local",
                num_cpus=local_cpus or os.cpu_count() or 1,
                object_store_memory=local_memory_mb << 20,
                include_dashboard=False,
                **quiet,
            )
    except ImportError as error:
        raise UserError(
            f"{address} needs a part of Ray that is missing: {error}", 'pip install "ray[client]"'
        ) from None
    except (OSError, RuntimeError, ValueError, TimeoutError) as error:
        where = f"the cluster at {address}" if address else "a local cluster"
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{where} cannot be reached: {first}",
            'check it: host:6379 from one of its machines, ray://host:10001 from elsewhere, or "auto"',
        ) from None


def _knock(address: str) -> None:
    """Fail within seconds, not minutes, when nobody listens there. Raises OSError or ValueError."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"expected host:port, got {address!r}")
    with socket.create_connection((host, int(port)), timeout=3):
        pass
