"""A setting that nobody ever declared: every surface must show it from its declaration alone."""

from typing import Annotated

from pydantic import Field

from tenants.plans import Plan
from tenants.settings.field import Max, Setting
from tenants.settings.kinds import NUMBER
from tenants.settings.schema import Settings


class Invented(Settings):
    MOON_PHASE: Annotated[
        int,
        Field(ge=0, le=29, description="Days since the last new moon."),
        Setting("Phase of the moon", section="sky", kind=NUMBER, example="7", up_to={Plan.FREE: Max(14)}),
    ] = 1
