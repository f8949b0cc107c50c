"""doctor: the examination of `workbench.doctor` as a table or JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from workbench.cli import output


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Look at devices, sound, display, data, weights and folders; exit code 1 if something must be mended."""
    from workbench.doctor import examine

    findings = list(examine())
    faults = sum(f.state == "fault" for f in findings)
    if as_json:
        output.emit({"faults": faults, "findings": [asdict(f) for f in findings]})
    else:
        output.table(
            "What works here",
            ("", "what", "", "found", "to mend it"),
            [(f.area, f.name, f.state, f.found, f.remedy) for f in findings],
        )
        output.say("Everything needed works." if not faults else f"{faults} to be mended, see above.")
    if faults:
        raise typer.Exit(1)
