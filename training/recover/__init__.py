"""Recover the posterior encoder of a voice that was exported without it, from the voice's own speech.

While a voice speaks, the latents z that its decoder hears are known. The encoder learns q(z | spectrogram) of that
speech by maximum likelihood; no recording is needed.
"""
