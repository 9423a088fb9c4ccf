"""The held-out sentences of a voice, whether it was trained on them, and its posterior encoder."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from data.opening import open_corpus
from evaluation.held_out import as_read_by, choose_data, hold_out
from evaluation.subject import load_subject
from infer import Voice
from models.synthesizer import Synthesizer
from speaking.torch_engine import TorchEngine
from tests.evaluation.conftest import SENTENCES, VALIDATION, write_run
from text import piper_symbols
from voices.checkpoint import checkpoint_path, load_checkpoint
from voices.voice_file import load_voice, save_voice


def test_the_sentences_are_the_validation_clips_as_training_reads_them(run: Path) -> None:
    voice = load_subject(run, device="cpu", seed=1).voice
    data = as_read_by(voice, choose_data(voice.config, None))
    sentences = hold_out(voice, data, 99)
    trained_on = open_corpus(data, voice.config.audio, verbose=False)
    clips = {clip.id: clip for clip in trained_on.validation}
    assert {sentence.id: list(sentence.encoded.ids) for sentence in sentences} == {
        name: clip.phoneme_ids.tolist() for name, clip in clips.items()
    }
    assert not {sentence.id for sentence in sentences} & {clip.id for clip in trained_on.train}
    for sentence in sentences:
        heard = sentence.recorded.audio
        assert np.array_equal(heard * 32768, clips[sentence.id].audio[: len(heard)])
    assert [one.id for one in hold_out(voice, data, 2)] == [one.id for one in sentences][:2]


def test_recordings_that_have_moved_are_held_out_alike_and_a_small_corpus_is_held_out_whole(
    run: Path, corpus: Path, tmp_path: Path
) -> None:
    voice = load_subject(run, device="cpu", seed=1).voice

    def held_out(folder: Path) -> list[str]:
        return [one.id for one in hold_out(voice, as_read_by(voice, choose_data(voice.config, folder)), 99)]

    (tmp_path / "moved").symlink_to(corpus)
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "wavs").symlink_to(corpus / "wavs")
    rows = (corpus / "metadata.csv").read_text().splitlines()
    (tmp_path / "few" / "metadata.csv").write_text("\n".join(rows[:VALIDATION]))
    assert held_out(tmp_path / "moved") == held_out(corpus)
    assert sorted(held_out(tmp_path / "few")) == [row.split("|")[0] for row in rows[:VALIDATION]]


def test_sentences_that_a_second_voice_has_learned_from_are_told(run: Path, corpus: Path, tmp_path: Path) -> None:
    first = load_subject(run, device="cpu", seed=1).voice
    data = choose_data(first.config, None)
    folder = write_run(tmp_path / "other", corpus, "data.validation_clips=1", f"run.dir={tmp_path}/other")
    other = load_subject(folder, device="cpu", seed=1).voice
    with pytest.warns(UserWarning, match=f"the voice of {folder} was trained on 2 of 3 sentences that"):
        hold_out(other, as_read_by(other, data), 99)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold_out(other, as_read_by(other, data), 1)  # the one that is held out for both
        hold_out(first, as_read_by(first, data), 99)


def told_of(voice: Voice, folder: Path, run: Path | None = None) -> str:
    """What is warned of where a voice is evaluated on all that is held out in a folder."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hold_out(voice, as_read_by(voice, choose_data(voice.config, folder)), 99, run=run)
    return "; ".join(str(one.message) for one in caught)


def test_sentences_that_were_learned_are_known_in_a_part_of_the_corpus_by_any_name(
    run: Path, corpus: Path, tmp_path: Path
) -> None:
    voice = load_subject(run, device="cpu", seed=1).voice
    held = [one.id for one in hold_out(voice, as_read_by(voice, choose_data(voice.config, None)), 99)]
    rows = [row.split("|") for row in (corpus / "metadata.csv").read_text().splitlines()]
    learned = [row for row in rows if row[0] not in held]
    for folder, name in ((tmp_path / "part", "{}"), (tmp_path / "renamed", "take-{}")):
        (folder / "wavs").mkdir(parents=True)
        for old, *_ in learned[:2]:
            (folder / "wavs" / f"{name.format(old)}.wav").write_bytes((corpus / "wavs" / f"{old}.wav").read_bytes())
        (folder / "metadata.csv").write_text("\n".join("|".join([name.format(old), *text]) for old, *text in learned))
        told = told_of(voice, folder)
        assert "was trained on 2 of 2 sentences that it is evaluated on" in told
        assert f"{folder}: left out 1 of 3 recordings (missing file: 1)" in told


def test_what_was_learned_is_not_guessed_at_where_the_recordings_are_gone_or_are_not_what_they_were(
    corpus: Path, tmp_path: Path
) -> None:
    folder = write_run(tmp_path / "gone", corpus, "data.root=/gone/away")
    voice = load_subject(folder, device="cpu", seed=1).voice
    doubt = f"whether the voice of {folder} was trained on what it is evaluated on cannot be known: "
    assert told_of(voice, corpus, folder) == f"{doubt}its own recordings are not at /gone/away"
    counts = {"clips": len(SENTENCES) - VALIDATION, "validation_clips": VALIDATION}
    (folder / "corpus.json").write_text(json.dumps(counts))
    assert told_of(voice, corpus, folder) == ""  # as many, in another place: they are divided by their ids
    there = write_run(tmp_path / "there", corpus)
    voice = load_subject(there, device="cpu", seed=1).voice
    (there / "corpus.json").write_text(json.dumps(counts))
    assert told_of(voice, corpus, there) == ""
    (there / "corpus.json").write_text(json.dumps(counts | {"clips": 320}))
    assert "it was trained on 320 recordings and validated on 3, and" in told_of(voice, corpus, there)


def test_each_sentence_is_spoken_by_its_own_speaker(corpus: Path, tmp_path: Path) -> None:
    choir = tmp_path / "choir"
    choir.mkdir()
    (choir / "wavs").symlink_to(corpus / "wavs")
    rows = [row.split("|") for row in (corpus / "metadata.csv").read_text().splitlines()]
    who = {name: ("bob", "ann")[place % 2] for place, (name, *_) in enumerate(rows)}
    (choir / "metadata.csv").write_text("\n".join(f"{name}|{who[name]}|{text}" for name, text, _ in rows))
    # As the voice names them, which is not in the order of the alphabet.
    folder = write_run(tmp_path / "run", choir, "data.validation_clips=5", speakers=("bob", "cem", "ann"))
    subject = load_subject(folder, device="cpu", seed=1)
    sentences = hold_out(subject.voice, subject.voice.config.data, 99)
    assert {one.id: subject.voice.speakers[one.speaker or 0] for one in sentences} == {
        one.id: who[one.id] for one in sentences
    }
    assert {one.speaker for one in sentences} == {0, 2}
    one = sentences[0]
    spoken = [subject.render(one.encoded, speaker, text=one.text).whole() for speaker in (0, 2)]
    assert spoken[0].shape != spoken[1].shape or not np.allclose(spoken[0], spoken[1])


def test_a_voice_without_its_checkpoint_cannot_listen_and_one_of_other_weights_is_not_its_own(
    run: Path, corpus: Path, tmp_path: Path
) -> None:
    assert not load_subject(run / "voice.safetensors", device="cpu", seed=1).lacks.get("posterior encoder")
    (tmp_path / "alone").mkdir()
    alone = tmp_path / "alone" / "voice.safetensors"
    alone.write_bytes((run / "voice.safetensors").read_bytes())
    assert "no posterior encoder" in load_subject(alone, device="cpu", seed=1).lacks["posterior encoder"]
    other = write_run(tmp_path / "other", corpus)
    file = load_voice(other / "voice.safetensors")
    with torch.no_grad():
        next(file.synthesizer.decoder.parameters()).add_(1)
    save_voice(
        other / "voice.safetensors", file.synthesizer, file.config, symbols=file.symbols, speakers=(), step=file.step
    )
    assert "no posterior encoder" in load_subject(other, device="cpu", seed=1).lacks["posterior encoder"]


def test_the_best_voice_listens_though_it_is_of_the_newest_weights(run: Path) -> None:
    state = load_checkpoint(checkpoint_path(run / "checkpoints", 7))
    voice = load_voice(run / "voice.safetensors")
    newest = Synthesizer(voice.config, num_symbols=piper_symbols().size, num_speakers=1)
    newest.load_state_dict(state["synthesizer"])
    best = run / "best.safetensors"
    save_voice(best, newest, voice.config, symbols=voice.symbols, speakers=(), step=7)
    subject = load_subject(best, device="cpu", seed=1)
    assert not subject.lacks.get("posterior encoder")
    engine = subject.voice.engine
    assert isinstance(engine, TorchEngine)
    expected = newest.folded_state_dict()
    found = engine.synthesizer.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(weight, expected[name]) for name, weight in found.items())
