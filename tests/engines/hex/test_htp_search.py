"""The real search behind the protocol: moves, network output, settings and interruption."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from engines.hex.evaluator import Evaluator
from engines.hex.htp.search_player import SearchPlayer
from engines.hex.nets import HexNet, NetConfig
from engines.hex.rules import parse_cell
from engines.hex.spec import SearchSpec
from tests.engines.hex.test_htp_server import Talk


def net_player(heads: str = "three") -> SearchPlayer:
    """A search with a small untrained network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = HexNet(NetConfig(1, 8, heads, "pooled", True, 0))
    return SearchPlayer(SearchSpec(), Evaluator(net, name="small"))


@pytest.fixture
def talk() -> Talk:
    talk = Talk(net_player(), size=4)
    talk.ask("param_mohex max_games 60")
    return talk


def test_the_network_plays_a_game_to_its_end(talk: Talk) -> None:
    text = talk.ask("play-game")
    assert text.rstrip().endswith(("B+", "W+")) and talk.game.winner
    assert talk.ask("genmove b") == "= resign\n\n"
    assert "(small)" in talk.ask("version")


def test_the_networks_output_is_q_in_the_papers_sign_and_the_rotation_agrees(talk: Talk) -> None:
    talk.ask("play b b2")
    rows = [row.split() for row in talk.ask("nn_evaluate").split("\n")[2:-2]]
    assert len(rows) == 15 and sum(float(row[2]) for row in rows) == pytest.approx(1, abs=1e-4)
    out = talk.server.session.player.network(talk.game)
    assert out.q is not None
    for cell, _, prior, _, q in rows:
        at = parse_cell(cell, 4)
        assert float(prior) == pytest.approx(out.prior[at], abs=1e-5)
        assert float(q) == pytest.approx(out.q[at], abs=1e-5)
    first, turned = (talk.ask(f"kata-raw-nn {symmetry}").split("\n") for symmetry in (0, 1))
    assert first[5:] != turned[5:] and [row.count("NAN") for row in first] == [row.count("NAN") for row in turned]
    white = float(first[2].split()[1])
    assert white == pytest.approx((out.value + 1) / 2, abs=1e-5)  # White is to move


def test_settings_have_mohex_names_and_a_bad_value_keeps_the_old(talk: Talk) -> None:
    assert "[string] expand_threshold 10\n" in talk.ask("param_mohex")
    assert talk.ask("param_mohex expand_threshold 0") == "= \n\n"
    assert talk.ask("kata-get-param n0") == "= 0\n\n"
    assert talk.ask("kata-set-param maxVisits 7") == "= \n\n"
    assert talk.server.session.state.limits.simulations == 7
    for bad in ("param_mohex expand_threshold -3", "param_mohex fpu perhaps", "kata-set-param gumbel 2",
                "param_mohex nothing 1", "nn_load no-such-weights"):  # fmt: skip
        assert talk.ask(bad).startswith("? "), bad
    assert talk.ask("kata-get-param n0") == "= 0\n\n" and talk.ask("kata-get-param fpu") == "= q\n\n"


def test_overlays_are_of_the_present_settings_and_cost_no_time(talk: Talk) -> None:
    talk.ask("time_settings 600 0 0")
    first = talk.ask("wb-visits")
    assert talk.ask("wb-visits") == first
    seen = talk.server.session.state.last
    talk.ask("param_mohex expand_threshold 0")
    assert talk.server.session.state.last is None
    talk.ask("wb-visits")
    assert talk.server.session.state.last is not seen
    assert "Black: 600," in talk.ask("time_left")


def test_simulations_are_a_limit_and_the_variation_stays_for_later(talk: Talk) -> None:
    talk.ask("play b a1")
    talk.ask("reg_genmove w")
    last = talk.server.session.state.last
    assert last is not None and 0 < last.simulations <= 60
    line = talk.ask("mohex-get-pv").split()[1:]
    assert line and parse_cell(line[0], 4) == last.lines[0][0]
    visits = dict(zip(*[iter(talk.ask("wb-visits").split()[1:])] * 2, strict=True))
    assert sum(map(int, visits.values())) == last.visits.sum()
    head = dict(zip(*[iter(talk.ask("wb-qhead").split()[1:])] * 2, strict=True))
    assert len(head) == 15 and all(0 <= float(value) <= 1 for value in head.values())


def test_an_interrupt_plays_what_is_best_so_far(talk: Talk) -> None:
    talk.ask("boardsize 9")
    talk.ask("param_mohex max_games 0")
    talk.ask("param_mohex max_time 100")
    talk.ask("play b e5")
    began = time.monotonic()
    talk.server.session.broken_off = lambda: time.monotonic() > began + 0.2
    text = talk.ask("genmove w")
    assert text.startswith("= ") and time.monotonic() - began < 20
    assert len(talk.game.turns) == 2


def test_a_network_with_two_heads_shows_no_q() -> None:
    talk = Talk(net_player("two"), size=4)
    assert " q " not in talk.ask("nn_evaluate") and "\nq\n" not in talk.ask("kata-raw-nn")
    talk.ask("param_mohex max_games 20")
    assert talk.ask("wb-qhead") == "= \n\n"
    assert np.isnan(talk.server.session.state.last.q_head).all()  # type: ignore[union-attr]
