"""The base class and the field types of the sections."""

from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import PydanticCustomError

_TOO_LARGE = 2**31  # for the sizes, strides and counts that torch takes
Positive = Annotated[int, Field(gt=0, lt=_TOO_LARGE)]
NonNegative = Annotated[int, Field(ge=0, lt=_TOO_LARGE)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
# TOML has lists only; strictness is kept for what is inside them.
Integers = Annotated[tuple[Annotated[StrictInt, Field(gt=0, lt=_TOO_LARGE)], ...], Field(strict=False, min_length=1)]
IntegerTable = Annotated[tuple[Integers, ...], Field(strict=False, min_length=1)]
Text = Annotated[str, Field(min_length=1)]
# Shells leave a ~ alone that does not begin a word, as in data.root=~/corpus.
PathText = Annotated[
    Text, AfterValidator(lambda path: str(Path(path).expanduser()) if path[:2] in ("~", "~/") else path)
]
# TOML has numbers, and a column may be given by its number.
ColumnName = Annotated[Text, BeforeValidator(lambda name: str(name) if type(name) is int else name)]

Rules = list[tuple[bool, str]]  # whether each is broken, and the sentence that says so


def number_or_auto(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate a whole number or "auto", with one error message for both."""
    try:
        return validate(value)
    except ValidationError as error:
        raise PydanticCustomError("number_or_auto", "Input should be a whole number above 0, or auto") from error


def number_or_always(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate a number of steps or "always", with one error message for both."""
    try:
        return validate(value)
    except ValidationError as error:
        raise PydanticCustomError(
            "number_or_always", 'Input should be a number of steps above 0, or "always"'
        ) from error


class Section(BaseModel):
    """Base of all sections: frozen, unknown keys forbidden, no type coercion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, serialize_by_alias=True)
