"""`transformers.VitsModel` as an oracle: a second implementation of VITS, given the weights of one of our models."""

import re
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import VitsConfig, VitsModel

from configs import Config, HifiganSettings
from models import Synthesizer

_RENAMED = (
    (r"^speakers\.", "embed_speaker."),
    (r"^text_encoder\.embedding\.", "text_encoder.embed_tokens."),
    (r"^text_encoder\.blocks\.", "text_encoder.encoder.layers."),
    (r"^text_encoder\.statistics\.", "text_encoder.project."),
    (r"\.attention\.query\.", ".attention.q_proj."),
    (r"\.attention\.key\.", ".attention.k_proj."),
    (r"\.attention\.value\.", ".attention.v_proj."),
    (r"\.attention\.output\.", ".attention.out_proj."),
    (r"\.relative_keys$", ".emb_rel_k"),
    (r"\.relative_values$", ".emb_rel_v"),
    (r"\.attention_norm\.", ".layer_norm."),
    (r"\.feed_forward_norm\.", ".final_layer_norm."),
    (r"\.feed_forward\.widen\.", ".feed_forward.conv_1."),
    (r"\.feed_forward\.narrow\.", ".feed_forward.conv_2."),
    (r"^posterior_encoder\.statistics\.", "posterior_encoder.conv_proj."),
    (r"\.wavenet\.gates\.", ".wavenet.in_layers."),
    (r"\.wavenet\.residual_skips\.", ".wavenet.res_skip_layers."),
    (r"\.wavenet\.speaker\.", ".wavenet.cond_layer."),
    (r"^flow\.couplings\.(\d+)\.shift\.", r"flow.couplings.\1.conv_post."),
    (r"^flow\.couplings\.", "flow.flows."),
    (r"^duration_predictor\.posterior_", "duration_predictor.post_"),
    (r"flow\.affine\.shift$", "flows.0.translate"),
    (r"flow\.affine\.log_scale$", "flows.0.log_scale"),
    (r"flow\.couplings\.(\d+)\.shape\.", r"flow.couplings.\1.conv_proj."),
    (r"\.depthwise\.", ".convs_dilated."),
    (r"\.pointwise\.", ".convs_pointwise."),
    (r"\.depthwise_norms\.", ".norms_1."),
    (r"\.pointwise_norms\.", ".norms_2."),
    (r"([._])stack\.", r"\1conv_dds."),
    (r"^duration_predictor\.first\.", "duration_predictor.conv_1."),
    (r"^duration_predictor\.first_norm\.", "duration_predictor.norm_1."),
    (r"^duration_predictor\.second\.", "duration_predictor.conv_2."),
    (r"^duration_predictor\.second_norm\.", "duration_predictor.norm_2."),
    (r"^decoder\.upsamples\.", "decoder.upsampler."),
    (r"\.dilated\.", ".convs1."),
    (r"\.plain\.", ".convs2."),
    (r"^decoder\.output\.", "decoder.conv_post."),
    (r"([._])input\.", r"\1conv_pre."),
    (r"\.speaker\.", ".cond."),
)


def counterpart(ours: Synthesizer, config: Config, *, num_symbols: int, num_speakers: int = 1) -> Any:
    """A `VitsModel` with our weights, every one of them, in evaluation mode and without noise of its own."""
    theirs: Any = VitsModel(_their_config(config, num_symbols, num_speakers))
    theirs.eval()
    for module in list(theirs.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    weights = {_their_name(name, config): _their_shape(name, x) for name, x in _plain_weights(ours).items()}
    theirs.load_state_dict(weights, strict=True)
    if config.model.duration_predictor == "stochastic":
        # Their training direction flips the two channels after the affine map as well, which neither the paper's code
        # nor their own inverse does; nothing there uses that direction. Flipping once more undoes it.
        for flows in (theirs.duration_predictor.flows, theirs.duration_predictor.post_flows):
            flows[0].forward = _flipped_back(flows[0].forward)
    return theirs


def _their_config(config: Config, num_symbols: int, num_speakers: int) -> VitsConfig:
    model, decoder = config.model, config.decoder
    assert isinstance(decoder, HifiganSettings), "their decoder is HiFi-GAN"
    assert model.posterior_kernel_size == model.coupling_kernel_size, "their WaveNets share one kernel size"
    if model.duration_predictor == "stochastic":
        assert model.duration_channels == model.hidden_channels, "their stochastic predictor has no width of its own"
    return VitsConfig(
        vocab_size=num_symbols,
        hidden_size=model.hidden_channels,
        num_hidden_layers=model.text_layers,
        num_attention_heads=model.attention_heads,
        window_size=model.attention_window,
        ffn_dim=model.filter_channels,
        ffn_kernel_size=model.text_kernel_size,
        flow_size=model.latent_channels,
        spectrogram_bins=config.audio.spectrogram_bins,
        use_stochastic_duration_prediction=model.duration_predictor == "stochastic",
        num_speakers=num_speakers,
        speaker_embedding_size=model.speaker_channels if num_speakers > 1 else 0,
        upsample_initial_channel=decoder.initial_channels,
        upsample_rates=list(decoder.upsample_rates),
        upsample_kernel_sizes=list(decoder.upsample_kernel_sizes),
        resblock_kernel_sizes=list(decoder.residual_kernel_sizes),
        resblock_dilation_sizes=[list(dilations) for dilations in decoder.residual_dilations],
        duration_predictor_kernel_size=model.duration_kernel_size,
        duration_predictor_num_flows=model.duration_flows,
        duration_predictor_filter_channels=model.duration_channels,
        prior_encoder_num_flows=model.coupling_layers,
        prior_encoder_num_wavenet_layers=model.coupling_wavenet_layers,
        posterior_encoder_num_wavenet_layers=model.posterior_layers,
        wavenet_kernel_size=model.posterior_kernel_size,
        speaking_rate=1.0,
        noise_scale=0.0,
        noise_scale_duration=0.0,
    )


def _their_name(name: str, config: Config) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    if config.model.duration_predictor == "deterministic":
        name = name.replace("duration_predictor.projection.", "duration_predictor.proj.")
    name = re.sub(r"^(duration_predictor\.(?:post_)?)projection\.", r"\1conv_proj.", name)
    # Their list of duration flows has the affine map at 0, ours stands beside the couplings.
    name = re.sub(
        r"^(duration_predictor\.(?:post_)?)flow\.couplings\.(\d+)\.",
        lambda match: f"{match[1]}flows.{int(match[2]) + 1}.",
        name,
    )
    # Their residual blocks are one list over upsamplings and kernels.
    assert isinstance(config.decoder, HifiganSettings)
    kernels = len(config.decoder.residual_kernel_sizes)
    return re.sub(
        r"^decoder\.residuals\.(\d+)\.blocks\.(\d+)\.",
        lambda match: f"decoder.resblocks.{int(match[1]) * kernels + int(match[2])}.",
        name,
    )


def _their_shape(name: str, x: Tensor) -> Tensor:
    if name.endswith(("relative_keys", "relative_values")):
        return x.unsqueeze(0)
    return x.unsqueeze(2) if name.endswith(".weight") and ".pointwise." in name else x  # theirs convolve


def _plain_weights(model: nn.Module) -> dict[str, Tensor]:
    """Every weight under its name, the normalised ones as what the layer multiplies by."""
    plain = {name: x.detach() for name, x in model.named_parameters() if ".parametrizations." not in name}
    normalised = {
        f"{path}.weight": module.weight.detach()
        for path, module in model.named_modules()
        if parametrize.is_parametrized(module, "weight") and isinstance(module.weight, Tensor)
    }
    return plain | normalised


def _flipped_back(forward: Any) -> Any:
    def forward_without_flip(x: Tensor, mask: Tensor, **options: Any) -> tuple[Tensor, Any]:
        y, log_determinant = forward(x, mask, **options)
        return (y if options.get("reverse") else torch.flip(y, [1])), log_determinant

    return forward_without_flip
