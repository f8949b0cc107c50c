"""The scripts that prepare a machine, run against one that is made up: libraries, user, packages."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "packaging" / "system-deps.sh"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the scripts serve Linux only")

SONAMES = [
    line.split()[1]
    for line in SCRIPT.read_text().splitlines()
    if line.startswith(("essential lib", "window lib", "sound lib"))
]


@dataclass
class Machine:
    """A made-up machine. log: every command that would have changed it."""

    folder: Path
    system: str = "ID=debian"
    user: int = 0
    sudo: bool = False
    installs: bool = True

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        (self.folder / "fonts").mkdir()
        (self.folder / "fonts" / "plain.ttf").touch()
        self.has(SONAMES)
        self.command("python", "exit 0")

    def command(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def has(self, sonames: list[str]) -> None:
        lines = "".join(f"\t{name} (libc6,x86-64) => /usr/lib/{name}\n" for name in ["libc.so.6", *sonames])
        (self.folder / "libraries").write_text(lines)

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run the script there. Installing puts every library of the table on the machine."""
        (self.folder / "release").write_text(self.system + "\n")
        libraries = self.folder / "libraries"
        everything = "".join(f"\\t{name} (x)\\n" for name in SONAMES)
        act = f'printf "{everything}" >> {libraries}' if self.installs else "exit 100"
        self.command("ldconfig", f"cat {libraries}")
        self.command("id", f"echo {self.user}")
        self.command("sudo", 'shift; exec "$@"' if self.sudo else "exit 1")
        for manager in ("apt-get", "dnf"):
            update = 'case "$*" in update*) exit 0 ;; esac'
            self.command(manager, f'echo "{manager} $*" >> {self.folder / "log"}\n{update}\n{act}')
        environment = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "OS_RELEASE": str(self.folder / "release"),
            "FONT_FOLDERS": str(self.folder / "fonts"),
            "PYTHON": str(self.folder / "bin" / "python"),
            **extra,
        }
        return subprocess.run(
            ["/bin/sh", SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=30
        )

    @property
    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_complete_machine_is_left_alone_in_silence(machine: Machine) -> None:
    for arguments in ((), ("--check",)):
        done = machine.run(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.log == []


def test_check_tells_useful_from_essential_and_changes_nothing(machine: Machine) -> None:
    machine.has([name for name in SONAMES if "portaudio" not in name])
    done = machine.run("--check")
    assert done.returncode == 1 and done.stdout == "missing: libportaudio2 \n"
    machine.has([name for name in SONAMES if "libEGL" not in name])
    done = machine.run("--check")
    assert done.returncode == 2 and "libegl1" in done.stdout
    assert machine.log == []


def test_root_installs_what_is_missing_once(machine: Machine) -> None:
    machine.has([name for name in SONAMES if "libEGL" not in name and "cursor" not in name])
    done = machine.run()
    assert done.returncode == 0 and "Installing" in done.stdout
    assert machine.log[0].startswith("apt-get update")
    assert all(name in machine.log[1] for name in ("libegl1", "libxcb-cursor0", "libwayland-cursor0"))
    assert "libgl1" not in machine.log[1] and "--no-install-recommends" in machine.log[1]
    machine.run()
    assert len(machine.log) == 2, "the second run has nothing to do"


def test_fedora_gets_its_own_names(machine: Machine) -> None:
    machine.system = "ID=nobara\nID_LIKE='rhel fedora'"
    machine.has([name for name in SONAMES if "icccm" not in name and "portaudio" not in name])
    assert machine.run().returncode == 0
    (line,) = machine.log
    assert line.startswith("dnf install") and line.split()[-2:] == ["portaudio", "xcb-util-wm"]


def test_without_root_it_says_what_to_install_and_fails_only_for_essentials(machine: Machine) -> None:
    machine.user = 1000
    machine.has([name for name in SONAMES if "portaudio" not in name])
    done = machine.run()
    assert done.returncode == 0 and "sudo apt-get install libportaudio2" in done.stdout
    machine.has([name for name in SONAMES if "libGL.so" not in name])
    done = machine.run()
    assert done.returncode == 1 and "Nothing runs without: libgl1" in done.stdout
    assert machine.log == []


def test_passwordless_sudo_is_used(machine: Machine) -> None:
    machine.user, machine.sudo = 1000, True
    machine.has([name for name in SONAMES if "portaudio" not in name])
    assert machine.run().returncode == 0
    assert "libportaudio2" in machine.log[-1]


def test_a_failing_package_manager_stops_only_what_cannot_go_on(machine: Machine) -> None:
    machine.installs = False
    machine.has([name for name in SONAMES if "portaudio" not in name])
    done = machine.run()
    assert done.returncode == 0 and "could not be installed" in done.stdout
    machine.has([])
    done = machine.run()
    assert done.returncode == 1 and "nothing runs without them" in done.stdout


def test_missing_fonts_and_a_python_without_venv_are_noticed(machine: Machine) -> None:
    (machine.folder / "fonts" / "plain.ttf").unlink()
    machine.command("python", "exit 1")
    done = machine.run("--check")
    assert done.returncode == 2
    assert done.stdout.split()[1:] == ["fonts-dejavu-core", "python3-venv"]


def test_an_unknown_system_is_told_the_libraries(machine: Machine) -> None:
    machine.system = "ID=arch"
    machine.has([name for name in SONAMES if "xcb-cursor" not in name])
    done = machine.run()
    assert done.returncode == 0 and "libxcb-cursor.so.0" in done.stdout and machine.log == []


def test_it_can_be_switched_off(machine: Machine) -> None:
    machine.has([])
    done = machine.run(WORKBENCH_NO_SYSTEM_DEPS="1")
    assert (done.returncode, done.stdout, machine.log) == (0, "", [])


def test_every_package_of_both_families_is_listed(machine: Machine) -> None:
    listed = machine.run("--list").stdout.split()
    assert {"libegl1", "libxcb-cursor0", "libportaudio2", "python3-venv"} <= set(listed)
    machine.system = "ID=fedora"
    assert {"libglvnd-egl", "xcb-util-cursor", "portaudio"} <= set(machine.run("--list").stdout.split())


def test_the_real_machine_has_what_is_essential() -> None:
    """The window's tests run here, so the script must not claim that they could not."""
    done = subprocess.run(
        ["/bin/sh", SCRIPT, "--check"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode in (0, 1), done.stdout


def make_env(folder: Path, python: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run make-env.sh in a copy of the few files it reads, with only made-up interpreters in the path."""
    (folder / "packaging").mkdir()
    for name in ("make-env.sh", "system-deps.sh"):
        (folder / "packaging" / name).write_bytes((ROOT / "packaging" / name).read_bytes())
        (folder / "packaging" / name).chmod(0o755)
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    tools = folder / "bin"
    tools.mkdir()
    for name in ("sh", "sed", "dirname", "uname", "env"):
        (tools / name).symlink_to(next(p for p in (Path("/usr/bin") / name, Path("/bin") / name) if p.exists()))
    (tools / "python3").write_text(f"#!/bin/sh\n{python}\n")
    (tools / "python3").chmod(0o755)
    environment = {"PATH": str(tools), "HOME": str(folder), "WORKBENCH_NO_SYSTEM_DEPS": "1", **extra}
    return subprocess.run(
        ["/bin/sh", folder / "packaging" / "make-env.sh"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


FAKE = """
case "$*" in
    *importlib.metadata*) exit 1 ;;
    "-c "*) exit 0 ;;
    "-m venv .venv") /bin/mkdir -p .venv/bin && /bin/cp "$0" .venv/bin/python && exit 0 ;;
    *--dry-run*) echo "Would install torch-2.13.0$BUILD" ;;
    *) echo "$*" >> log ;;
esac
"""


def test_an_old_python_is_refused_with_what_to_do(tmp_path: Path) -> None:
    done = make_env(tmp_path, "exit 1")
    assert done.returncode == 1 and "Python 3.11, 3.12 or 3.13 is needed" in done.stderr


@pytest.mark.parametrize(
    ("environment", "index"),
    [
        ({"BUILD": ""}, "https://download.pytorch.org/whl/cpu"),
        ({"BUILD": "+cpu"}, ""),
        ({"BUILD": "", "TORCH_INDEX": "https://example.org/whl"}, "https://example.org/whl"),
    ],
)
def test_a_machine_without_a_card_gets_no_cuda_build(tmp_path: Path, environment: dict[str, str], index: str) -> None:
    done = make_env(tmp_path, FAKE, **environment)
    assert done.returncode == 0, done.stderr
    torch, workbench = (tmp_path / "log").read_text().splitlines()
    assert torch.endswith(f"--extra-index-url {index} torch==2.13.0" if index else "--quiet torch==2.13.0")
    assert workbench.endswith("--editable .")
