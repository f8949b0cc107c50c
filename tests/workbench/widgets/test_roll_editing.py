"""Editing a melody: one note at a time, drags are one step, and every step goes back and forth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.workbench.widgets.music import notes_of
from workbench.widgets.roll_editing import MelodyDraft, same_notes
from workbench.widgets.roll_notes import RollNotes


@pytest.fixture
def draft() -> MelodyDraft:
    return MelodyDraft(notes_of((0, 1, 60, 100), (1, 2, 62, 100), (3, 4, 64, 100)))


def rows(draft: MelodyDraft) -> list[tuple[float, float, int]]:
    notes = draft.notes
    return [(round(a, 6), round(b, 6), int(p)) for a, b, p in zip(notes.start, notes.end, notes.pitch, strict=True)]


def test_a_new_note_cuts_what_it_covers(draft: MelodyDraft) -> None:
    at = draft.add(0.5, 1.5, 70)
    assert rows(draft) == [(0, 0.5, 60), (0.5, 1.5, 70), (1.5, 2, 62), (3, 4, 64)]
    assert at == 1
    draft.add(0.0, 5.0, 72)
    assert rows(draft) == [(0, 5, 72)]


def test_a_note_inside_another_keeps_the_head_of_it(draft: MelodyDraft) -> None:
    draft.add(3.2, 3.4, 50)
    assert rows(draft)[2:] == [(3, 3.2, 64), (3.2, 3.4, 50)]


def test_a_drag_is_one_step_and_what_it_passed_comes_back(draft: MelodyDraft) -> None:
    before = draft.notes
    draft.hold()
    for shift in (0.5, 1.5, 2.9, 2.0):
        at = draft.move(0, shift, 3)
    assert rows(draft) == [(1, 2, 62), (2, 3, 63), (3, 4, 64)]
    assert at == 1
    assert draft.drop()
    assert draft.undo()
    assert same_notes(draft.notes, before)
    assert not draft.can_undo
    assert draft.redo()
    assert rows(draft)[1] == (2, 3, 63)


def test_a_drag_back_to_where_it_was_is_no_step(draft: MelodyDraft) -> None:
    draft.hold()
    draft.move(0, 0.4, 0)
    draft.move(0, 0.0, 0)
    assert not draft.drop()
    assert not draft.can_undo
    draft.hold()
    draft.move(0, 0.4, 0)
    draft.give_up()
    assert rows(draft)[0] == (0, 1, 60)
    assert not draft.drop()


def test_ends_move_and_leave_a_step_of_the_grid(draft: MelodyDraft) -> None:
    draft.set_end(0, -3.0)
    assert rows(draft)[0] == (0, 0.1, 60)
    draft.set_start(1, 9.0)
    assert rows(draft)[1] == (1.9, 2, 62)
    draft.move(0, -5.0, -100)
    assert rows(draft)[0] == (0, 0.1, 21)


def test_removing_and_a_new_edit_after_undo(draft: MelodyDraft) -> None:
    draft.remove(np.array([0, 2]))
    assert rows(draft) == [(1, 2, 62)]
    draft.remove(np.array([], int))
    draft.undo()
    draft.add(5, 6, 60)
    assert not draft.can_redo
    assert not draft.redo()


def test_times_snap_to_the_grid(draft: MelodyDraft) -> None:
    assert draft.snapped(1.26) == pytest.approx(1.3)
    assert draft.snapped(-2) == 0
    draft.grid = 0
    assert draft.snapped(1.26) == 1.26


HOW = ("move", "end", "start")


class Edits(RuleBasedStateMachine):
    """Whatever is done, one note sounds at a time, and undo leads back to the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.draft = MelodyDraft(RollNotes.empty())

    @rule(start=st.floats(0, 20), length=st.floats(0, 3), pitch=st.integers(0, 127))
    def add(self, start: float, length: float, pitch: int) -> None:
        at = self.draft.add(start, start + length, pitch)
        assert self.draft.notes.start[at] == start

    @rule(
        data=st.data(),
        by=st.floats(-5, 5),
        semitones=st.integers(-30, 30),
        what=st.sampled_from(HOW),
    )
    def change(self, data: st.DataObject, by: float, semitones: int, what: str) -> None:
        if len(self.draft.notes):
            k = data.draw(st.integers(0, len(self.draft.notes) - 1))
            if what == "move":
                self.draft.move(k, by, semitones)
            elif what == "end":
                self.draft.set_end(k, float(self.draft.notes.end[k]) + by)
            else:
                self.draft.set_start(k, float(self.draft.notes.start[k]) + by)

    @rule()
    def undo_all(self) -> None:
        last = self.draft.notes
        steps = 0
        while self.draft.undo():
            steps += 1
        assert len(self.draft.notes) == 0 or steps == 200
        for _ in range(steps):
            assert self.draft.redo()
        assert same_notes(self.draft.notes, last)

    @invariant()
    def one_at_a_time(self) -> None:
        notes = self.draft.notes
        assert (notes.end > notes.start).all()
        assert (notes.end[:-1] <= notes.start[1:] + 1e-9).all()
        assert not len(notes) or (notes.start.min() >= 0 and notes.pitch.min() >= 21 and notes.pitch.max() <= 108)


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
