from torch import Tensor, nn


class Maxout(nn.Module):
    """The maxima of `pieces` channels each: (N, C, …) → (N, C / pieces, …)."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], -1, self.pieces, *x.shape[2:]).amax(2)
