"""The training loop; what it works with is made ready in `session`, and `run` is what it leaves."""

import math
import signal
import time
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from cnnspec.errors import Problem, SpecError
from cnnspec.training import best, draws
from cnnspec.training import device as devices
from cnnspec.training.batches import Batch
from cnnspec.training.folder import RunFolder
from cnnspec.training.reporter import Reporter
from cnnspec.training.schedule import learning_rate
from cnnspec.training.session import Session, Threads
from cnnspec.training.stop import Stopped, StopRequest


class Loop:
    """Trains a session's network; `folder` is None in all processes but the one that writes."""

    def __init__(
        self,
        session: Session,
        folder: RunFolder | None,
        threads: Threads,
        reporter: Reporter,
        stop: StopRequest,
    ) -> None:
        self.session, self.folder, self.threads = session, folder, threads
        self.reporter, self.stop = reporter, stop

    def run(self) -> None:
        """Train all epochs that are left; raises SpecError, CheckpointError or Stopped."""
        session, progress, options = self.session, self.session.progress, self.session.options
        while progress.epoch < options.epochs and not best.is_enough(progress.history, options):
            session.begin_learning()
            started = time.perf_counter() - progress.seconds
            for batch in session.batches.epoch(progress.epoch, progress.step):
                progress.loss_sum += self.learn(batch)
                progress.step += 1
                progress.done += batch.total
                progress.damaged += batch.damaged
                progress.seconds = time.perf_counter() - started
                self.threads.step(batch.total)
                self.reporter.step(progress.epoch + 1, progress.done, progress.loss_sum)
                self.after_step()
            with self.threads.resting():
                self.finish_epoch(started)

    def try_steps(self, count: int) -> tuple[list[float], list[float]]:
        """Take the first steps, so many at most, and return their seconds and mean losses."""
        seconds, losses = [], []
        self.session.begin_learning()
        for batch in islice(self.session.batches.epoch(0), count):
            started = time.perf_counter()
            losses.append(float(self.learn(batch)) / batch.total)
            seconds.append(time.perf_counter() - started)
            self.session.progress.step += 1
            self.check_finite()
        return seconds, losses

    def learn(self, batch: Batch) -> Tensor:
        """Take one step; return the sum of the batch's losses, over all processes."""
        session, state, options = self.session, self.session.state, self.session.options
        processes, step = session.processes, session.steps_done
        draws.reseed(draws.seed_for(options.seed, draws.STEP, step), session.device)
        inputs, mixed = session.inputs(batch, step)
        divisor = session.divisor(batch, mixed)
        # Every process must have as many parts as the others, and no part may be empty.
        parts = min(options.accumulate, batch.total // processes.size) or 1
        total = torch.zeros((), device=session.device)
        for number in range(parts):
            own = processes.piece((batch.start, batch.total), number, parts)
            with processes.accumulating(session.network, last=number == parts - 1):
                with devices.autocast(session.device, options.precision):
                    output = session.network(inputs[own])
                loss = session.criterion.total(output, batch.labels[own], mixed and mixed.piece(own))
                (loss * (processes.size / divisor)).backward()
            total += loss.detach()
        mean = processes.sum(total) / divisor
        if session.guard.check(mean, step):
            if options.clip_norm:
                clip_grad_norm_(state.model.parameters(), options.clip_norm)
            rate = learning_rate(options, step, len(session.batches))
            for group in state.optimizer.param_groups:
                group["lr"] = rate * group["lr_scale"]
            state.optimizer.step()
            if state.average is not None:
                state.average.update_parameters(state.model)
        state.optimizer.zero_grad(set_to_none=True)
        return mean * batch.total

    def after_step(self) -> None:
        """Look now and then at what must end training, or be saved."""
        session, progress, every = self.session, self.session.progress, self.session.options.checkpoint_every
        due = every and session.steps_done % every == 0 and progress.step < len(session.batches)
        asked = self.stop.number is not None
        # Several processes must agree to stop, which takes time, as looking at a GPU does.
        alone = asked and session.processes.size == 1
        if not due and not alone and session.steps_done % session.guard.every:
            return
        self.check_finite()
        asked = session.processes.any(asked)
        if due or asked:
            self.save()
        if asked:
            number = self.stop.number or signal.SIGTERM  # another process was told
            self.reporter.stopped(progress.epoch, progress.step)
            folder = self.folder.path if self.folder else None
            raise Stopped(number, folder, progress.epoch, progress.step)

    def finish_epoch(self, started: float) -> None:
        """Test the network, and write the epoch's checkpoints and metrics."""
        session, progress, options = self.session, self.session.progress, self.session.options
        self.check_finite()
        number = progress.epoch + 1
        row: dict[str, Any] = {"epoch": number, "train_loss": float(progress.loss_sum) / progress.done}
        if session.batches.split.skips:
            row["train_damaged"] = session.gather_damaged()
        if number % options.evaluate_every == 0 or number == options.epochs:
            self.reporter.evaluating(number)
            for split in session.tests:
                row |= session.evaluate(split).metrics(split)
                if not math.isfinite(row[f"{split}_loss"]):
                    raise self.ran_away(f"the {split} loss is not finite after epoch {number}")
        row["lr"] = learning_rate(options, session.steps_done - 1, len(session.batches))
        row["seconds"] = round(time.perf_counter() - started, 3)
        row["threads"] = self.threads.threads
        row["dataset"] = session.plan.spec.data.name
        is_best = best.is_best(row, progress.history, options)
        progress.next_epoch(row)
        with session.processes.together():
            if self.folder:
                if is_best:
                    self.folder.save_best(session.state, row)
                self.folder.save(session.state, progress.facts(self.threads))
                self.folder.write_metrics(progress.history)
        self.reporter.epoch(row)

    def save(self) -> None:
        """Write the last checkpoint."""
        self.session.gather_damaged()
        with self.session.processes.together():
            if self.folder:
                self.folder.save(self.session.state, self.session.progress.facts(self.threads))

    def check_finite(self) -> None:
        """Raise SpecError where a loss was not finite: the optimizer has not stepped since."""
        step = self.session.guard.look()
        if step is None:
            return
        epoch, within = divmod(step, len(self.session.batches))
        raise self.ran_away(f"the training loss is not finite in step {within + 1:,} of epoch {epoch + 1}")

    def ran_away(self, what: str) -> SpecError:
        """Return the error that the weights have become useless."""
        spec = self.session.plan.spec
        name, lr = spec.train.optimizer.name, spec.train.optimizer.options.lr
        why = "the steps are too large, so the weights ran away"
        place = spec.document.place(("train", "optimizer", name, "lr"))
        return SpecError(Problem(what, why, f"Use an lr below {lr:g}", place))
