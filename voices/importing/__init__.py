"""Import voices of other programs, and load our own, for inference, export or further training."""

KINDS = (
    "a run folder or voice.safetensors of this program, a checkpoint of the original VITS (G_*.pth) or of Piper "
    "(*.ckpt), a voice in ONNX (*.onnx, with its .onnx.json), or a folder of a Hugging Face VitsModel"
)
