"""Every number a user may change in the Hex topic."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param

SHIPPED_THREE_HEAD = "hex-three-head"
SHIPPED_TWO_HEAD = "hex-two-head"


class SearchSpec(Spec):
    """Settings of one PV-MCTS (section 2 of the paper file); defaults play well interactively."""

    weights: str = param(SHIPPED_THREE_HEAD, "Name of shipped weights, or a .safetensors file.", group="Network")
    n0: int = param(
        10,
        "Visits a leaf needs before the network is called for it; 0 calls at once.",
        label="n₀",
        ge=0,
        le=1000,
        group="Search",
    )
    c_puct: float = param(
        1.5, "Weight of the prior in the selection score.", label="c puct", ge=0.0, le=20.0, group="Search"
    )
    batch: int = param(
        16, "Leaves gathered under virtual loss for one network call.", ge=1, le=512, group="Search", advanced=True
    )
    fpu: Literal["q", "parent", "zero"] = param(
        "q",
        "First-play value of an unvisited move: the q-head's, the parent's, or a draw.",
        group="Search",
        advanced=True,
    )
    use_q_leaf: bool = param(True, "A leaf below n0 visits backs up its stored q.", group="Search", advanced=True)
    noise: float = param(
        0.0, "Share of Dirichlet noise in the root's prior.", ge=0.0, le=1.0, group="Search", advanced=True
    )
    alpha: float = param(0.3, "Concentration of that noise.", gt=0.0, le=10.0, group="Search", advanced=True)
    gumbel: bool = param(
        False, "Gumbel root with sequential halving, for few simulations.", group="Search", advanced=True
    )
    average_rotation: bool = param(
        False, "Average the network over the board's rotation by 180°.", group="Network", advanced=True
    )


class EngineSpec(SearchSpec):
    """The live engine behind the board: analysis without end, hints and moves."""

    publish_hz: float = param(15.0, "Snapshots sent to the window.", ge=1.0, le=30.0, unit="1/s", advanced=True)
    cache_positions: int = param(200_000, "Evaluations kept between searches.", ge=0, le=5_000_000, advanced=True)


class ReviewSpec(SearchSpec):
    """Analysis of every position of a game."""

    size: int = param(11, "Board size.", ge=3, le=19, unit="cells")
    moves: str = param("", "Moves as on HexWorld, e.g. c1 :s b4.", group="Game")
    swap: Literal["none", "pieces", "sides"] = param("pieces", "Meaning of swap.", group="Game")
    simulations: int = param(200, "Simulations for each position.", ge=1, le=1_000_000, group="Search")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"simulations": 100}, "full": {"simulations": 2000}}


class DuelSpec(SearchSpec):
    """Two networks searching one position side by side."""

    size: int = param(9, "Board size.", ge=3, le=19, unit="cells")
    moves: str = param("", "Moves that lead to the position.", group="Game")
    rival_weights: str = param(SHIPPED_TWO_HEAD, "The network on the other side.", group="Network")
    rival_n0: int = param(
        0, label="Rival's n₀", help="Its n0 (a two-head network needs 0).", ge=0, le=1000, group="Search"
    )
    equal: Literal["calls", "simulations", "time"] = param("calls", "What both sides get the same of.")
    budget: int = param(200, "How much: network calls, simulations, or milliseconds.", ge=1, le=1_000_000)


class MatchSpec(DuelSpec):
    """Games between two networks, every opening played twice with colours exchanged."""

    openings: int = param(8, "Different first moves; each gives two games.", ge=1, le=361, group="Match")
    budget: int = param(100, "Per move: network calls, simulations, or milliseconds.", ge=1, le=1_000_000)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"size": 7, "openings": 5, "budget": 50},
        "full": {"size": 11, "openings": 50, "budget": 400},
    }


class OpeningsSpec(SearchSpec):
    """The swap map: the value of every opening move."""

    size: int = param(11, "Board size.", ge=3, le=19, unit="cells")
    simulations: int = param(100, "Simulations for each opening.", ge=1, le=100_000, group="Search")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"simulations": 50}, "full": {"simulations": 1000}}


class ExactSpec(Spec):
    """The solver behind the exact overlay. It has nothing to set."""


class SolveSpec(Spec):
    """Exact value of a small position and of each of its moves."""

    size: int = param(4, "Board size.", ge=2, le=7, unit="cells")
    moves: str = param("", "Moves that lead to the position.", group="Game")


class ExportSpec(Spec):
    """A network as a file for other programs."""

    weights: str = param(SHIPPED_THREE_HEAD, "Name of shipped weights, or a .safetensors file.", group="Network")
    to: str = param("", "The .onnx file to write; empty writes into the run's folder.", group="Network")


class TrainSpec(Spec):
    """The zero loop: self-play, sample window, training, promotion-free (section 2, "Zero loop")."""

    sizes: tuple[int, ...] = param((4,), "Board sizes that are played.", group="Network")
    grow: int = param(
        0,
        "Iterations after which the next size joins the first two; 0 starts with all.",
        ge=0,
        le=10_000,
        group="Network",
        advanced=True,
    )
    heads: Literal["three", "two"] = param("three", "Policy, value and q; or policy and value.", group="Network")
    blocks: int = param(4, "Residual blocks.", ge=1, le=40, group="Network")
    channels: int = param(32, "Filters of each convolution.", ge=4, le=512, group="Network")
    head_kind: Literal["pooled", "fc"] = param(
        "pooled",
        "Size-independent heads, or the paper's fully connected ones (one size only).",
        group="Network",
        advanced=True,
    )
    canonical: bool = param(
        True, "Show every position as if the mover joins top and bottom.", group="Network", advanced=True
    )
    twin: bool = param(
        False, "Also train a two-head network, on the same samples in the same order.", group="Network", advanced=True
    )
    start_from: str = param("", "Weights to start from instead of random ones.", group="Network", advanced=True)
    twin_from: str = param("", "The same for the two-head network.", group="Network", advanced=True)
    fixed_norm: bool = param(
        False,
        "Normalise by the starting weights' statistics instead of each batch's.",
        group="Network",
        advanced=True,
    )

    iterations: int = param(16, "Rounds of self-play and training.", ge=1, le=100_000, group="Loop")
    games: int = param(128, "Games played in each iteration, on each size.", ge=1, le=1_000_000, group="Loop")
    window: int = param(4, "Iterations whose samples are trained on.", ge=1, le=1000, group="Loop")
    epochs: float = param(
        4.0,
        "Samples trained on in each iteration, as a multiple of the window (duplicates counted).",
        gt=0,
        le=100,
        group="Loop",
    )
    batch: int = param(128, "Positions in a training step.", ge=8, le=65_536, group="Loop")
    optimiser: Literal["adam", "sgd"] = param(
        "adam", "Adam, or the paper's SGD with momentum 0.9.", group="Loop", advanced=True
    )
    rate: float = param(2e-3, "Learning rate.", gt=0, le=1, log=True, group="Loop")
    rate_decay: float = param(
        1.0, "Factor on the rate after each iteration (paper: 0.90).", gt=0, le=1, group="Loop", advanced=True
    )
    weight_decay: float = param(
        1e-4, "c of the paper's loss; not on batch-norm scales.", ge=0, le=1, log=True, group="Loss", advanced=True
    )

    lam_v: float = param(1.0, "Weight of (z − v)².", ge=0, le=10, group="Loss", label="λ value")
    lam_q: float = param(
        1.0, "Weight of (z + q(s,a))² on the played move.", ge=0, le=10, group="Loss", label="λ played q"
    )
    lam_all: float = param(
        1.0, "Weight of the AND term: all moves of a lost position lose.", ge=0, le=10, group="Loss", label="λ all q"
    )
    lam_pen: float = param(
        1.0, "Weight of the consistency penalty (min q + v)².", ge=0, le=10, group="Loss", label="λ consistency"
    )
    average_duplicates: bool = param(
        True, "Merge samples that lead to one board, averaging their results.", group="Loss", advanced=True
    )

    simulations: int = param(32, "Simulations for each self-play move.", ge=1, le=100_000, group="Self-play")
    n0: int = param(
        0, "Visits a leaf needs before the network is called for it.", label="n₀", ge=0, le=1000, group="Self-play"
    )
    gumbel: bool = param(False, "Gumbel root instead of PUCT with noise.", group="Self-play", advanced=True)
    c_puct: float = param(
        2.0, "Weight of the prior in the selection score.", label="c puct", ge=0, le=20, group="Self-play"
    )
    fpu: Literal["q", "parent", "zero"] = param(
        "q", "First-play value: q-head (three heads only), the parent's, or a draw.", group="Self-play", advanced=True
    )
    noise: float = param(0.25, "Share of Dirichlet noise at the root.", ge=0, le=1, group="Self-play")
    alpha: float = param(0.5, "Concentration of that noise.", gt=0, le=10, group="Self-play", advanced=True)
    sampled_moves: float = param(
        1 / 3, "Share of the board's cells after which moves are no longer sampled.", ge=0, le=1, group="Self-play"
    )
    random_moves: int = param(
        1,
        "Uniformly random moves that a game begins with, one up to so many (the paper: 1).",
        ge=1,
        le=10,
        group="Self-play",
        advanced=True,
    )
    parallel_games: int = param(128, "Games searched in lockstep.", ge=1, le=65_536, group="Self-play", advanced=True)
    actors: int = param(
        0, "Self-play workers on a Ray cluster; 0 plays here.", ge=0, le=1024, group="Self-play", advanced=True
    )
    cluster: str = param("", "Address of the Ray cluster; empty starts a local one.", group="Self-play", advanced=True)

    rescore: int = param(
        0,
        "Boards up to this size get results, winning moves and every move's q from the exact solver; 0 none.",
        ge=0,
        le=5,
        unit="cells",
        group="Perfect play",
        advanced=True,
    )
    exact_games: int = param(
        0, "Games in each iteration on those boards; 0 as on others.", ge=0, le=1_000_000, group="Perfect play",
        advanced=True,
    )  # fmt: skip
    defended: float = param(
        0.0,
        "Share of games there in which the solver defends for the side that its opening lost.",
        ge=0,
        le=1,
        group="Perfect play",
        advanced=True,
    )
    keep: float = param(
        0.0,
        "Share of the loss, on boards not rescored, that holds the network to the weights it started from.",
        ge=0,
        le=1,
        group="Perfect play",
        advanced=True,
    )

    arena_games: int = param(
        0, "Games against the previous checkpoint after each iteration, for Elo.", ge=0, le=10_000, group="Measure"
    )
    probes: int = param(
        600,
        "Random positions scored against the exact solution (boards up to 4×4, or those rescored).",
        ge=0,
        le=100_000,
        group="Measure",
        advanced=True,
    )
    minutes: float = param(
        0.0,
        "Ends after the iteration in which this time is over; 0 never.",
        ge=0,
        le=1e6,
        unit="min",
        group="Measure",
        advanced=True,
    )
    save_as: str = param(
        "", "File for the final weights; empty keeps them with the run only.", group="Measure", advanced=True
    )
    bfloat16: bool = param(
        False, "Run the layers in bfloat16: faster where the processor has it.", group="Run", advanced=True
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {},
        "full": {
            "sizes": (9,),
            "blocks": 10,
            "channels": 32,
            "games": 5000,
            "simulations": 200,
            "n0": 10,
            "parallel_games": 1024,
            "iterations": 40,
            "alpha": 0.06,
            "sampled_moves": 0.12,
        },
        "ship": {
            "sizes": (4, 5, 6, 7, 8, 9, 10, 11),
            "grow": 2,
            "blocks": 6,
            "channels": 48,
            "twin": True,
            "games": 64,
            "simulations": 128,
            "n0": 4,
            "parallel_games": 64,
            "window": 20,
            "epochs": 0.15,
            "rate_decay": 0.93,
            "alpha": 0.15,
            "sampled_moves": 0.15,
            "iterations": 30,
            "probes": 0,
            "bfloat16": True,
        },
        "ship-finish": {
            "sizes": (4, 5, 6, 7, 8, 9, 10, 11),
            "blocks": 6,
            "channels": 48,
            "twin": True,
            "start_from": SHIPPED_THREE_HEAD,
            "twin_from": SHIPPED_TWO_HEAD,
            "fixed_norm": True,
            "rescore": 5,
            "exact_games": 48,
            "defended": 1.0,
            "keep": 1.0,
            "games": 2,
            "simulations": 32,
            "n0": 4,
            "parallel_games": 64,
            "window": 20,
            "batch": 64,
            "epochs": 0.4,
            "rate": 1e-3,
            "rate_decay": 0.92,
            "lam_q": 4.0,
            "alpha": 0.15,
            "sampled_moves": 0.15,
            "iterations": 30,
            "probes": 0,
        },
    }

    def games_on(self, size: int) -> int:
        """Games of an iteration on this board."""
        return self.exact_games if self.exact_games and size <= self.rescore else self.games


class ProbeSpec(Spec):
    """One network's view of one position, without a search."""

    weights: str = param(SHIPPED_THREE_HEAD, "Name of shipped weights, or a .safetensors file.", group="Network")
    size: int = param(5, "Board size.", ge=2, le=19, unit="cells")
    moves: str = param("", "Moves that lead to the position.", group="Game")
