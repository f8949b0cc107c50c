"""Check 1 of paper file 08b, section 9: every optional package absent or broken, the whole panel in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BLOCKED = ("sounddevice", "symusic", "mido", "pretty_midi", "rtmidi", "fluidsynth", "music21", "note_seq")
_WORK = """
    import json, sys, time
    from pathlib import Path
    folder, kind = Path(sys.argv[1]), sys.argv[2]

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in BLOCKED:
                raise OSError("a library is missing") if kind == "OSError" else ImportError(f"No module named {name!r}")

    sys.meta_path.insert(0, Blocker())
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication
    app = QApplication([])
    from engines.core.errors import UserError
    from engines.piano import library
    from engines.piano.midi import read_midi, write_midi
    from workbench.app import make_services
    from workbench.audio.midi_keyboard import keyboards
    from workbench.audio.midi_out import outputs
    from workbench.main_window import MainWindow
    from workbench.panels.registry import PANELS
    from workbench.session import Session
    from workbench.settings import Settings
    from workbench.theme import Theme

    def until(done):
        end = time.monotonic() + 60
        while not done():
            app.processEvents()
            time.sleep(0.002)
            assert time.monotonic() < end, "it never came"

    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    theme.apply()
    only = tuple(info for info in PANELS if info.topic == "piano")
    window = MainWindow(theme, Settings(autosave_s=0), Session(), panels=only)
    window.show()
    services = make_services(window, inline=True)
    window.attach(services)
    services.runner.start_lanes()
    window.show_panel("piano")
    panel, said = window.panel("piano"), {"output": [], "instrument": []}
    player, status = panel.player, panel.desk.bar.status
    player.output_changed.connect(lambda name, reason: said["output"].append(reason))
    player.instrument_changed.connect(lambda name, remarks: said["instrument"].append([name, *remarks]))
    until(lambda: player.duration > 1 and said["output"])
    player.play()
    until(lambda: player.position > 1.0)
    said["status"] = status.text()
    player.press(60)
    until(lambda: player.transport.voices.count > 0)
    player.release(60)
    done = []
    player.exported.connect(done.append)
    player.export(folder / "a.wav", "style", end_s=2.0)
    until(lambda: done)
    write_midi(folder / "a.mid", library.item("waltz").notes)
    said["notes"] = len(read_midi(folder / "a.mid").notes)
    for name, ask in (("keyboards", keyboards), ("outputs", outputs)):
        try:
            ask()
        except UserError as error:
            said[name] = [error.what, error.remedy]
    panel.desk.bar.sound.fill()
    said["menu"] = [action.text() for action in panel.desk.bar.sound.midi.actions()]
    said["wav"] = (folder / "a.wav").stat().st_size
    said["loaded"] = [name for name in BLOCKED if name in sys.modules]
    window.settings.confirm_close = False
    window.close()
    print(json.dumps(said))
"""


@pytest.mark.parametrize("kind", ["absent", "OSError"])
def test_check_1_with_every_optional_package_blocked_all_works_and_each_reason_is_said_once(
    tmp_path: Path, kind: str
) -> None:
    code = f"BLOCKED = {BLOCKED!r}\n" + textwrap.dedent(_WORK)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), kind],
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": str(tmp_path / "home")},
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert said["loaded"] == []
    assert len(said["output"]) == 1 and said["status"].count(said["output"][0]) == 1
    assert len(said["instrument"]) == 1
    instrument, *remarks = said["instrument"][0]
    assert instrument == "Built-in piano" and len(remarks) == 1 and "pip install pretty_midi" in remarks[0]
    assert said["notes"] > 20 and said["wav"] == 44 + 2 * 44_100 * 4
    for name in ("keyboards", "outputs"):
        what, remedy = said[name]
        assert "python-rtmidi" in what and "pip install" in remedy
    assert len(said["menu"]) == 3 and "python-rtmidi" in said["menu"][1]
