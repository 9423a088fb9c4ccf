"""Alignment of text and recordings by monophones, before the text encoder knows any phoneme.

The alignment search of VITS (section 2.2.1) needs a prior that it helps to learn: for the first thousands of steps,
each follows the other's noise. A hidden Markov model of monophones needs no network: one diagonal Gaussian per symbol
on mel-frequency cepstra, from a flat start (all symbols equally long) by Viterbi training (Rabiner, 1989, section V.B;
Young et al., The HTK Book, section 8.3). Its few passes over the recordings take less time than a hundred steps.

B batch · P phonemes with blanks · F frames · M mel bands · C cepstra and their differences · V symbols
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torchaudio.functional import compute_deltas, create_dct

from models.alignment import alignment_scores, search_durations
from models.gaussian import Gaussian
from models.masks import length_mask

_CEPSTRA = 13  # with their first and second differences, the front end of most recognisers before 2012
_MOST_FRAMES = 600_000  # that are looked at: two hours, which are plenty for a hundred Gaussians
_PASSES = 6  # after which boundaries move by a tenth of a frame
_PRIOR_FRAMES = 2.0  # of mean 0 and variance 1, beside those of a symbol: rare symbols stay close to the average
_LEAST_VARIANCE = 0.05


class MonophoneAligner(nn.Module):
    """A Gaussian on cepstra for each symbol, and for the blank after each symbol.

    Args:
        num_symbols: V.
        mel_bands: M.
        pad: the symbol between any two others.
    """

    mean: Tensor
    log_std: Tensor
    dct: Tensor

    def __init__(self, *, num_symbols: int, mel_bands: int, pad: int = 0) -> None:
        super().__init__()
        self.num_symbols, self.pad = num_symbols, pad
        # A blank is the second state of the symbol before it.
        self.register_buffer("mean", torch.zeros(2 * num_symbols, 3 * _CEPSTRA))  # [2 V, C]
        self.register_buffer("log_std", torch.zeros(2 * num_symbols, 3 * _CEPSTRA))  # [2 V, C]
        self.register_buffer("dct", create_dct(_CEPSTRA, mel_bands, norm="ortho"), persistent=False)  # [M, 13]

    @torch.no_grad()
    def forward(self, phoneme_ids: Tensor, phoneme_lengths: Tensor, mel: Tensor, frame_lengths: Tensor) -> Tensor:
        """Frames of each phoneme: [B, P] integers, as `search_durations` finds them.

        Args:
            phoneme_ids: [B, P].
            phoneme_lengths: [B].
            mel: [B, M, F], logarithmic.
            frame_lengths: [B], each at least its number of phonemes.
        """
        states = self._states(phoneme_ids)
        return self._search(states, phoneme_lengths, self._cepstra(mel, frame_lengths), frame_lengths)

    @torch.no_grad()
    def fit(self, recordings: Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        """Viterbi training from a flat start.

        Args:
            recordings: batches of the arguments of `forward`. The first two hours are looked at; their cepstra are held
                in memory, 48 MB per hour.
        """
        held: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        frames = 0
        for ids, lengths, mel, frame_lengths in recordings:
            held.append((self._states(ids), lengths, self._cepstra(mel, frame_lengths), frame_lengths))
            frames += int(frame_lengths.sum())
            if frames > _MOST_FRAMES:
                break
        durations = [_equal_durations(lengths, frames, states.shape[1]) for states, lengths, _, frames in held]
        for _ in range(_PASSES):
            self._estimate(held, durations)
            durations = [self._search(*each) for each in held]
        self._estimate(held, durations)

    def _estimate(self, held: list[tuple[Tensor, Tensor, Tensor, Tensor]], durations: list[Tensor]) -> None:
        """Set every Gaussian to the mean and the variance of the frames that are aligned with it."""
        count = torch.full_like(self.mean[:, 0], _PRIOR_FRAMES)
        total = torch.zeros_like(self.mean)
        squares = torch.full_like(self.mean, _PRIOR_FRAMES)
        for (states, _, cepstra, frame_lengths), frames in zip(held, durations, strict=True):
            inside = length_mask(frame_lengths, cepstra.shape[2])[:, 0].bool()  # [B, F]
            state = states.flatten().repeat_interleave(frames.flatten())  # [real frames of the batch]
            real = cepstra.transpose(1, 2)[inside]
            count.index_add_(0, state, torch.ones_like(real[:, 0]))
            total.index_add_(0, state, real)
            squares.index_add_(0, state, real.square())
        self.mean.copy_(total / count[:, None])
        variance = squares / count[:, None] - self.mean.square()
        self.log_std.copy_(0.5 * variance.clamp(min=_LEAST_VARIANCE).log())

    def _search(self, states: Tensor, phoneme_lengths: Tensor, cepstra: Tensor, frame_lengths: Tensor) -> Tensor:
        phonemes = Gaussian(self.mean[states].transpose(1, 2), self.log_std[states].transpose(1, 2))  # [B, C, P]
        return search_durations(alignment_scores(cepstra, phonemes), phoneme_lengths, frame_lengths)

    def _states(self, phoneme_ids: Tensor) -> Tensor:
        before = nn.functional.pad(phoneme_ids, (1, 0), value=self.pad)[:, :-1]
        return torch.where(phoneme_ids == self.pad, self.num_symbols + before, phoneme_ids)

    def _cepstra(self, mel: Tensor, frame_lengths: Tensor) -> Tensor:
        """Cepstra and their differences [B, C, F], each of mean 0 and variance 1 over a clip, whoever speaks."""
        # Every clip's last frame is held, so that its differences do not depend on what it is batched with.
        last = (frame_lengths - 1).clamp(min=0)[:, None, None]
        frame = torch.arange(mel.shape[2], device=mel.device).minimum(last)  # [B, 1, F]
        cepstra = (mel.float().transpose(1, 2) @ self.dct).transpose(1, 2)
        frame = frame.expand_as(cepstra)
        cepstra = cepstra.gather(2, frame)
        differences = compute_deltas(cepstra).gather(2, frame)
        features = torch.cat((cepstra, differences, compute_deltas(differences)), dim=1)
        mask = length_mask(frame_lengths, mel.shape[2])
        frames = frame_lengths[:, None, None].clamp(min=1)
        features = (features - (features * mask).sum(dim=2, keepdim=True) / frames) * mask
        deviation = (features.square().sum(dim=2, keepdim=True) / frames).sqrt()
        return features / (deviation + 1e-5)


def _equal_durations(phoneme_lengths: Tensor, frame_lengths: Tensor, phonemes: int) -> Tensor:
    """[B, P]: the frames of each clip divided equally among its phonemes."""
    ends = torch.arange(phonemes + 1, device=phoneme_lengths.device).minimum(phoneme_lengths[:, None])  # [B, P + 1]
    return (ends * frame_lengths[:, None]).div(phoneme_lengths[:, None], rounding_mode="floor").diff(dim=1)
