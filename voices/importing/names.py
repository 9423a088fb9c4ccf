"""What our tensors are called elsewhere: in the original repository, which Piper trains with, and in transformers.

A name leads from our side to theirs, so every tensor of ours is looked for, and what nobody looked for is left over.
"""

import re

Renaming = tuple[tuple[str, str], ...]

_ORIGINAL: Renaming = (
    (r"^speakers\.", "emb_g."),
    (r"^text_encoder\.embedding\.", "enc_p.emb."),
    (r"^text_encoder\.statistics\.", "enc_p.proj."),
    (r"^text_encoder\.blocks\.(\d+)\.attention\.", r"enc_p.encoder.attn_layers.\1."),
    (r"^text_encoder\.blocks\.(\d+)\.attention_norm\.", r"enc_p.encoder.norm_layers_1.\1."),
    (r"^text_encoder\.blocks\.(\d+)\.feed_forward\.", r"enc_p.encoder.ffn_layers.\1."),
    (r"^text_encoder\.blocks\.(\d+)\.feed_forward_norm\.", r"enc_p.encoder.norm_layers_2.\1."),
    (r"\.query\.", ".conv_q."),
    (r"\.key\.", ".conv_k."),
    (r"\.value\.", ".conv_v."),
    (r"(attn_layers\.\d+)\.output\.", r"\1.conv_o."),
    (r"\.relative_keys$", ".emb_rel_k"),
    (r"\.relative_values$", ".emb_rel_v"),
    (r"\.widen\.", ".conv_1."),
    (r"\.narrow\.", ".conv_2."),
    (r"^posterior_encoder\.", "enc_q."),
    (r"\.wavenet\.gates\.", ".enc.in_layers."),
    (r"\.wavenet\.residual_skips\.", ".enc.res_skip_layers."),
    (r"\.wavenet\.speaker\.", ".enc.cond_layer."),
    (r"^enc_q\.statistics\.", "enc_q.proj."),
    (r"\.shift\.(weight|bias)$", r".post.\1"),
    (r"^duration_predictor\.posterior_", "dp.post_"),
    (r"^duration_predictor\.", "dp."),
    (r"flow\.affine\.shift$", "flow.affine.m"),
    (r"flow\.affine\.log_scale$", "flow.affine.logs"),
    (r"flow\.affine\.", "flows.0."),
    (r"(?<=[._])stack\.depthwise\.", "convs.convs_sep."),
    (r"(?<=[._])stack\.pointwise\.", "convs.convs_1x1."),
    (r"(?<=[._])stack\.depthwise_norms\.", "convs.norms_1."),
    (r"(?<=[._])stack\.pointwise_norms\.", "convs.norms_2."),
    (r"\.shape\.", ".proj."),
    (r"^(dp\.(?:post_)?)projection\.", r"\1proj."),
    (r"^dp\.first\.", "dp.conv_1."),
    (r"^dp\.first_norm\.", "dp.norm_1."),
    (r"^dp\.second\.", "dp.conv_2."),
    (r"^dp\.second_norm\.", "dp.norm_2."),
    (r"^decoder\.input\.", "dec.conv_pre."),
    (r"^decoder\.output\.", "dec.conv_post."),
    (r"^decoder\.upsamples\.", "dec.ups."),
    (r"^decoder\.", "dec."),
    (r"\.dilated\.", ".convs1."),
    (r"\.plain\.", ".convs2."),
    (r"(?<=[._])input\.", "pre."),
    (r"\.speaker\.", ".cond."),
)

_HUGGING_FACE: Renaming = (
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
    (r"\.shift\.(weight|bias)$", r".conv_post.\1"),
    (r"^duration_predictor\.posterior_", "duration_predictor.post_"),
    (r"flow\.affine\.shift$", "flows.0.translate"),
    (r"flow\.affine\.log_scale$", "flows.0.log_scale"),
    (r"\.shape\.", ".conv_proj."),
    (r"\.depthwise\.", ".convs_dilated."),
    (r"\.pointwise\.", ".convs_pointwise."),
    (r"\.depthwise_norms\.", ".norms_1."),
    (r"\.pointwise_norms\.", ".norms_2."),
    (r"([._])stack\.", r"\1conv_dds."),
    (r"^(duration_predictor\.(?:post_)?)projection\.", r"\1conv_proj."),
    (r"^duration_predictor\.first\.", "duration_predictor.conv_1."),
    (r"^duration_predictor\.first_norm\.", "duration_predictor.norm_1."),
    (r"^duration_predictor\.second\.", "duration_predictor.conv_2."),
    (r"^duration_predictor\.second_norm\.", "duration_predictor.norm_2."),
    (r"^decoder\.upsamples\.", "decoder.upsampler."),
    (r"^decoder\.output\.", "decoder.conv_post."),
    (r"\.dilated\.", ".convs1."),
    (r"\.plain\.", ".convs2."),
    (r"([._])input\.", r"\1conv_pre."),
    (r"\.speaker\.", ".cond."),
)


def original_name(name: str, *, kernels: int) -> str:
    """What the original repository calls a tensor of ours, layer norms and residual blocks aside.

    Its list of flows has the reversals between them, and its residual blocks are one list over upsamplings and kernels.

    Args:
        name: ours, weight norms folded.
        kernels: residual blocks behind each upsampling.
    """
    name = _blocks_in_one_list(name, "dec.resblocks", kernels)
    name = re.sub(r"^flow\.couplings\.(\d+)", lambda match: f"flow.flows.{2 * int(match[1])}", name)
    name = re.sub(r"flow\.couplings\.(\d+)", lambda match: f"flows.{2 * int(match[1]) + 1}", name)
    return _renamed(name, _ORIGINAL)


def hugging_face_name(name: str, *, kernels: int, deterministic: bool) -> str:
    """What `transformers.VitsModel` calls a tensor of ours; arguments as for `original_name`.

    Args:
        name: ours, weight norms folded.
        kernels: residual blocks behind each upsampling.
        deterministic: whether the duration predictor is the deterministic one, which names its output otherwise.
    """
    if deterministic:
        name = name.replace("duration_predictor.projection.", "duration_predictor.proj.")
    name = _blocks_in_one_list(name, "decoder.resblocks", kernels)
    name = re.sub(r"^flow\.couplings\.", "flow.flows.", name)
    name = re.sub(r"flow\.couplings\.(\d+)", lambda match: f"flows.{int(match[1]) + 1}", name)
    return _renamed(name, _HUGGING_FACE)


def _renamed(name: str, renaming: Renaming) -> str:
    for pattern, replacement in renaming:
        name = re.sub(pattern, replacement, name)
    return name


def _blocks_in_one_list(name: str, theirs: str, kernels: int) -> str:
    return re.sub(
        r"^decoder\.residuals\.(\d+)\.blocks\.(\d+)",
        lambda match: f"{theirs}.{int(match[1]) * kernels + int(match[2])}",
        name,
    )
