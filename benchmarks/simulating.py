"""Run the simulation that checks intervals and tests, and keep its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.progress import OnProgress
from benchmarks.settings import SettingsError
from reports.files import write_text
from reports.simulation_tables import chosen, markdown, run_here, run_in_processes, simulate


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What was counted, as `reports.simulation_tables.simulate` returns it.

    Attributes
    ----------
    counted
        Results and gates.
    """

    counted: dict[str, Any]

    @property
    def text(self) -> str:
        """The tables in Markdown."""
        return markdown(self.counted)

    @property
    def holds(self) -> bool:
        """Tell whether every gate holds."""
        return all(gate["holds"] for gate in self.counted["gates"])

    def write(self, file: Path) -> None:
        """Write the tables as Markdown, or the numbers as JSON, as the file is called."""
        content = json.dumps(self.counted, indent=1) + "\n" if file.suffix == ".json" else self.text
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, content)


def simulated(designs: str, sized: tuple[int, int], n_processes: int, on_progress: OnProgress) -> Simulation:
    """Run the designs whose name contains `designs`.

    Parameters
    ----------
    designs
        Part of the names; empty for all.
    sized
        Data sets of each design, and the seed.
    n_processes
        Designs at a time; one runs in this process.
    on_progress
        Told how many designs are done.

    Raises
    ------
    SettingsError
        No design is called so.
    """
    try:
        parts = chosen(designs)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    run_all = run_here if n_processes == 1 else run_in_processes(n_processes, on_progress)
    return Simulation(counted=simulate(parts, *sized, run_all))
