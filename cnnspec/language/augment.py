"""The section `data.augment`: random changes of the training pictures."""

from typing import Annotated

from pydantic import Field

from cnnspec.language.choice import Section


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
