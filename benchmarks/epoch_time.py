"""An epoch of LeNet-5 on MNIST, test included: cnnspec's trainer beside the usual hand-written loop, in turn.

The hand-written loop (tutorial.py) has torch's own number of threads; the trainer finds out which number is
best. With `--busy`, another process keeps one core busy all the time. The first epoch counts, too: the
trainer measures in it. Its data is prepared once, before the first epoch; that time is given apart.
"""

import sys

from common import median, parser, report
from loops import trainer, tutorial
from turns import race, rows

TARGET, BUSY_TARGET = 0.5, 0.35


def main() -> int:
    """Run both loops in turn and say whether the target is reached."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--busy", action="store_true", help="keep one core busy with another process")
    options.add_argument("--threads", default="auto", help="of the trainer: a number, or auto (the default)")
    chosen = options.parse_args()
    chosen.threads = chosen.threads if chosen.threads == "auto" else int(chosen.threads)
    contenders = {"tutorial": tutorial, "cnnspec": trainer}
    laps, prepared = race(contenders, chosen, chosen.epochs, busy=chosen.busy)
    table = rows(laps, ("cnnspec", "tutorial"))
    for row, lap in zip(table, laps["cnnspec"], strict=True):
        row["cnnspec's threads"] = lap["threads"]
    medians = {name: median([lap["seconds"] for lap in each]) for name, each in laps.items()}
    ratio, target = medians["cnnspec"] / medians["tutorial"], BUSY_TARGET if chosen.busy else TARGET
    facts = {
        "threads": chosen.threads,
        "prepared once, s": round(prepared["cnnspec"]["prepared"], 2),
        "medians, s": medians,
        "ratio of the medians": round(ratio, 3),
    }
    where = "beside a busy process" if chosen.busy else "on a quiet machine"
    title = f"An epoch of LeNet-5 on MNIST, test included, {where}"
    report(title, table, chosen.json, **facts, target=target, reached=ratio <= target)
    return 0 if ratio <= target else 1


if __name__ == "__main__":
    sys.exit(main())
