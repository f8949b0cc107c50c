"""Pictures for the vision panels: what the source picker offers, fetching it, and loading it for the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from engines.core import data
from engines.core.errors import UserError
from engines.vision.images import SOURCES, Pool, best_source, from_pixels
from engines.vision.jobs.pictures import FetchSpec, PoolSpec
from workbench.widgets.basics import sentence
from workbench.widgets.source_picker import DRAWING, Source, SourcePicker

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle
    from workbench.runner.messages import Progress

Shape = tuple[int, int, int]
GREY: Final[Shape] = (1, 28, 28)
SHOWN: Final = 200
"""Pictures that are loaded for galleries; experiments take as many as their own settings say."""


def sources() -> list[Source]:
    """Every set that fits image networks, with its state on this machine."""
    found = []
    for name in SOURCES:
        state = data.status(name)
        entry = state.entry
        hint = ""
        if state.state in ("missing", "partial") and not entry.downloadable:
            hint = f"Put its files into a data folder (Settings); see {entry.page}"
        found.append(Source(name, entry.title, state.state, entry.size, entry.downloadable, hint))
    return found


class Pools(QObject):
    """Keeps a `SourcePicker` and the pictures of its choice together.

    loaded(Pool): pictures of the chosen source in the shape that was set, also a drawing. failed(str): why there are
    none. loading(): a load has begun. Loading and fetching are jobs ("vision.pool", "vision.fetch").

    own: which sources of the user's the picker offers. count: pictures that are loaded.
    """

    loaded = Signal(object)
    failed = Signal(str)
    loading = Signal()

    def __init__(self, panel: Panel, picker: SourcePicker, shape: Shape = GREY, count: int = SHOWN) -> None:
        super().__init__(panel)
        self._panel, self.picker, self._count = panel, picker, count
        self.shape = shape
        self.pool: Pool | None = None
        self._wanted = ""
        self._opening: Path | None = None
        self._job: JobHandle | None = None
        self._fetch: JobHandle | None = None
        picker.set_sources(sources())
        picker.set_source(best_source(shape))
        picker.source_changed.connect(lambda _: self.load())
        picker.drawn.connect(self._drawn)
        picker.fetch_requested.connect(self.fetch)
        picker.fetch_stop_requested.connect(self._stop_fetch)

    @property
    def source(self) -> str:
        """What a spec's `data` says for the choice: a set's name or a path. A drawing is none; see `for_spec`."""
        return self.picker.source

    def for_spec(self) -> str:
        """The source as an experiment's `data`. Raises UserError where it cannot be one."""
        if self.picker.source == DRAWING:
            raise UserError("an experiment needs more pictures than one drawing", "choose a data set or a folder")
        if not self.picker.is_ready():
            raise UserError(f"{self.picker.why_not()}", "fetch it, or choose another source")
        return self.picker.source

    def set_shape(self, shape: Shape) -> None:
        """Load pictures for models of this input (C, H, W), the best source for it where the chosen one is the best
        for the other."""
        if shape == self.shape:
            return
        was_best = self.picker.source == best_source(self.shape)
        self.shape = shape
        if was_best:
            self.picker.set_source(best_source(shape))
        self.load()

    def set_source(self, source: str) -> None:
        """Choose a source as if the user had, and load it."""
        self.picker.set_source(source)
        self.load()

    def accepts(self, path: Path) -> bool:
        """Whether it may be a folder of pictures or a picture."""
        from engines.core.data.pictures import SUFFIXES

        return path.is_dir() or path.suffix.lower() in SUFFIXES

    def open_path(self, path: Path) -> None:
        """Take a folder or picture that was dropped. Raises UserError where it is neither."""
        if not path.exists():
            raise UserError(f"there is no {path}", "choose it again")
        self.set_source(str(path))
        self._opening = path
        self._panel.opens_later(path)

    def load(self) -> None:
        """Load the chosen source; an older load is not wanted any more."""
        self._forget_job()
        if self.picker.source == DRAWING:
            self._drawn(self.picker.pad.pixels())
            return
        if not self.picker.is_ready():
            return
        colours, height, width = self.shape
        spec = PoolSpec(data=self.picker.source, colours=colours, height=height, width=width, images=self._count)
        self._wanted = self.picker.source
        self.picker.show_problem("")
        self.picker.show_remark("")
        self._panel.messages.withdraw("pictures")  # another source was chosen
        self._job = self._panel.services.runner.submit("vision.pool", spec, lane="interactive", record=False)
        self._job.ended.connect(self._ended)
        self.loading.emit()

    def fetch(self, name: str) -> None:
        """Download a set; what is under way already goes on."""
        if self._fetch is not None:
            return
        self._fetch = self._panel.services.runner.submit("vision.fetch", FetchSpec(name=name), record=False)
        self.picker.set_fetching(name, 0, 0)
        self._fetch.progressed.connect(self._fetching)
        self._fetch.ended.connect(self._fetched)

    def close(self) -> None:
        """End loading and fetching; what has arrived of a set is kept."""
        self._forget_job()
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            fetch.progressed.disconnect(self._fetching)
            fetch.ended.disconnect(self._fetched)
            fetch.cancel()

    # -- inside -----------------------------------------------------------------------------------------------

    def _forget_job(self) -> None:
        job, self._job = self._job, None
        self._opening = None
        if job is not None:
            job.ended.disconnect(self._ended)
            job.cancel()

    def _ended(self, handle: JobHandle) -> None:
        if handle is not self._job:
            return
        self._job = None
        handle.ended.disconnect(self._ended)
        opening, self._opening = self._opening, None
        if handle.state == "done":
            self.pool = handle.result
            skipped = self.pool.skipped
            self.picker.show_remark(" ".join(self.pool.notes))
            if skipped:
                self.picker.show_problem(f"{len(skipped)} left out, such as {skipped[0]}")
            self.loaded.emit(self.pool)
            if opening is not None:
                self._panel.was_opened(opening)
        elif handle.error is not None:
            said = f"{sentence(handle.error.what)} {sentence(handle.error.remedy)}".strip()
            self.picker.show_problem(said)
            # The settings may be hidden, and the pictures from before are still there.
            self._panel.show_message(handle.error.what, "error", handle.error.remedy, cause="pictures")
            self.failed.emit(said)
            if opening is not None:
                self._panel.was_not_opened(opening)

    def _drawn(self, pixels: np.ndarray) -> None:
        try:
            image = from_pixels(pixels, self.shape)
        except UserError:
            return  # nothing is drawn yet
        self.pool = Pool(image[None], np.array([-1], np.int64), (), ("drawing",), DRAWING)
        self.loaded.emit(self.pool)

    def _fetching(self, progress: Progress) -> None:
        if self._fetch is not None and not isinstance(self._fetch.spec, dict):
            self.picker.set_fetching(self._fetch.spec.name, int(progress.done), int(progress.total))  # type: ignore[attr-defined]

    def _stop_fetch(self, _name: str) -> None:
        if self._fetch is not None:
            self._fetch.cancel()

    def _fetched(self, handle: JobHandle) -> None:
        self._fetch = None
        handle.progressed.disconnect(self._fetching)
        handle.ended.disconnect(self._fetched)
        problem = ""
        if handle.error is not None:
            problem = f"{sentence(handle.error.what)} {sentence(handle.error.remedy)}".strip()
        elif handle.state != "done":
            problem = "Stopped; what has arrived is kept, and fetching goes on from there."
        self.picker.set_sources(sources())
        self.picker.end_fetching(problem)
        if handle.state == "done":
            self.load()
