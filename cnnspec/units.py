"""Numbers with their units, as people read them."""


def duration(seconds: float) -> str:
    """Return a time as ``7.1 s``, ``1:05`` or ``2:03:04``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
