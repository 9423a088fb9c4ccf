"""coqui-tts's VITS, one training step for every line on standard input: run by coqui's own Python, without ours.

`python coqui_server.py BATCH.npz THREADS` answers `ready` once it has warmed up, then to every line a JSON object:
milliseconds of the step it made, by the clock and of processor time, and the most memory the process used in it. A step
is what coqui's Trainer does in float32: spectrograms of the batch, then for each of the two optimizers
`Vits.train_step`, backward, clipping, update.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from TTS.tts.configs.vits_config import VitsConfig  # type: ignore[import-not-found]
from TTS.tts.models.vits import Vits  # type: ignore[import-not-found]


def load_batch(path: str, symbols: int) -> dict[str, torch.Tensor | None]:
    """The batch as coqui's collate makes it."""
    arrays = np.load(path)
    lengths = torch.from_numpy(arrays["audio_lengths"])
    waveform = torch.from_numpy(arrays["audio"])[..., : int(lengths.max())]  # as its mask of frames expects it
    return {
        "tokens": torch.from_numpy(arrays["phoneme_ids"]) % symbols,
        "token_lens": torch.from_numpy(arrays["phoneme_lengths"]),
        "waveform": waveform,
        "waveform_lens": lengths,
        "waveform_rel_lens": lengths / waveform.shape[2],
        "d_vectors": None,
        "speaker_ids": None,
        "language_ids": None,
    }


def main() -> None:
    """Serve steps until standard input ends."""
    torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(1234)
    answers, sys.stdout = sys.stdout, sys.stderr  # coqui prints
    config = VitsConfig()
    model = Vits(config).train()
    batch = load_batch(sys.argv[1], model.args.num_chars)
    optimizers, criteria = model.get_optimizer(), model.get_criterion()

    def step() -> None:
        ready = model.format_batch_on_device(dict(batch))
        for place, (optimizer, criterion) in enumerate(zip(optimizers, criteria, strict=True)):
            _, losses = model.train_step(ready, criterion, place)
            losses["loss"].backward()
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, config.grad_clip[place])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    step()
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        Path("/proc/self/clear_refs").write_text("5")
        started, processor = time.perf_counter(), time.process_time()
        step()
        milliseconds = (time.perf_counter() - started) * 1000
        processor = (time.process_time() - processor) * 1000
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        answer = {"milliseconds": milliseconds, "processor": processor, "peak": int(peak.split()[1]) * 1024}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
