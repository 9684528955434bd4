"""A bar for each file that is being downloaded."""

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class DownloadBar:
    """Shows on a terminal how far downloads are; elsewhere it shows nothing."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def show(self, name: str, done: int, total: int | None) -> None:
        """Move the file's bar, which appears when it is first heard of."""
        if not self.console.is_interactive:
            return
        if self.progress is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(20),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self.progress = Progress(*columns, console=self.console, transient=True, redirect_stdout=False)
            self.progress.start()
        if name in self.tasks:
            self.progress.update(self.tasks[name], completed=done, total=total)
        else:  # what came in an earlier call says nothing of the speed
            self.tasks[name] = self.progress.add_task(name, completed=done, total=total)

    def close(self) -> None:
        """Take the bars off the screen."""
        if self.progress:
            self.progress.stop()
        self.progress, self.tasks = None, {}
