"""Typed, validated settings, and one TOML file per experiment."""

from configs.data import AudioSettings, ColumnSettings, DataSettings
from configs.decoders import (
    DECODER_KINDS,
    BigvganSettings,
    DecoderSettings,
    HifiganSettings,
    IstftnetSettings,
    MultibandSettings,
    VocosSettings,
)
from configs.errors import InputError, command
from configs.load import differences, dump_config, load_config, parse_config, with_architecture
from configs.networks import DiscriminatorSettings, ModelSettings
from configs.schema import Config
from configs.speaking import SpeakingSettings
from configs.training import LossSettings, RunSettings, TrainSettings

__all__ = [
    "DECODER_KINDS",
    "AudioSettings",
    "BigvganSettings",
    "ColumnSettings",
    "Config",
    "DataSettings",
    "DecoderSettings",
    "DiscriminatorSettings",
    "HifiganSettings",
    "InputError",
    "IstftnetSettings",
    "LossSettings",
    "ModelSettings",
    "MultibandSettings",
    "RunSettings",
    "SpeakingSettings",
    "TrainSettings",
    "VocosSettings",
    "command",
    "differences",
    "dump_config",
    "load_config",
    "parse_config",
    "with_architecture",
]
