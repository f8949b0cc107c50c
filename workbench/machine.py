"""What this computer has for the panels: devices, weights, data. Asked in an engine process."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.job import JobContext, job
from engines.core.spec import Spec


class MachineSpec(Spec):
    """Nothing to choose."""


@dataclass(frozen=True)
class MachineReport:
    """devices: (name, title, usable, note) each, best first. threads: of each engine process.

    weights: (name, topic, title, parameters, bytes) each. data: (name, title, bytes, state) each; state is
    "embedded", "ready", "partial" or "missing". problems: sentences about files that could not be read.
    """

    devices: tuple[tuple[str, str, bool, str], ...]
    threads: int
    weights: tuple[tuple[str, str, str, int, int], ...]
    data: tuple[tuple[str, str, int, str], ...]
    problems: tuple[str, ...] = ()


@job("workbench.machine", MachineSpec, title="Look at this computer")
def machine(spec: MachineSpec, ctx: JobContext) -> MachineReport:
    """Look at this computer."""
    from engines.core import data, device, weights

    devices = tuple((d.name, d.title, d.usable, d.note) for d in device.describe())
    ctx.check()
    cards = tuple((c.name, c.topic, c.title or c.name, c.parameters, c.bytes) for c in weights.list_weights())
    problems = tuple(f"{path.name}: {text}" for path, text in weights.problems())
    ctx.check()
    sets = []
    for entry in data.list_sets():
        ctx.check()
        sets.append((entry.name, entry.title, entry.size, str(data.status(entry.name).state)))
    return MachineReport(devices, device.set_threads(), cards, tuple(sets), problems)
