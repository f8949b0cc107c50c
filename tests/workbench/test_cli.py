"""The command line: what each command prints, and how it ends for good and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core import bench, claims, job, paths
from engines.core.errors import UserError
from engines.core.job import JobContext
from engines.core.store import Store
from tests.engines.core import test_execute
from workbench import cli, doctor
from workbench.cli.job_commands import parse_settings

ROOT = Path(__file__).resolve().parents[2]
Commands = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Commands:
    """Carry out a command in this process: its exit code, standard output and standard error."""

    def carry_out(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return carry_out


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A topic "probe" with the job probe.sum, for this test only."""
    monkeypatch.setattr(job, "_jobs", dict(job._jobs))
    monkeypatch.setattr(job, "TOPICS", job.TOPICS)
    for name in ("engines.probe", "engines.probe.jobs"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    test_execute.register()
    yield


# -- the whole


def test_help_names_every_command_of_the_design(command: Commands) -> None:
    code, said, _ = command("--help")
    assert code == 0
    for name in ("tour", "run", "claims", "bench", "htp", "data", "models", "doctor"):
        assert f" {name} " in said


def test_the_version_is_said(command: Commands) -> None:
    import engines

    assert command("--version") == (0, f"paper-workbench {engines.__version__}\n", "")


@pytest.mark.parametrize(
    "code",
    [
        "from workbench.cli import main; main(['--help'])",
        "from workbench.cli import main; main(['models', 'list'])",
        "from workbench.cli import main; main(['data', 'list'])",
        "from workbench.cli import main; main(['runs'])",
        "import workbench.app",
    ],
)
def test_neither_help_nor_lists_nor_the_windows_start_import_torch(code: str) -> None:
    heavy = "{'torch', 'ray', 'sklearn', 'pyspiel', 'safetensors'}"
    script = f"import sys\n{code}\nsys.exit(repr({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_without_a_command_the_window_opens_before_anything_of_the_command_line_is_imported() -> None:
    script = (
        "import sys; from types import ModuleType\n"
        "app = ModuleType('workbench.app'); seen = []\n"
        "def show(argv): seen[:] = [argv, {'typer', 'rich', 'torch'} & set(sys.modules)]; return 7\n"
        "app.main = show; sys.modules['workbench.app'] = app\n"
        "from workbench.cli import main\n"
        "assert main([]) == 7; assert seen == [[], set()], seen\n"
        "assert main([sys.argv[1]]) == 7; assert seen[0] == [sys.argv[1]]\n"
        "assert main(['--lanes', 'inline']) == 7; assert seen[0] == ['--lanes', 'inline']\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, __file__], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("--bogus",),
        ("run", "nothing.here"),
        ("run", "hex.sing"),
        ("run", "hex.train", "--preset", "huge"),
        ("run", "hex.train", "--set", "iterations"),
        ("run", "hex.train", "--set", "iterations=0"),
        ("run", "hex.train", "--set", "nonsense=1"),
        ("run", "hex.train", "--set", "blocks=1", "--set", "blocks=2"),
        ("run", "hex.train", "--resume", "20000101-no-such-run"),
        ("run", "hex.engine"),
        ("claims", "nothing"),
        ("claims", "hex", "--seeds", "0"),
        ("claims", "hex", "--seeds", "many"),
        ("claims", "hex", "--preset", "huge"),
        ("claims",),
        ("bench", "nothing"),
        ("data", "fetch", "nothing"),
        ("data", "verify", "nothing"),
        ("data", "bogus"),
        ("models", "show", "nothing"),
        ("runs", "--status", "asleep"),
        ("--data-dir", "/nowhere/at/all", "data", "list"),
        ("--lanes", "sideways"),
    ],
)
def test_bad_input_ends_with_code_2_and_a_sentence_not_a_traceback(
    command: Commands, arguments: tuple[str, ...]
) -> None:
    code, said, complained = command(*arguments)
    assert code == 2
    assert complained.strip()
    assert "Traceback" not in said + complained


@pytest.mark.parametrize(
    "arguments",
    [("run", "hex.sing"), ("claims", "nothing"), ("bench", "nothing"), ("models", "show", "nothing")],
)
def test_bad_input_is_json_where_json_was_asked_for(command: Commands, arguments: tuple[str, ...]) -> None:
    code, said, complained = command(*arguments, "--json")
    assert (code, complained) == (2, "")
    assert json.loads(said)["error"]["what"]


def test_a_bug_ends_with_code_1_and_its_details(command: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("engines.core.weights.list_weights", broken)
    code, _, complained = command("models", "list")
    assert code == 1
    assert "ZeroDivisionError: a bug" in complained
    code, said, _ = command("models", "list", "--json")
    assert code == 1
    assert "ZeroDivisionError" in json.loads(said)["error"]["details"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["models", "list"], 0),
        (["models", "list", "--json"], 0),
        (["run"], 0),
        (["bogus"], 2),
        (["run", "hex.sing"], 2),
    ],
)
def test_it_works_without_standard_streams_as_in_a_frozen_window(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(arguments) == code


# -- run


def test_run_without_a_job_lists_them_without_live_sessions(command: Commands) -> None:
    code, said, _ = command("run", "--json")
    names = [row["name"] for row in json.loads(said)["jobs"]]
    assert code == 0
    assert "hex.train" in names
    assert "hex.engine" not in names
    assert "hex.train" in command("run")[1]


def test_fields_shows_each_setting_with_value_range_and_help(command: Commands, probe: None) -> None:
    code, said, _ = command("run", "probe.sum", "--fields", "--json")
    fields = {row["name"]: row for row in json.loads(said)["fields"]}
    assert code == 0
    assert fields["steps"] == {
        "name": "steps",
        "kind": "int",
        "value": 6,
        "range": "0 … 10000",
        "unit": "",
        "help": "Steps.",
    }
    assert fields["trouble"]["range"] == "none, user, bug, exit"


def test_run_writes_result_tables_and_artifacts(command: Commands, probe: None, tmp_path: Path) -> None:
    code, said, _ = command("run", "probe.sum", "--set", "steps=4", "--out", str(tmp_path / "out"), "--json")
    assert code == 0
    answer = json.loads(said)
    assert (answer["job"], answer["status"], answer["resumed"]) == ("probe.sum", "done", False)
    assert answer["result"] == {"total": 6, "begun": 0, "sums": [0, 1, 3, 6]}
    stored = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert stored["result"] == answer["result"]
    assert stored["spec"]["steps"] == 4
    assert (tmp_path / "out" / "note.txt").is_file()
    assert (tmp_path / "out" / "tables" / "result.csv").read_text(encoding="utf-8") == "total,begun\n6,0\n"


def test_run_says_the_figures_and_keeps_the_run(command: Commands, probe: None) -> None:
    code, said, _ = command("run", "probe.sum", "--set", "steps=4")
    assert code == 0
    assert "total" in said
    code, said, _ = command("runs", "--json")
    (row,) = json.loads(said)["runs"]
    assert (row["job"], row["status"], row["metrics"]) == ("probe.sum", "done", {"total": 6, "begun": 0})


def test_a_mistake_that_shows_only_in_the_job_is_bad_input_too(command: Commands, probe: None) -> None:
    code, _, complained = command("run", "probe.sum", "--set", "trouble=user")
    assert code == 2
    assert "expected another wish" in complained
    assert "wish again" in complained


def test_a_failed_run_goes_on_with_resume(command: Commands, probe: None) -> None:
    assert command("run", "probe.sum", "--set", "trouble=bug")[0] == 1
    (row,) = json.loads(command("runs", "--json")[1])["runs"]
    assert (row["status"], row["resumable"]) == ("failed", True)
    assert command("run", "probe.sum", "--resume", row["run"], "--set", "steps=9")[0] == 2
    code, said, _ = command("run", "probe.sum", "--resume", row["run"], "--json")
    answer = json.loads(said)
    assert (code, answer["resumed"], answer["result"]["begun"], answer["result"]["total"]) == (0, True, 3, 15)
    assert command("run", "probe.sum", "--resume", row["run"])[0] == 2


def test_an_out_folder_that_cannot_be_written_is_said_and_the_run_is_kept(
    command: Commands, probe: None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    code, _, complained = command("run", "probe.sum", "--out", str(tmp_path / "file"))
    assert code == 2
    assert "cannot be written" in complained
    assert json.loads(command("runs", "--json")[1])["runs"][0]["status"] == "done"


SLOW_RUN = """
import sys
from tests.engines.core.test_execute import register
register()
from workbench.cli import main
sys.exit(main(["run", "probe.sum", "--set", "steps=10000", "--set", "pause_ms=2", *sys.argv[1:]]))
"""


def a_run_under_way(*arguments: str) -> subprocess.Popen[str]:
    """A process with a long run, past its first checkpoint."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_RUN, *arguments],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "1/10000" in process.stderr.readline()
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise on Windows")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_run_cleanly_and_says_how_to_go_on(
    number: signal.Signals, command: Commands, probe: None
) -> None:
    with a_run_under_way() as process:
        process.send_signal(number)
        _, complained = process.communicate(timeout=60)
    assert process.returncode == 130
    store = Store()
    (record,) = store.runs()
    assert record.status == "cancelled"
    assert f"paper-workbench run probe.sum --resume {record.id}" in complained
    assert store.load_checkpoint(record.id) is not None
    store.close()
    assert "Traceback" not in complained


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_a_killed_run_is_listed_as_interrupted_and_resumable(command: Commands, probe: None) -> None:
    with a_run_under_way() as process:
        process.kill()
    (row,) = json.loads(command("runs", "--json")[1])["runs"]
    assert (row["status"], row["resumable"]) == ("interrupted", True)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text().map(str.strip), max_size=4))
def test_settings_are_read_whatever_stands_behind_the_first_equals_sign(wanted: dict[str, str]) -> None:
    assert parse_settings([f"{name}={value}" for name, value in wanted.items()]) == wanted


@given(st.lists(st.text()))
def test_any_settings_are_read_or_refused_as_the_users_mistake(texts: list[str]) -> None:
    try:
        parsed = parse_settings(texts)
    except UserError as error:
        assert "--set" in error.what
    else:
        assert len(parsed) == len(texts)


# -- claims and bench


@pytest.fixture
def probe_claims(probe: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Two claims of the topic "probe": "a" is measured, "b" only at the full preset."""
    module: Any = ModuleType("engines.probe.claims")
    module.CLAIMS = (
        claims.Claim("a", "It adds up.", paper="15", measure="the sum", expected="15"),
        claims.Claim("b", "It is fast."),
    )

    def run_claims(preset: str, seeds: tuple[int, ...], ctx: JobContext) -> list[claims.ClaimResult]:
        values = [15.0 + seed for seed in seeds]
        first = claims.measured("a", values, "reproduced", shown="{:.1f}", sums=float(len(values)))
        ctx.publish(first)
        ctx.check()
        return [first] if preset == "quick" else [first, claims.measured("b", [1.0], "partly")]

    module.run_claims = run_claims
    monkeypatch.setitem(sys.modules, "engines.probe.claims", module)
    return module


def test_claims_are_json_with_paper_ours_spread_seeds_and_verdict(
    command: Commands, probe_claims: ModuleType, tmp_path: Path
) -> None:
    code, said, _ = command("claims", "probe", "--seeds", "3", "--json", "--out", str(tmp_path))
    report = json.loads(said)
    assert code == 0
    assert report["topic"] == "probe"
    first, second = report["claims"]
    assert first["id"] == "a"
    assert (first["claim"], first["paper"], first["ours"]) == ("It adds up.", "15", "16.0")
    assert (first["seeds"], first["spread"], first["verdict"]) == (3, 1.0, "reproduced")
    assert (first["values"], first["figures"]) == ([15.0, 16.0, 17.0], {"sums": 3.0})
    assert (second["verdict"], second["ours"], second["seeds"]) == ("not run", None, 0)
    assert json.loads((tmp_path / "claims-probe.json").read_text(encoding="utf-8")) == report


def test_claims_are_a_table_for_people(command: Commands, probe_claims: ModuleType) -> None:
    code, said, _ = command("claims", "probe", "--preset", "full")
    assert code == 0
    assert "It adds up." in said
    assert "reproduced" in said
    assert "partly" in said


def test_a_stop_keeps_the_claims_that_were_measured(probe_claims: ModuleType) -> None:
    context = job.LocalContext()
    results, complete = claims.run_claims("probe", "full", 2, on_result=lambda result: context.cancel(), ctx=context)
    assert not complete
    assert [(r.id, r.verdict) for r in results] == [("a", "reproduced"), ("b", "not run")]


def test_a_verdict_that_does_not_exist_and_a_claim_without_values_are_bugs() -> None:
    with pytest.raises(ValueError, match="verdict"):
        claims.ClaimResult("a", "1", "sort of")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one value"):
        claims.measured("a", [], "reproduced")
    assert claims.measured("a", [2.0], "partly").spread is None


def test_a_topic_without_claims_is_said(probe: None) -> None:
    with pytest.raises(UserError, match="no claims"):
        claims.claims_of("probe")


def test_the_claims_of_every_topic_are_declared_and_different() -> None:
    declared = claims.claims_of("hex")
    assert {"a", "b", "d", "e"} <= {claim.id for claim in declared}
    assert len({claim.id for claim in declared}) == len(declared)
    assert all(claim.claim and claim.paper and claim.measure for claim in declared)


def test_a_bench_reports_ratio_and_whether_the_target_is_met(
    command: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "_benches", dict(bench._benches))

    @bench.bench("probe-speed", "How fast it is")
    def measure(ctx: JobContext) -> list[bench.Measure]:
        ctx.progress(1, 1, "measuring")
        return [
            bench.Measure("against the limit", 90.0, limit=100.0, target=0.85, unit="1/s"),
            bench.Measure("against a peer that is not here", 5.0, peer=None, target=1.0, of="peer"),
            bench.Measure("a gap", 20.0, target=16.0, unit="ms", better="less", of="none"),
        ]

    code, said, _ = command("bench", "probe-speed", "--json", "--out", str(tmp_path))
    report = json.loads(said)
    assert code == 0
    assert report["name"] == "probe-speed"
    found = [(m["ours"], m["limit"], m["ratio"], m["target"], m["meets"]) for m in report["measures"]]
    assert found == [
        (90.0, 100.0, 0.9, 0.85, True),
        (5.0, None, None, 1.0, None),
        (20.0, None, None, 16.0, False),
    ]
    assert json.loads((tmp_path / "bench-probe-speed.json").read_text(encoding="utf-8")) == report
    assert "against the limit" in command("bench", "probe-speed")[1]


def test_every_promised_benchmark_is_registered(command: Commands) -> None:
    code, said, _ = command("bench", "--json")
    assert code == 0
    assert {"hex-search", "hex-peers", "window"} <= {row["name"] for row in json.loads(said)["benches"]}


# -- data, models, runs, doctor


def test_data_lists_what_is_here_and_what_is_not(
    command: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    code, said, _ = command("data", "list", "--json")
    sets = {row["name"]: row for row in json.loads(said)["sets"]}
    assert code == 0
    assert sets["digits"]["state"] == "embedded"
    assert sets["mnist"]["state"] == "missing"
    assert sets["mnist"]["licence"]
    assert "digits" in command("data", "list")[1]
    assert command("data", "verify", "mnist")[0] == 1


def test_data_from_the_folder_given_is_verified_and_damage_is_found(
    command: Commands, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(data_folder))
    code, said, _ = command("data", "verify", "hex-games", "--json")
    (row,) = json.loads(said)["files"]
    assert (code, row["state"]) == (0, "ok")
    copy = tmp_path / Path(row["path"]).relative_to(data_folder)
    copy.parent.mkdir(parents=True)
    content = bytearray(Path(row["path"]).read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    code, said, _ = command("--data-dir", str(tmp_path), "data", "verify", "hex-games", "--json")
    assert (code, json.loads(said)["files"][0]["state"]) == (1, "damaged")


def test_embedded_data_needs_no_fetching(command: Commands) -> None:
    code, said, _ = command("data", "fetch", "digits", "--json")
    assert code == 0
    assert list(json.loads(said)["fetched"]) == ["digits"]


@pytest.fixture
def toy_weights() -> Path:
    """Weights in the user's folder."""
    import torch

    from engines.core.weights import ModelCard, save_weights

    path = paths.user_weights_folder() / "toy.safetensors"
    save_weights(path, {"w": torch.ones(3)}, ModelCard("toy", topic="probe", title="A toy", metrics={"score": 0.5}))
    return path


def test_models_lists_and_shows_cards(command: Commands, toy_weights: Path) -> None:
    code, said, _ = command("models", "list", "--json")
    assert code == 0
    assert "toy" in [card["name"] for card in json.loads(said)["models"]]
    code, said, _ = command("models", "show", "toy", "--json")
    card = json.loads(said)
    assert (code, card["title"], card["parameters"], card["path"]) == (0, "A toy", 3, str(toy_weights))
    assert "score: 0.5" in command("models", "show", str(toy_weights))[1]


def test_models_exports_a_hex_network_as_onnx_and_refuses_others(
    command: Commands, toy_weights: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    to = tmp_path / "hex.onnx"
    code, said, _ = command("models", "export", "hex-three-head", "--to", str(to), "--json")
    found = json.loads(said)
    assert (code, found["path"], found["bytes"]) == (0, str(to), to.stat().st_size)
    assert found["difference"] < 1e-4
    code, _, complained = command("models", "export", "toy", "--to", str(tmp_path / "toy.onnx"))
    assert code == 2
    assert "cannot be written as ONNX" in " ".join(complained.split())
    assert not (tmp_path / "toy.onnx").exists()


def test_altered_and_damaged_weights_are_reported(command: Commands, toy_weights: Path) -> None:
    content = toy_weights.read_bytes()
    toy_weights.write_bytes(content[:-1] + b"\x00")
    code, _, complained = command("models", "show", "toy")
    assert code == 2
    assert "not the file that its card describes" in " ".join(complained.split())
    toy_weights.with_suffix(".json").write_text("{", encoding="utf-8")
    code, said, _ = command("models", "list", "--json")
    assert code == 0
    assert [Path(problem["path"]).name for problem in json.loads(said)["problems"]] == ["toy.safetensors"]


def test_a_damaged_list_of_runs_is_mended_and_said(command: Commands, probe: None) -> None:
    assert command("run", "probe.sum")[0] == 0
    (paths.data_folder() / "runs.sqlite3").write_bytes(b"garbage" * 500)
    for left in ("-wal", "-shm"):
        Path(f"{paths.data_folder() / 'runs.sqlite3'}{left}").unlink(missing_ok=True)
    code, said, complained = command("runs")
    assert code == 0
    assert "was damaged" in complained
    assert "probe.sum" in said


def test_the_doctor_looks_at_every_part_and_finds_nothing_broken_here(command: Commands) -> None:
    code, said, _ = command("doctor", "--json")
    report = json.loads(said)
    areas = {finding["area"] for finding in report["findings"]}
    assert areas == {"folders", "runs", "display", "audio", "data", "weights", "devices", "optional"}
    assert all(finding["remedy"] for finding in report["findings"] if finding["state"] == "fault")
    assert (code, report["faults"]) == (0, 0), [f for f in report["findings"] if f["state"] == "fault"]


def test_the_doctor_tells_how_to_mend_missing_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    def importing(name: str) -> ModuleType:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(doctor.importlib, "import_module", importing)
    (finding,) = doctor._audio()
    assert finding.state == "warning"
    assert "libportaudio2" in finding.remedy


def test_the_doctor_tells_of_a_folder_that_cannot_be_written(
    command: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file" / "home"))
    code, said, _ = command("doctor", "--json")
    report = json.loads(said)
    faults = [f for f in report["findings"] if f["state"] == "fault"]
    assert code == 1
    assert {"runs", "cache", "settings"} <= {f["name"] for f in faults}
    assert all("WORKBENCH_HOME" in f["remedy"] for f in faults if f["area"] == "folders")


def test_the_doctor_says_that_no_window_opens_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    platform = list(doctor._display())[-1]
    assert (platform.name, platform.state) == ("platform", "warning")
    assert "tour" in platform.remedy


def test_one_thing_that_breaks_does_not_end_the_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[doctor.Finding]:
        raise RuntimeError("the driver is angry")
        yield

    monkeypatch.setattr(doctor, "_LOOKS", (("devices", broken), ("folders", doctor._folders)))
    findings = list(doctor.examine())
    assert (findings[0].state, "angry" in findings[0].found) == ("fault", True)
    assert {f.area for f in findings} == {"devices", "folders"}


def test_htp_answers_on_standard_input_and_output() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "workbench.cli", "htp"],
        input="protocol_version\nnonsense\nquit\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    answers = [answer for answer in ended.stdout.split("\n\n") if answer.strip()]
    assert answers[0].startswith("= ")
    assert answers[1].startswith("? ")
