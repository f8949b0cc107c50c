"""Hex Text Protocol: our engine for other programs (`main`), and theirs for us (`client`)."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engines.core.errors import UserError

if TYPE_CHECKING:
    from engines.hex.htp.players import Player


def main(argv: Sequence[str] | None = None) -> int:
    """The engine on standard input and output, for HexGui and other Hex programs. Returns the exit code."""
    asked = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    if sys.stdin is None or sys.stdout is None:
        logging.error("the engine speaks on standard input and output, which this program was started without")
        return 2
    from engines.hex.htp.players import Limits
    from engines.hex.htp.server import Server

    source, sink = sys.stdin.fileno(), sys.stdout.fileno()
    try:
        player = _player(asked)
        server = Server(
            player,
            # Not sys.stdin: a thread that waits inside its lock would abort our exit.
            lambda: os.read(source, 1 << 16),
            lambda data: _write_all(sink, data),
            size=asked.size,
            swap=asked.swap,
            limits=Limits(asked.simulations, asked.time),
            little_golem=asked.little_golem,
        )
    except UserError as error:
        logging.error("%s", error)
        return 2
    server.run()
    player.close()
    return 0


def _write_all(sink: int, data: bytes) -> None:
    while data:
        data = data[os.write(sink, data) :]


def _player(asked: argparse.Namespace) -> Player:
    if asked.player == "path":
        from engines.hex.htp.players import PathPlayer

        return PathPlayer()
    from engines.hex.htp.search_player import SearchPlayer
    from engines.hex.spec import SearchSpec

    given = {k: v for k in ("weights", "device", "n0", "seed") if (v := getattr(asked, k)) is not None}
    return SearchPlayer(SearchSpec.checked(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("paper-workbench htp", description=main.__doc__)
    add = parser.add_argument
    add("--weights", help="name of installed weights, or a .safetensors file")
    add("--device", help="auto, cpu, cuda, mps (default auto)")
    add("--n0", type=int, help="visits a leaf needs before the network is called for it")
    add("--seed", type=int, help="seed of noise and sampling")
    add("--size", type=int, default=11, help="cells on a side until boardsize says otherwise (default 11)")
    add("--time", type=float, default=5.0, help="seconds for a move, 0 for no limit (default 5)")
    add("--simulations", type=int, default=0, help="simulations for a move, 0 for no limit (default 0)")
    add("--swap", choices=("pieces", "sides", "none"), default="pieces", help="default pieces")
    add("--little-golem", action="store_true", help="write the bare word swap, as LittleGolem does")
    add("--player", choices=("search", "path"), default="search",
        help="search: the three-head network; path: a quick player that needs no network")  # fmt: skip
    return parser
