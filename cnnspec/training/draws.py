"""Random draws: each follows from the run's seed, what it is for and its number, and from nothing before it.

So a run that goes on from any step draws what it would have drawn without a stop.
"""

import hashlib

import torch

ORDER, STEP, AUGMENT, VALIDATION = "order", "step", "augment", "validation"


def seed_for(seed: int, what: str, *numbers: int) -> int:
    """Return the seed of the draws called `what` with these numbers, such as an epoch or a step."""
    text = "/".join(map(str, (seed, what, *numbers)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def reseed(seed: int, device: torch.device) -> None:
    """Seed the generators that the network's own layers, such as dropout, draw from."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
