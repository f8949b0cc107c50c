"""What the panel keeps between sessions, and how it is taken up again from a state of any age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel


def kept_state(panel: TransferPanel, unbuilt: dict[str, Any]) -> dict[str, Any]:
    """The state as JSON. unbuilt: states of tabs, by title, that were restored but not shown since."""
    return {
        "models": panel.form.models.selection(),
        "white_box": panel.choice.source,
        "source": panel.pools.source,
        "picture": panel.attack.pictures.index,
        "recipe": panel.recipe.save_state(),
        "experiment": panel.form.experiment.save_state(),
        "stages": {**unbuilt, **{title: view.save_state() for title, view in panel.built().items()}},
        "tab": panel.tabs.currentIndex(),
    }


def take_up(panel: TransferPanel, state: dict[str, Any]) -> None:
    """Take up what `kept_state` said; what does not fit is ignored."""
    white_box, models, source = state.get("white_box"), state.get("models"), state.get("source")
    if isinstance(models, list) and all(isinstance(name, str) for name in models):
        panel.form.models.set_selection(models)
    panel.choose_models(white_box if isinstance(white_box, str) else "")
    if isinstance(source, str) and source:
        panel.pools.set_source(source)
    picture, tab = state.get("picture"), state.get("tab")
    if isinstance(picture, int) and not isinstance(picture, bool):
        panel.want_picture(picture)
    panel.recipe.restore_state(state.get("recipe"))
    if isinstance(state.get("experiment"), dict):
        panel.form.experiment.restore_state(state["experiment"])
    stages = state.get("stages")
    if isinstance(stages, dict):
        panel.restore_stages(stages)
    if isinstance(tab, int) and not isinstance(tab, bool) and 0 <= tab < panel.tabs.count():
        panel.tabs.setCurrentIndex(tab)
