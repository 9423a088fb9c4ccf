"""The names of scalars that earlier versions wrote, and what the same scalars are called now.

Every reader of metrics.jsonl and of checkpoints goes through `present_tag`, so that old runs are read as new ones are.
"""

_RENAMED = {
    "loss/discriminator": "loss/discriminator/total",
    "loss/synthesizer": "loss/generator/total",
    **{
        f"loss/{term}": f"loss/generator/{term}"
        for term in ("mel", "kl", "duration", "adversarial", "feature_matching", "subband_stft")
    },
    "gradient_norm/synthesizer": "gradient_norm/generator",
    "gradient_norm_max/synthesizer": "gradient_norm_max/generator",
    "passed_over/discriminator": "skipped_updates/discriminator",
    "passed_over/synthesizer": "skipped_updates/generator",
    "pace/epoch": "schedule/epoch",
    "pace/learning_rate": "schedule/learning_rate",
    "pace/seconds_per_step": "throughput/seconds_per_step",
}
# Of scalars that there is one of for each sub-discriminator, whose name follows.
_RENAMED_GROUPS = {
    "discriminator_real": "loss/discriminator/real",
    "discriminator_fake": "loss/discriminator/generated",
    "discriminator_fooled": "loss/generator/adversarial",
    "accuracy_real": "discriminator_accuracy/real",
    "accuracy_fake": "discriminator_accuracy/generated",
}


def present_tag(tag: str) -> str:
    """The present name of a scalar; one that was never renamed, or is a present name already, is returned as it is."""
    group, _, member = tag.partition("/")
    if member and group in _RENAMED_GROUPS:
        return f"{_RENAMED_GROUPS[group]}/{member}"
    return _RENAMED.get(tag, tag)
