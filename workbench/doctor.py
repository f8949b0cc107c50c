"""What of this machine works, and how to mend the rest: devices, sound, display, data, weights, folders."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from engines.core.errors import UserError

State = Literal["ok", "warning", "fault"]
_QT_PACKAGES: Final = "libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. state: "ok", "warning" (something is left out), "fault" (it must be mended)."""

    area: str
    name: str
    state: State
    found: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, cheapest first. Nothing that is found wrong ends the examination."""
    for area, look in _LOOKS:
        try:
            yield from look()
        except UserError as error:
            yield Finding(area, area, "fault", error.what, error.remedy)
        except (OSError, ImportError, RuntimeError) as error:
            yield Finding(area, area, "fault", f"{type(error).__name__}: {error}", "install the program again")


def _folders() -> Iterator[Finding]:
    from engines.core import paths

    places = {"runs": paths.data_folder(), "cache": paths.cache_folder(), "settings": paths.config_folder()}
    for name, folder in places.items():
        yield _writable(name, folder)
    shipped = paths.resources_folder()
    if shipped.is_dir():
        yield Finding("folders", "resources", "ok", str(shipped))
    else:
        yield Finding("folders", "resources", "fault", f"{shipped} is missing", "install the program again")


def _writable(name: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        remedy = "make the folder writable, or set WORKBENCH_HOME to one that is"
        return Finding("folders", name, "fault", f"{folder}: {error.strerror}", remedy)
    return Finding("folders", name, "ok", str(folder))


def _runs() -> Iterator[Finding]:
    from engines.core.store import Store

    store = Store()
    try:
        found = store.runs()
        interrupted = [r for r in found if r.status == "interrupted"]
        yield Finding("runs", "store", "ok", f"{len(found)} runs, {len(interrupted)} interrupted")
        for notice in store.notices:
            yield Finding("runs", "store", "warning", notice)
    finally:
        store.close()


def _display() -> Iterator[Finding]:
    try:
        widgets = importlib.import_module("PySide6.QtWidgets")
        version = importlib.import_module("PySide6").__version__
    except ImportError as error:
        yield Finding("display", "Qt", "fault", str(error), f"on Debian and Ubuntu: apt install {_QT_PACKAGES}")
        return
    yield Finding("display", "Qt", "ok", f"PySide6 {version}, {widgets.__name__} loads")
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    screen = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if chosen:
        yield Finding("display", "platform", "ok", f"QT_QPA_PLATFORM={chosen}")
    elif sys.platform.startswith("linux") and not screen:
        yield Finding(
            "display",
            "platform",
            "warning",
            "neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can open",
            "start it from a desktop session; `paper-workbench tour --out DIR` works without one",
        )
    else:
        yield Finding("display", "platform", "ok", screen or sys.platform)


def _audio() -> Iterator[Finding]:
    try:
        sounddevice = importlib.import_module("sounddevice")
        outputs = [d for d in sounddevice.query_devices() if d["max_output_channels"] > 0]
    except OSError as error:
        remedy = "on Debian and Ubuntu: apt install libportaudio2; without it only playing sound is left out"
        yield Finding("audio", "PortAudio", "warning", str(error), remedy)
        return
    except ImportError:
        yield Finding("audio", "sounddevice", "warning", "not installed", "pip install sounddevice")
        return
    except Exception as error:  # noqa: BLE001  (PortAudioError can only be named once the library has loaded)
        yield Finding("audio", "PortAudio", "warning", str(error), "check the system's sound settings")
        return
    if outputs:
        yield Finding("audio", "output", "ok", ", ".join(d["name"] for d in outputs[:3]))
    else:
        yield Finding("audio", "output", "warning", "no output device", "connect one; files can still be written")


def _data() -> Iterator[Finding]:
    from engines.core import data

    for entry in data.list_sets():
        status = data.status(entry.name)
        if status.state in ("embedded", "ready"):
            where = "comes with the program" if status.folder is None else str(status.folder)
            yield Finding("data", entry.name, "ok", where)
            continue
        lacking = f"{len(status.missing)} files missing" if status.state == "partial" else "not here"
        remedy = f"paper-workbench data fetch {entry.name} ({entry.size / 1e6:.1f} MB)"
        if not entry.downloadable:
            remedy = "put its files into the folder named by --data-dir or WORKBENCH_DATA"
        yield Finding("data", entry.name, "warning", lacking, remedy)


def _weights() -> Iterator[Finding]:
    from engines.core import weights

    for card in weights.list_weights():
        try:
            if card.path is not None:
                weights.verify(card.path)
        except UserError as error:
            yield Finding("weights", card.name, "fault", error.what, error.remedy)
            continue
        yield Finding("weights", card.name, "ok", f"{card.title or card.topic}, {card.parameters:,} parameters")
    for path, why in weights.problems():
        yield Finding("weights", path.name, "fault", why, f"remove {path} or put back the original")
    if not weights.list_weights():
        yield Finding("weights", "weights", "fault", "none are here", "install the program again")


def _devices() -> Iterator[Finding]:
    from engines.core import device

    for info in device.describe():
        free = f", {info.memory_free / 1e9:.1f} of {info.memory_total / 1e9:.1f} GB free"
        memory = free if info.memory_total else ""
        state: State = "ok" if info.usable else "warning"
        note = f"; {info.note}" if info.note else ""
        remedy = "" if info.usable else "update the driver, or choose device=cpu"
        yield Finding("devices", info.name, state, info.title + memory + note, remedy)


def _optional() -> Iterator[Finding]:
    for module, purpose, remedy in (
        ("ray", "training on a cluster", 'pip install "paper-workbench[cluster]"'),
        ("pyspiel", "comparing speed with open_spiel", 'pip install "paper-workbench[peers]"'),
    ):
        if importlib.util.find_spec(module) is not None:
            yield Finding("optional", module, "ok", purpose)
        else:
            yield Finding("optional", module, "warning", f"not installed: no {purpose}", remedy)


_LOOKS: Final[tuple[tuple[str, Callable[[], Iterator[Finding]]], ...]] = (
    ("folders", _folders),
    ("runs", _runs),
    ("display", _display),
    ("audio", _audio),
    ("data", _data),
    ("weights", _weights),
    ("devices", _devices),
    ("optional", _optional),
)
