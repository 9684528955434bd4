"""Rectangles, one for each picture of a batch: erasing blackens them, CutMix fills them from others."""

import torch
from torch import Tensor


class Boxes:
    """Tells which pixels of pictures of a size (height, width) are in rectangles."""

    def __init__(self, size: tuple[int, int], device: torch.device) -> None:
        self.sides = torch.tensor(size, dtype=torch.float32, device=device)
        self._rows, self._columns = (torch.arange(n, dtype=torch.float32, device=device) for n in size)

    def inside(self, first: Tensor, last: Tensor) -> Tensor:
        """Return 1 for the pixels in a picture's rectangle, 0 for the others (N, 1, H, W).

        A rectangle reaches from row and column `first` (N, 2) to those before `last` (N, 2), in float32:
        numbers of one kind are compared several times as fast as those of two.
        """
        rows = (self._rows >= first[:, :1]) & (self._rows < last[:, :1])
        columns = (self._columns >= first[:, 1:]) & (self._columns < last[:, 1:])
        return (rows.float().unsqueeze(2) * columns.float().unsqueeze(1)).unsqueeze(1)
