"""Recover what a voice lacks to be trained on, from its own speech: its posterior encoder, or another decoder.

While a voice speaks, the latents z that its decoder hears are known, and so is the audio. An encoder learns
q(z | spectrogram) of that speech by maximum likelihood, a decoder learns the audio of z; no recording is needed.
"""
