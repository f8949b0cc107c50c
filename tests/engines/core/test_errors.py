"""The two exceptions that are not bugs."""

from __future__ import annotations

import pickle

from engines.core.errors import Cancelled, UserError


def test_a_users_mistake_says_what_and_what_to_do() -> None:
    error = UserError("expected a size from 3 to 19, got 2", "choose a larger board")
    assert str(error) == "expected a size from 3 to 19, got 2 (choose a larger board)"
    assert str(UserError("no")) == "no"


def test_both_cross_a_process_boundary_whole() -> None:
    error = pickle.loads(pickle.dumps(UserError("what", "remedy")))
    assert (type(error), error.what, error.remedy) == (UserError, "what", "remedy")
    assert isinstance(pickle.loads(pickle.dumps(Cancelled())), Cancelled)


def test_a_cancelled_job_is_never_caught_as_a_users_mistake() -> None:
    assert not issubclass(Cancelled, UserError)
    assert not issubclass(UserError, Cancelled)
