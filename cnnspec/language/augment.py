"""The section `data.augment`: random changes of the training pictures."""

from typing import Annotated

from pydantic import Field

from cnnspec.language.choice import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Augment(Section):
    """Random changes of the training pictures, drawn anew for every sample and epoch."""

    shift: Annotated[float, Field(ge=0)] = Field(0.0, description="pixels along each axis, at most")
    rotation: Annotated[float, Field(ge=0, le=180)] = Field(
        0.0, description="degrees to either side, at most"
    )
    scale: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the size along each axis, at most"
    )
    shear: Annotated[float, Field(ge=0, lt=90)] = Field(0.0, description="degrees to either side, at most")
    elastic: Annotated[float, Field(ge=0)] = Field(
        0.0, description="pixels (standard deviation) that a 5×5 grid of points moves"
    )
    crop: Annotated[int, Field(ge=0)] = Field(
        0, description="pixels of black around the picture, which its size is then cut from, whole pixels on"
    )
    flip: Share = Field(0.0, description="probability that left and right change places")
    erasing: Share = Field(0.0, description="probability that a rectangle becomes black")
    brightness: Share = Field(0.0, description="share by which values are multiplied up or down, at most")
    contrast: Share = Field(
        0.0, description="share by which differences from the mean grow or shrink, at most"
    )
    mixup: Annotated[float, Field(ge=0)] = Field(
        0.0, description="alpha of Beta(alpha, alpha): the share of a picture that another is blended with"
    )
    cutmix: Annotated[float, Field(ge=0)] = Field(
        0.0, description="alpha of Beta(alpha, alpha): the share of a picture beside a rectangle of another"
    )

    @property
    def mixes(self) -> bool:
        """Whether pictures are mixed with others, so that they have two classes."""
        return bool(self.mixup or self.cutmix)

    def spatial(self) -> list[str]:
        """Return the changes asked for that need rows and columns."""
        anywhere = ("brightness", "contrast", "mixup")
        return [name for name, value in self if value and name not in anywhere]
