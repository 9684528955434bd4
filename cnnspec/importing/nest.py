"""The graph of operations as nested lists: what forks, and where the branches meet again.

An operation that all ways from the input to the output lead through ends one item of the list, and the next
begins (its immediate dominators: Lengauer & Tarjan, 1979). What lies between two of them is a layer, or a
merging of branches; each branch is such a list again.
"""

import keyword
import os
from collections import Counter
from collections.abc import Iterable

from cnnspec.errors import Problem, SpecError
from cnnspec.importing.graph import Op, ancestors, code_line, place_of
from cnnspec.importing.tree import Fork, Leaf, Node, Row, Scope, leaves
from cnnspec.language.items import NAME, RESERVED


def nest(output: Op) -> Row:
    """Return the network whose output is given as a list of layers and forks; raises SpecError."""
    return _Nesting(output).network()


class _Nesting:
    """Takes a graph apart; the input is the root of the tree of dominators."""

    def __init__(self, output: Op) -> None:
        self.output = output
        self.order = list(ancestors(output))
        _share_concatenations(self.order)
        self.order = list(ancestors(output))
        self.users = Counter(one for op in self.order for one in op.inputs)
        self.input = self.order[0]
        self.dominator: dict[Op, Op] = {}
        self.depth = {self.input: 0}
        for op in self.order[1:]:
            self.dominator[op] = self.meeting(op.inputs)
            self.depth[op] = self.depth[self.dominator[op]] + 1
        self.problems: list[Problem] = []

    def network(self) -> Row:
        """Return the whole network; raises SpecError."""
        row = self.row(self.input, self.output)
        if self.problems:
            raise SpecError(*self.problems)
        return row

    def meeting(self, ops: Iterable[Op]) -> Op:
        """Return the last operation that all ways to these lead through."""
        first, *others = ops
        for other in others:
            while first is not other:
                deeper = self.depth[first] > self.depth[other]
                if deeper:
                    first = self.dominator[first]
                else:
                    other = self.dominator[other]  # noqa: PLW2901  # both go up until they meet
        return first

    def row(self, start: Op, end: Op) -> Row:
        """Return what lies between two operations, the first left out."""
        ops: list[Op] = []
        while end is not start:
            ops.append(end)
            end = self.dominator[end]
        return tuple(self.node(op) for op in reversed(ops))

    def node(self, op: Op) -> Node:
        """Return an operation as a layer, or as a fork with all that happens since its branches parted."""
        start = self.dominator[op]
        if op.layer:
            return Leaf(op.layer, start.shape, _scopes(op), op.weights)
        return self.fork(op, start, self.operands(op))

    def operands(self, op: Op) -> tuple[Op, ...]:
        """Return what a merging merges, also what one merges that is merged again at once: (a + b) + c."""
        found: list[Op] = []
        for number, one in enumerate(op.inputs):
            merged_again = one.merge == op.merge and self.users[one] == 1 and one is not self.output
            first = number == 0 or op.merge == "concat"  # numbers are summed up in the same order
            if merged_again and first and self.dominator[one] is self.dominator[op]:
                found += self.operands(one)
            else:
                found.append(one)
        return tuple(found)

    def fork(self, op: Op, start: Op, operands: tuple[Op, ...]) -> Fork:
        """Return the merging of branches that part at `start`."""
        groups = self.groups(op, start, operands)
        if len(groups) == 1:
            groups = self.groups(op, start, operands, twice=True)
        if len(groups) == 1:
            self.tangled(op, start)
            return Fork(op.merge, (), start.shape)
        branches: list[Row] = []
        for group in groups:
            last = self.meeting(group)
            ways = self.row(start, last)
            branches.append(ways if len(group) == 1 else (*ways, self.fork(op, last, group)))
        scopes = _scopes(op)
        if op.merge == "multiply" and len(branches) == 2 and not branches[1]:
            branches.reverse()  # the maps before their weights
        return _residual(Fork(op.merge, tuple(branches), start.shape, scopes, _names(branches, scopes)))

    def groups(
        self, op: Op, start: Op, operands: tuple[Op, ...], *, twice: bool = False
    ) -> list[tuple[Op, ...]]:
        """Return operands whose ways from `start` have something in common together, and others alone.

        What can be done `twice` with the same result, in each branch, is not counted then.
        """
        groups: list[tuple[list[int], set[Op]]] = []
        for number, one in enumerate(operands):
            way = self.between(start, one)
            if twice:
                way = {op for op in way if not self.can_be_twice(op, start)}
            meets = [group for group in groups if group[1] & way]
            numbers = sorted(n for group in meets for n in group[0])
            groups = [group for group in groups if group not in meets]
            groups.append(([*numbers, number], way.union(*(group[1] for group in meets))))
        groups.sort(key=lambda group: group[0][0])
        numbers = [n for group in groups for n in group[0]]
        if op.merge == "concat" and numbers != sorted(numbers):
            return [operands]  # channels cannot change their places
        return [tuple(operands[n] for n in group[0]) for group in groups]

    def can_be_twice(self, op: Op, start: Op) -> bool:
        """Tell whether all from `start` to an operation are layers that learn nothing and draw nothing."""
        while op is not start:
            if op.layer is None or op.weights or op.layer.family in ("regularization", "normalization"):
                return False
            (op,) = op.inputs
        return True

    def between(self, start: Op, end: Op) -> set[Op]:
        """Return all operations on ways between two, with the last."""
        found: set[Op] = set()
        left = [end]
        while left:
            op = left.pop()
            if op is not start and op not in found:
                found.add(op)
                left += op.inputs
        return found

    def tangled(self, op: Op, start: Op) -> None:
        """Note the problem of a merging whose branches are not apart from each other."""
        shared = [one.node.name for one in self.between(start, op) if self.users[one] > 1]
        names = ", ".join(sorted(shared)[:4])
        what = f"the branches that meet in `{op.node.name}` are not apart: {names} go into several of them"
        why = f"compositions are nested; the traced graph has `{code_line(op.node)}`"
        self.problems.append(Problem(what, why, "", place_of(op.node)))


def _share_concatenations(order: list[Op]) -> None:
    """Let a concatenation that begins or ends as another one take that one's output.

    In a DenseNet, each layer sees all outputs before it: [a, b, c] is [[a, b], c].
    """
    known: dict[tuple[Op, ...], Op] = {}
    for op in order:
        if op.merge != "concat":
            continue
        inputs = op.inputs
        for size in range(len(inputs) - 1, 1, -1):
            if inputs[:size] in known:
                op.inputs = (known[inputs[:size]], *inputs[size:])
                break
            if inputs[-size:] in known:
                op.inputs = (*inputs[:-size], known[inputs[-size:]])
                break
        known.setdefault(inputs, op)


def _residual(fork: Fork) -> Fork:
    """Return a sum of two as a residual, if one of them is the shortcut of the other."""
    if fork.kind != "add" or len(fork.branches) != 2:
        return fork
    sizes = [sum(1 for _ in leaves(branch)) for branch in fork.branches]
    if sizes[0] == sizes[1]:
        return fork
    layers, shortcut = sorted(fork.branches, key=lambda branch: -sum(1 for _ in leaves(branch)))
    return Fork("residual", (layers, shortcut), fork.x, fork.scopes)


def _scopes(op: Op) -> tuple[Scope, ...]:
    return tuple(Scope(scope.path, scope.kind.__name__, scope.number) for scope in op.origin.scopes)


def _names(branches: list[Row], scopes: tuple[Scope, ...]) -> tuple[str, ...]:
    """Return the names that the module's attributes give to branches; none unless each has its own."""
    names = tuple(_name(branch, scopes) for branch in branches)
    usable = all(
        NAME.fullmatch(name) and name not in RESERVED and not keyword.iskeyword(name) for name in names
    )
    return names if usable and len(set(names)) == len(names) else ()


def _name(branch: Row, scopes: tuple[Scope, ...]) -> str:
    """Return what the names of all submodules of a branch begin with; without any, its layer."""
    depth = len(scopes)
    within = [node.scopes[depth].path.split(".") for node in branch if len(node.scopes) > depth]
    start = len(scopes[-1].path.split(".")) if scopes else 0
    attributes = {path[start] for path in within if len(path) > start}
    if not attributes and len(branch) == 1 and isinstance(branch[0], Leaf):
        return branch[0].layer.type
    name = os.path.commonprefix(sorted(attributes)).strip("_")  # noqa: RUF071  # of names, letter by letter
    return name if len(name) > 1 else ""
