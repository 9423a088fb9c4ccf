"""Typed, validated settings, and one TOML file per experiment."""

from configs.errors import InputError, command
from configs.load import differences, dump_config, load_config, parse_config
from configs.schema import (
    AudioSettings,
    Config,
    DataSettings,
    DecoderSettings,
    DiscriminatorSettings,
    LossSettings,
    ModelSettings,
    RunSettings,
    SpeakingSettings,
    TrainSettings,
)

__all__ = [
    "AudioSettings",
    "Config",
    "DataSettings",
    "DecoderSettings",
    "DiscriminatorSettings",
    "InputError",
    "LossSettings",
    "ModelSettings",
    "RunSettings",
    "SpeakingSettings",
    "TrainSettings",
    "command",
    "differences",
    "dump_config",
    "load_config",
    "parse_config",
]
