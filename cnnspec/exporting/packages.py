"""The packages that ONNX takes, which need not be installed."""

from importlib.util import find_spec

from cnnspec.errors import CnnspecError, Problem

READING = ("onnx", "onnxruntime")
WRITING = (*READING, "onnxscript")


def require(packages: tuple[str, ...]) -> None:
    """Raise CnnspecError where one of the packages is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        why = f"{' and '.join(missing)} {'are' if missing[1:] else 'is'} missing"
        fix = "Install what ONNX files take: pip install 'cnnspec[onnx]'"
        raise CnnspecError(Problem("ONNX needs packages that are not installed", why, fix))
