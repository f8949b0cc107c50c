"""What the stages beside the board have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel
    from workbench.runner import JobHandle


class Stage(QWidget):
    """A tab of the Hex panel with one job of its own, which the panel's Run button starts and stops."""

    run_text = "Run"

    def __init__(self, panel: HexPanel) -> None:
        super().__init__()
        self.panel = panel
        self.handle: JobHandle | None = None

    def start(self) -> None:
        """What Run does. Raises UserError when the settings do not fit."""
        raise NotImplementedError

    def show_snapshot(self, snapshot: Any) -> None:
        """Draw an intermediate or final picture."""

    def show_end(self, handle: JobHandle) -> None:
        """The job has ended, in whatever way."""

    def save_state(self) -> dict[str, Any]:
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take up what `save_state` said; ignore what does not fit."""

    def close_stage(self) -> None:
        """The window goes."""
        if self.handle is not None:
            self.handle.published.disconnect(self.show_snapshot)
            self.handle.ended.disconnect(self._ended)
            self.handle = None

    def take(self, handle: JobHandle) -> None:
        """Follow a job that was just started."""
        self.close_stage()
        self.handle = handle
        handle.published.connect(self.show_snapshot)
        handle.ended.connect(self._ended)

    def _ended(self, handle: JobHandle) -> None:
        if handle is self.handle:
            self.show_end(handle)
