"""A decoder of another kind, which learns from latents and audio what the decoder of the voice makes of them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from configs import Config
from models.decoders import Decoder
from models.synthesizer import Synthesizer
from training.features import Features, pitch_loss
from training.recover.crops import Crops
from training.recover.learning import Batch, Learned, Progress, learn
from training.recover.own_speech import Utterance

_CROP = 32  # frames; a segment of VITS
_CONTEXT = 8  # frames on both sides, that the convolutions of a decoder see and no loss does
_PITCH_WEIGHT = 2.0  # of a difference of log pitches, against one of log-mel spectrograms


def learn_decoder(
    decoder: nn.Module,
    synthesizer: Synthesizer,
    config: Config,
    utterances: Sequence[Utterance],
    *,
    most_steps: int,
    seed: int,
    progress: Progress = lambda step, loss: None,
) -> Learned:
    """Learn to decode the latents of utterances, by the L1 distance of log-mel spectrograms and of log pitches.

    Args:
        decoder: a `Decoder`, changed in place.
        synthesizer: of the voice, whose embeddings of speakers are used.
        config: of the voice, with the decoder that learns.
        utterances: of the voice.
        most_steps: updates at most.
        seed: of crops.
        progress: told the step and the held-out loss.

    Raises:
        InputError: there are too few utterances, or a window is too short for a pitch that is predicted.
    """
    audio = config.audio
    crops = Crops(audio, frames=_CROP + 2 * _CONTEXT, warped=False, seed=seed)
    mel = Features(config, torch.device("cpu")).mel
    pitch = pitch_loss(audio) if config.decoder.predicts_pitch else None
    margin = _CONTEXT * audio.hop_length

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        real, z, speakers = batch
        with torch.no_grad():
            speaker = synthesizer.embed_speaker(speakers)
        generated = network(z, speaker)
        distance = (mel(generated[:, 0, margin:-margin]) - mel(real[:, 0, margin:-margin])).abs().mean()
        if pitch is None:
            return distance
        assert isinstance(network, Decoder)
        return distance + _PITCH_WEIGHT * pitch(real, network.log_pitch(z, speaker))

    return learn(decoder, loss, crops.batch, utterances, most_steps=most_steps, progress=progress)
