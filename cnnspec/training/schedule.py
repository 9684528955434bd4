"""The learning rate of each step: a function of the step's number alone, so that a run can go on anywhere."""

import math

from cnnspec.language.training import Cosine, OneCycle, Schedule, StepDecay, Train


def learning_rate(train: Train, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step, which are counted from 0 over all epochs.

    The warm-up rises in a straight line to the optimizer's own learning rate, which its
    last step has. The schedule has the steps that are left.
    """
    lr: float = train.optimizer.options.lr
    warmup = round(train.warmup * steps_per_epoch)
    if step < warmup:
        return lr * (step + 1) / warmup
    return _scheduled(
        train.schedule, lr, step - warmup, train.epochs * steps_per_epoch - warmup, steps_per_epoch
    )


def _scheduled(schedule: Schedule, lr: float, step: int, total: int, steps_per_epoch: int) -> float:
    match schedule.options:
        case StepDecay(step_size=epochs, gamma=gamma):
            return float(lr * gamma ** (step // (epochs * steps_per_epoch)))
        case Cosine(eta_min=end):
            return _half_cosine(lr, end, step / total)
        case OneCycle() as cycle:
            return _one_cycle(cycle, lr, step, total)
    return lr


def _one_cycle(cycle: OneCycle, lr: float, step: int, total: int) -> float:
    """Return what torch.optim.lr_scheduler.OneCycleLR does.

    A cycle of very few steps begins on its way down.
    """
    first, peak, last = lr / cycle.div_factor, cycle.pct_start * total - 1, total - 1
    if step <= peak and peak > 0:
        return _half_cosine(first, lr, step / peak)
    return _half_cosine(lr, first / cycle.final_div_factor, (step - peak) / (last - peak))


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
