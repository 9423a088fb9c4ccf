"""Pictures of a validation: mel spectrograms, and which phoneme each frame belongs to.

They are drawn straight into arrays, H high and W wide, in a hundredth of the time that a plotting library takes: they
are made at every validation, and training waits for them.
"""

import functools
import importlib.resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]  # [H, W, 3], RGB

_INK, _PAPER, _LINE, _BAR = (29, 33, 37), (255, 255, 255), (220, 218, 212), (31, 111, 120)
_MARGIN = 24  # pixels around the drawings, for what is written
_FRAME_WIDTH, _BAND_HEIGHT, _ROW_HEIGHT = 2, 2, 3  # pixels of a frame, of a mel band and of a phoneme
_SILENCE = float(np.log(1e-5))  # the log magnitude that mel spectrograms begin at


def mel_picture(panels: dict[str, NDArray[np.float32]], *, seconds_per_frame: float) -> Picture:
    """Log-mel spectrograms [M, F] under each other, on one scale of time and of loudness; silent where not finite."""
    panels = {title: np.nan_to_num(mel, nan=_SILENCE, posinf=_SILENCE) for title, mel in panels.items()}
    loudest = max(_SILENCE + 1, *(float(mel.max()) for mel in panels.values()))
    frames = max(mel.shape[1] for mel in panels.values())
    colours = _colours()
    canvas = Image.new("RGB", (frames * _FRAME_WIDTH + 2 * _MARGIN, _MARGIN), _PAPER)
    for title, mel in panels.items():
        top = canvas.height
        shade = np.clip((mel - _SILENCE) / (loudest - _SILENCE) * 255, 0, 255).astype(np.uint8)
        pixels = colours[shade[::-1]].repeat(_BAND_HEIGHT, axis=0).repeat(_FRAME_WIDTH, axis=1)
        canvas = _taller(canvas, pixels.shape[0] + _MARGIN)
        canvas.paste(Image.fromarray(pixels), (_MARGIN, top))
        ImageDraw.Draw(canvas).text((_MARGIN, top - 2), title, fill=_INK, font=_font(12), anchor="ld")
    _write_seconds(canvas, frames, seconds_per_frame)
    return np.asarray(canvas)


def alignment_picture(durations: NDArray[np.int64], symbols: list[str], *, seconds_per_frame: float) -> Picture:
    """The alignment as a path: time to the right, phonemes upwards, each named at its frames.

    Args:
        durations: [P], frames per phoneme.
        symbols: the P phonemes.
        seconds_per_frame: length of a frame.
    """
    ends = durations.cumsum()
    frames, bottom = int(ends[-1]), _MARGIN + len(durations) * _ROW_HEIGHT
    canvas = Image.new("RGB", (frames * _FRAME_WIDTH + 2 * _MARGIN, bottom + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(canvas)
    _write_seconds(canvas, frames, seconds_per_frame)
    for place, (duration, end, symbol) in enumerate(zip(durations.tolist(), ends.tolist(), symbols, strict=True)):
        right, low = _MARGIN + end * _FRAME_WIDTH, bottom - place * _ROW_HEIGHT - 1
        if duration:
            draw.rectangle((right - duration * _FRAME_WIDTH, low - _ROW_HEIGHT + 1, right - 1, low), fill=_BAR)
        if symbol.strip("_ "):
            draw.text((right + 2, low + 2), symbol, fill=_INK, font=_font(9), anchor="lm")
    return np.asarray(canvas)


def _write_seconds(canvas: Image.Image, frames: int, seconds_per_frame: float) -> None:
    draw = ImageDraw.Draw(canvas)
    for second in range(int(frames * seconds_per_frame) + 1):
        x = _MARGIN + round(second / seconds_per_frame) * _FRAME_WIDTH
        draw.line((x, canvas.height - _MARGIN, x, canvas.height - _MARGIN + 4), fill=_INK)
        draw.text((x, canvas.height - 4), f"{second} s", fill=_INK, font=_font(10), anchor="md")
    draw.line((_MARGIN, canvas.height - _MARGIN, canvas.width - _MARGIN, canvas.height - _MARGIN), fill=_LINE)


def _taller(canvas: Image.Image, pixels: int) -> Image.Image:
    grown = Image.new("RGB", (canvas.width, canvas.height + pixels), _PAPER)
    grown.paste(canvas)
    return grown


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu, which has the phonetic alphabet; matplotlib brings it along."""
    return ImageFont.truetype(
        str(importlib.resources.files("matplotlib") / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"), size
    )


@functools.cache
def _colours() -> NDArray[np.uint8]:
    """The 256 colours of matplotlib's magma."""
    from matplotlib import colormaps

    colours: NDArray[np.uint8] = colormaps["magma"](np.arange(256), bytes=True)[:, :3]
    return colours
