"""What the form and the desk ask of the composer: a request, and the same in a line of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engines.core.errors import UserError
from engines.piano.codec import encode, encode_melody
from engines.piano.notes import Notes
from engines.piano.requests import NO_TOKENS, ComposeRequest
from workbench.panels.piano.pieces import Piece
from workbench.panels.piano.settings import OPENING_S

if TYPE_CHECKING:
    from workbench.panels.piano.desk import Desk
    from workbench.panels.piano.panel import PianoPanel

TOKENS_PER_SECOND: Final = 200
"""No music needs more; a limit for a network that has gone astray."""


def request_of(panel: PianoPanel) -> ComposeRequest:
    """What the form asks for. Raises UserError when something is missing."""
    form = panel.form
    how = form.how.read()
    music = panel.music
    if music.is_awaited:
        raise UserError("a piece is still being opened", "try again when it is on the desk")
    card = form.card
    if card is None:
        raise UserError("there is no trained network yet", "train one in the tab “Training lab”")
    found = [panel.shelf.find(key) for key in form.style_keys if key]
    styles = [piece for piece in found if piece is not None]
    if "performance" in form.mode and not styles:
        raise UserError("no style is chosen", "choose a performance as style A")
    melody = encode_melody(music.melody) if music.melody is not None and "melody" in form.mode else None
    primer = primer_of(form.primer_kind, styles, panel.desk)
    return ComposeRequest(
        generation=0,
        weights=card.name,
        styles=tuple(piece.tokens for piece in styles),
        shares=form.shares[: len(styles)],
        melody=NO_TOKENS if melody is None else melody,
        primer=NO_TOKENS if primer is None else encode(primer),
        temperature=how.temperature,
        top_p=how.top_p,
        grammar=how.grammar,
        seed=how.seed,
        length=min(int(how.seconds * TOKENS_PER_SECOND), 20_000),
        seconds=how.seconds,
        variations=how.variations,
    )


def primer_of(kind: str, styles: list[Piece], desk: Desk) -> Notes | None:
    """The notes of style A to go on from, from 0 s; None for none. Raises UserError where no part is chosen."""
    if not kind or not styles:
        return None
    notes = styles[0].notes
    if kind == "opening":
        return notes.between(0.0, OPENING_S)
    region = desk.region
    if region is None:
        raise UserError("no part of the style is chosen", "drag over the style roll, or go on from something else")
    part = notes.between(region.start, region.end)
    part = part.take((part.pitch >= region.low) & (part.pitch <= region.high))
    if not len(part):
        raise UserError("the chosen part of the style holds no notes", "drag over some notes of the style roll")
    return part.shifted(-region.start)


def in_words(panel: PianoPanel) -> str:
    """The settings in a line."""
    form = panel.form
    parts = []
    if "performance" in form.mode:
        parts.append(form.style_a.currentText())
        if form.style_keys[1] and form.shares[1]:
            parts[-1] = (
                f"{form.shares[0]:.0%} {form.style_a.currentText()}, {form.shares[1]:.0%} {form.style_b.currentText()}"
            )
    if panel.music.melody is not None and "melody" in form.mode:
        parts.append("edited melody" if panel.music.drawn is not None else form.melody.currentText())
    how = form.how.spec()
    if how is not None:
        parts.append(f"temperature {how.temperature:g}, seed {how.seed}")
    return "; ".join(parts)
