"""The table of a bench: each line with its limit and a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One measurement.

    Attributes:
        what: what was measured.
        value: the measurement; a rate is one by the clock.
        work: a rate per second of processor time.
        share: of the bare loop of the same run.
        limit: what it must keep; empty where there is no limit.
        kept: whether it did; None where there is no limit.
    """

    what: str
    value: str
    work: str = ""
    share: str = ""
    limit: str = ""
    kept: bool | None = None


@dataclass
class Report:
    """All lines, by part of the product."""

    title: str
    parts: dict[str, list[Line]] = field(default_factory=dict)

    def add(self, part: str, line: Line) -> None:
        """Add a measurement."""
        self.parts.setdefault(part, []).append(line)

    @property
    def kept(self) -> bool:
        """Every limit was kept."""
        return all(line.kept is not False for lines in self.parts.values() for line in lines)

    def show(self, *, judged: bool) -> None:
        """Print the table on standard output, with limits and verdicts where it is judged."""
        table = Table(title=self.title, title_justify="left", show_edge=False, pad_edge=False)
        table.add_column("", no_wrap=True)
        for name in ("measured", "CPU", "of bare loop", *(("limit",) if judged else ())):
            table.add_column(name, justify="right", no_wrap=True)
        if judged:
            table.add_column("verdict", no_wrap=True)
        verdicts = {None: "", True: "[green]kept[/green]", False: "[red]missed[/red]"}
        for part, lines in self.parts.items():
            table.add_section()
            table.add_row(f"[bold]{part}[/bold]")
            for line in lines:
                judgement = (line.limit, verdicts[line.kept]) if judged else ()
                table.add_row(f"  {line.what}", line.value, line.work, line.share, *judgement)
        # Where nobody sees it grow, such as in a log, the table keeps its own width.
        Console(width=None if Console().is_terminal else 140).print(table)
