"""Tensor names of other implementations: of the original repository, which Piper trains with, and of transformers.

Names are mapped from ours to theirs: every tensor of ours is looked up there, and what nothing looked up is left over.
"""

import re

# Ours, the original repository's, transformers'; applied in this order, each to the result of those before.
_RENAMING = (
    (r"^speakers\.", "emb_g.", "embed_speaker."),
    (r"^text_encoder\.embedding\.", "enc_p.emb.", "text_encoder.embed_tokens."),
    (r"^text_encoder\.statistics\.", "enc_p.proj.", "text_encoder.project."),
    (r"^text_encoder\.blocks\.", "enc_p.encoder.", "text_encoder.encoder.layers."),
    (r"(\d+)\.attention\.", r"attn_layers.\1.", r"\1.attention."),
    (r"(\d+)\.attention_norm\.", r"norm_layers_1.\1.", r"\1.layer_norm."),
    (r"(\d+)\.feed_forward\.", r"ffn_layers.\1.", r"\1.feed_forward."),
    (r"(\d+)\.feed_forward_norm\.", r"norm_layers_2.\1.", r"\1.final_layer_norm."),
    (r"\.query\.", ".conv_q.", ".q_proj."),
    (r"\.key\.", ".conv_k.", ".k_proj."),
    (r"\.value\.", ".conv_v.", ".v_proj."),
    (r"(attn_layers\.\d+|\.attention)\.output\.", r"\1.conv_o.", r"\1.out_proj."),
    (r"\.relative_keys$", ".emb_rel_k", ".emb_rel_k"),
    (r"\.relative_values$", ".emb_rel_v", ".emb_rel_v"),
    (r"\.widen\.", ".conv_1.", ".conv_1."),
    (r"\.narrow\.", ".conv_2.", ".conv_2."),
    (r"^posterior_encoder\.statistics\.", "enc_q.proj.", "posterior_encoder.conv_proj."),
    (r"^posterior_encoder\.", "enc_q.", "posterior_encoder."),
    (r"\.wavenet\.gates\.", ".enc.in_layers.", ".wavenet.in_layers."),
    (r"\.wavenet\.residual_skips\.", ".enc.res_skip_layers.", ".wavenet.res_skip_layers."),
    (r"\.wavenet\.speaker\.", ".enc.cond_layer.", ".wavenet.cond_layer."),
    (r"\.shift\.(weight|bias)$", r".post.\1", r".conv_post.\1"),
    (r"^duration_predictor\.posterior_", "dp.post_", "duration_predictor.post_"),
    (r"^duration_predictor\.", "dp.", "duration_predictor."),
    (r"flow\.affine\.shift$", "flows.0.m", "flows.0.translate"),
    (r"flow\.affine\.log_scale$", "flows.0.logs", "flows.0.log_scale"),
    (r"(?<=[._])stack\.depthwise\.", "convs.convs_sep.", "conv_dds.convs_dilated."),
    (r"(?<=[._])stack\.pointwise\.", "convs.convs_1x1.", "conv_dds.convs_pointwise."),
    (r"(?<=[._])stack\.depthwise_norms\.", "convs.norms_1.", "conv_dds.norms_1."),
    (r"(?<=[._])stack\.pointwise_norms\.", "convs.norms_2.", "conv_dds.norms_2."),
    (r"\.shape\.", ".proj.", ".conv_proj."),
    (r"(?<=[._])projection\.", "proj.", "conv_proj."),
    (r"\.first\.", ".conv_1.", ".conv_1."),
    (r"\.first_norm\.", ".norm_1.", ".norm_1."),
    (r"\.second\.", ".conv_2.", ".conv_2."),
    (r"\.second_norm\.", ".norm_2.", ".norm_2."),
    (r"^decoder\.input\.", "dec.conv_pre.", "decoder.conv_pre."),
    (r"^decoder\.output\.", "dec.conv_post.", "decoder.conv_post."),
    (r"^decoder\.upsamples\.", "dec.ups.", "decoder.upsampler."),
    (r"^decoder\.", "dec.", "decoder."),
    (r"\.dilated\.", ".convs1.", ".convs1."),
    (r"\.plain\.", ".convs2.", ".convs2."),
    (r"(?<=[._])input\.", "pre.", "conv_pre."),
    (r"\.speaker\.", ".cond.", ".cond."),
)


def original_name(name: str, *, kernels: int) -> str:
    """The original repository's name of a tensor of ours, layer norms and residual blocks aside.

    Its list of flows has the reversals between them, and its residual blocks are one list over upsamplings and kernels.

    Args:
        name: ours, weight norms folded.
        kernels: residual blocks after each upsampling.
    """
    name = _blocks_in_one_list(name, kernels)
    name = re.sub(r"^flow\.couplings\.(\d+)", lambda match: f"flow.flows.{2 * int(match[1])}", name)
    name = re.sub(r"flow\.couplings\.(\d+)", lambda match: f"flows.{2 * int(match[1]) + 1}", name)
    for pattern, theirs, _ in _RENAMING:
        name = re.sub(pattern, theirs, name)
    return name


def hugging_face_name(name: str, *, kernels: int, deterministic: bool) -> str:
    """The name of a tensor of ours in `transformers.VitsModel`.

    Args:
        name: ours, weight norms folded.
        kernels: residual blocks after each upsampling.
        deterministic: whether the duration predictor is the deterministic one, whose projection has another name.
    """
    if deterministic:
        name = name.replace("duration_predictor.projection.", "duration_predictor.proj.")
    name = _blocks_in_one_list(name, kernels)
    name = re.sub(r"^flow\.couplings\.", "flow.flows.", name)
    name = re.sub(r"flow\.couplings\.(\d+)", lambda match: f"flows.{int(match[1]) + 1}", name)
    for pattern, _, theirs in _RENAMING:
        name = re.sub(pattern, theirs, name)
    return name


def _blocks_in_one_list(name: str, kernels: int) -> str:
    return re.sub(
        r"^decoder\.residuals\.(\d+)\.blocks\.(\d+)",
        lambda match: f"decoder.resblocks.{int(match[1]) * kernels + int(match[2])}",
        name,
    )
