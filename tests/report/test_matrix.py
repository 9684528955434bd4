"""The confusion matrix as it is shown."""

import torch

from cnnspec.report.matrix import LEVELS, MOST, matrix


def test_whole() -> None:
    """Of few classes, all are shown with their numbers; the worst mistake has the darkest shade."""
    found = matrix(torch.tensor([[5, 0, 1], [10, 3, 0], [0, 4, 9]]), ("a", "b", "c"))
    assert found.classes == ("a", "b", "c")
    assert [[cell.pictures for cell in row] for row in found.rows] == [[5, 0, 1], [10, 3, 0], [0, 4, 9]]
    assert [[cell.shade for cell in row] for row in found.rows] == [[0, 0, 1], [LEVELS, 0, 0], [0, 2, 0]]
    assert [[cell.right for cell in row] for row in found.rows] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    assert found.left_out == 0


def test_no_mistakes() -> None:
    """Where all is right, nothing is shaded."""
    found = matrix(torch.eye(3, dtype=torch.int64), ("a", "b", "c"))
    assert {cell.shade for row in found.rows for cell in row} == {0}


def test_many_classes() -> None:
    """Of many, those with the most mistakes are shown, in their order, and none without any."""
    table = torch.eye(100, dtype=torch.int64) * 9
    table[90, 4] = 3
    table[7, 50] = 2
    names = tuple(map(str, range(100)))
    found = matrix(table, names)
    assert found.classes == ("4", "7", "50", "90")
    assert found.left_out == 96
    assert found.rows[3][0].pictures == 3
    table[torch.arange(60), torch.arange(60) + 1] = 1
    assert len(matrix(table, names).classes) == MOST
    assert matrix(torch.eye(100, dtype=torch.int64), names).classes == names[:MOST]


def test_long_names_are_turned() -> None:
    """Names that have no room over their column are turned."""
    table = torch.eye(2, dtype=torch.int64)
    assert not matrix(table, ("0", "1")).is_wide
    assert matrix(table, ("cat", "horse")).is_wide
