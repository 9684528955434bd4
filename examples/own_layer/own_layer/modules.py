from torch import Tensor, nn


class Maxout(nn.Module):
    """The maxima of `pieces` channels each: (N, C, …) → (N, C / pieces, …)."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        maxima: Tensor = x.unflatten(1, (-1, self.pieces)).amax(2)
        return maxima
