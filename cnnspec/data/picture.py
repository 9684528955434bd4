"""Files of pictures, opened safely; a user's picture as an input, or as a digit."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from torch import Tensor

from cnnspec.data.digit import as_digit
from cnnspec.data.prepare import fit_picture
from cnnspec.errors import CnnspecError, DataError, Place, Problem
from cnnspec.shape import Shape

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TIFF")
"""Those of torchvision's ImageFolder, and GIF. PIL reads more, some by starting other programs."""


@contextmanager
def opened(source: str | Path | BinaryIO, place: str = "") -> Iterator[Image.Image]:
    """Give the picture in a file, whose pixels are read when they are asked for.

    What is wrong with its bytes, then or while the picture is used, is raised as DataError at `place`,
    which is the file's path if not given.
    """
    where = Place(place or str(source))
    whole = "Check that the file is whole and that you may read it"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=FORMATS) as image:
                yield image
    except CnnspecError:
        raise
    except FileNotFoundError:
        raise _unreadable(
            "there is no such file", "Check the name, or the folder you are in", where
        ) from None
    except IsADirectoryError:
        raise _unreadable("this is a folder", "Name the pictures in it", where) from None
    except UnidentifiedImageError:
        what = "the file is not a picture in PNG, JPEG, GIF, BMP, WebP, PPM or TIFF"
        raise _unreadable(what, "Convert it to one of these", where) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise _unreadable("the picture has too many pixels", "Make it smaller", where) from None
    except Exception as error:  # noqa: BLE001  # on damaged bytes, PIL's readers raise whatever they come to
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _unreadable(f"the picture cannot be read; {why}", whole, where) from None


def read_picture(path: str | Path, shape: Shape) -> Tensor:
    """Return a picture as an input of that shape, prepared as a data set's pictures are. Raises DataError."""
    with opened(path) as image:
        return fit_picture(image, shape)


def read_digit(path: str | Path) -> Tensor:
    """Return a picture of any size and mode as a digit (1, 28, 28) in uint8, light on dark.

    A picture of 28×28 is taken as it is, apart from being inverted where it is dark on
    light; others are cropped, scaled and centred as MNIST's were. Raises DataError.
    """
    with opened(path) as image:
        digit = as_digit(image)
    if digit is None:
        what, why = "there is nothing in the picture", "all of it has one colour"
        raise DataError(Problem(what, why, "Give a picture of one digit", Place(str(path))))
    return digit


def _unreadable(what: str, fix: str, where: Place) -> DataError:
    return DataError(Problem(what, "", fix, where))
