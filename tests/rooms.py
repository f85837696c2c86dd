"""The rooms of the four packages: who imports whom, and on which floor everything stands.

``python tests/rooms.py`` prints a line per folder. Seen from its parent a folder is one room. A room's *floor* is the
longest chain of imports below it, plus one; imports inside functions count, those for type checkers alone do not.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("features", "models", "benchmarks", "reports")
Graph = dict[str, set[str]]


class Circle(Exception):
    """Rooms that import each other."""


def modules(package: str, root: Path = CHECKOUT) -> dict[str, Path]:
    """Dotted name -> file of every module of a package; a folder's ``__init__`` has the folder's name."""
    names = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported(path: Path) -> Iterator[str]:
    """Yield every dotted name that a module imports, ``from a import b`` as ``a.b``."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def rooms(package: str, root: Path = CHECKOUT) -> dict[str, Graph]:
    """Folder (dotted) -> its rooms and, of each, those of the same folder that it imports."""
    names = modules(package, root)
    graphs: dict[str, Graph] = defaultdict(dict)
    for name, path in names.items():
        if path.name != "__init__.py":
            for folder, room in _places(name):
                graphs[folder].setdefault(room, set())
    for name, path in names.items():
        for target in imported(path):
            known = target if target in names else target.rpartition(".")[0]
            if known in names and known != name:
                _connect(graphs, name, known)
    return graphs


def _places(name: str) -> Iterator[tuple[str, str]]:
    """Yield every folder that holds a module, with the room in which the module is there."""
    parts = name.split(".")
    for depth in range(1, len(parts)):
        yield ".".join(parts[:depth]), parts[depth]


def _connect(graphs: dict[str, Graph], name: str, target: str) -> None:
    """Note an import in the folder where the ways to the two modules part."""
    for (folder, room), (other_folder, other) in zip(_places(name), _places(target), strict=False):
        if folder == other_folder and room != other:
            graphs[folder][room].add(other)
            return


def floors(graph: Graph) -> dict[str, int]:
    """Return the floor of every room.

    Raises
    ------
    Circle
        Rooms import each other.
    """
    known: dict[str, int] = {}

    def floor(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise Circle(" -> ".join([*above[above.index(room) :], room]))
        if room not in known:
            known[room] = 1 + max((floor(below, (*above, room)) for below in sorted(graph[room])), default=0)
        return known[room]

    return {room: floor(room, ()) for room in sorted(graph)}


def main() -> int:
    """Print the floors of every folder."""
    for package in PACKAGES:
        for folder, graph in sorted(rooms(package).items()):
            try:
                by_room = floors(graph)
            except Circle as circle:
                print(f"{folder}: CIRCLE {circle}")
                continue
            n_modules = len(list((CHECKOUT / folder.replace(".", "/")).glob("*.py"))) - 1
            print(f"{folder}: {n_modules} modules, {len(graph)} rooms, {max(by_room.values())} floors")
            for number in sorted(set(by_room.values())):
                print(f"    {number}  {', '.join(room for room in by_room if by_room[room] == number)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
