"""Puts measured numbers into a help page: ``python -m engines.core.measured TOPIC claims.json bench.json …``.

The files are what ``paper-workbench claims TOPIC --json`` and ``paper-workbench bench NAME --json`` print.
Everything between the page's two marks is written anew from them; a number that is in no file is on no page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.core import atomic
from engines.core.errors import UserError
from engines.core.paths import resources_folder

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def fill(page: str, reports: Sequence[dict[str, Any]]) -> str:
    """The page with the tables of these reports between its marks. Raises UserError where it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise UserError(f"expected a page with the marks {BEGIN} and {END}")
    tables = "\n\n".join(table(report) for report in reports)
    return f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}" if tables else f"{head}{BEGIN}\n{END}{tail}"


def table(report: dict[str, Any]) -> str:
    """A report as a Markdown table. Raises UserError for one that is neither of claims nor of a benchmark."""
    if "claims" in report:
        return claims_table(report["claims"])
    if "measures" in report:
        return bench_table(report["name"], report["measures"])
    raise UserError("expected the JSON of `claims` or `bench`, got something else")


def claims_table(claims: Sequence[dict[str, Any]]) -> str:
    """What the paper claims and what came out."""
    rows = ["| claim | paper | ours | spread | seeds | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    for claim in claims:
        spread = "" if claim["spread"] is None else f"± {claim['spread']:.3f}"
        text = f"**{claim['id']}** {claim['claim']}"
        cells = [
            text,
            claim["paper"],
            claim["ours"] or "",
            spread,
            str(claim["seeds"] or ""),
            claim["verdict"],
        ]
        rows.append(_row(cells))
    notes = [f"- **{claim['id']}** {_flat(claim['measure'])} {_flat(claim['note'])}".rstrip() for claim in claims]
    return "\n".join([*rows, "", *notes])


def bench_table(name: str, measures: Sequence[dict[str, Any]]) -> str:
    """The lines of a benchmark, with what each is compared with."""
    rows = [
        f"| {name} | ours | compared with | ratio | target | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for measure in measures:
        other = measure.get("peer") if measure.get("of") == "peer" else measure.get("limit")
        unit = measure.get("unit", "")
        numbers = [_number(measure["ours"], unit), _number(other, unit)]
        numbers += [_number(measure["ratio"]), _number(measure["target"])]
        cells = [measure["measure"], *numbers, {True: "yes", False: "no", None: ""}[measure["meets"]]]
        rows.append(_row(cells))
    notes = [f"- {_flat(m['measure'])}: {_flat(m['note'])}" for m in measures if m.get("note")]
    return "\n".join([*rows, "", *notes]).rstrip()


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.3g} {unit}".rstrip()


def _flat(text: str) -> str:
    return " ".join(str(text).split())


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_flat(cell).replace("|", "\\|") for cell in cells) + " |"


def main(argv: Sequence[str] | None = None) -> int:
    """Fill a topic's shipped page from the files named. Returns the exit code."""
    topic, *names = (sys.argv[1:] if argv is None else list(argv)) or [""]
    page = resources_folder() / "help" / f"{topic}.md"
    try:
        reports = [json.loads(Path(name).read_text(encoding="utf-8")) for name in names]
        atomic.write_text(page, fill(page.read_text(encoding="utf-8"), reports))
    except (OSError, ValueError, KeyError, UserError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
