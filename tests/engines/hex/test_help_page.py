"""The help page against the program that it describes, and the numbers that are put into it."""

from __future__ import annotations

import re

from engines.core.claims import report
from engines.core.measured import BEGIN, END, claims_table, fill
from engines.core.paths import resources_folder
from engines.hex.claims import CLAIMS, judge
from engines.hex.htp import _parser
from engines.hex.htp.server import COMMANDS
from engines.hex.spec import TrainSpec
from tests.engines.hex.test_claims import GOOD

PAGE = (resources_folder() / "help" / "hex.md").read_text(encoding="utf-8")


def test_every_option_and_command_that_the_page_names_exists() -> None:
    known = {option for action in _parser()._actions for option in action.option_strings}
    own = set(re.findall(r"--[a-z][a-z0-9-]*", PAGE.split("| option | meaning |")[1].split("Commands:")[0]))
    assert own and own <= known
    listed = PAGE.split("Commands: those of GTP and HexGui")[1].split("`list_commands`")[0]
    words = {word for group in re.findall(r"\(([^)]*)\)", listed) for word in re.split(r"[,\s]+", group)}
    assert words and words <= set(COMMANDS)


def test_the_page_names_the_loss_terms_as_the_form_does() -> None:
    labels = [view.label for view in TrainSpec.views() if view.name.startswith("lam_")]
    assert labels and all(label in PAGE for label in labels)


def test_the_page_holds_no_promise_of_numbers_to_come() -> None:
    assert not re.search(r"TODO|TBD|to be filled|XX|\?\?\?", PAGE)
    assert PAGE.count(BEGIN) == PAGE.count(END) == 1


def test_claims_are_written_with_their_notes_and_again_over_the_old_ones() -> None:
    claims = report("hex", judge([GOOD, GOOD, GOOD]))
    once = fill(PAGE, [claims])
    assert fill(once, [claims]) == once and fill(once, []) == fill(PAGE, [])
    between = once.split(BEGIN)[1].split(END)[0]
    assert between.count("| reproduced |") == len(CLAIMS)
    assert all(f"- **{claim.id}** " in between for claim in CLAIMS)
    assert once.split(BEGIN)[0] == PAGE.split(BEGIN)[0]


def test_a_claim_that_was_not_run_shows_no_number() -> None:
    row = report("hex", [])["claims"][0]
    assert claims_table([row]).splitlines()[2].endswith("| not available |  |  |  | not run |")
