"""Voices of other programs, and our own, as voices to speak with, to export, or to train on."""

KINDS = (
    "a run folder or voice.safetensors of this program, a checkpoint of the original VITS (G_*.pth) or of Piper "
    "(*.ckpt), or a folder of a Hugging Face VitsModel"
)
