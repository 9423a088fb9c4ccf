"""The letters of each language are those that espeak-ng writes for these words."""

import unicodedata

import pytest

from text.inventories import INVENTORIES

_ENGLISH = """
    pea bee tea day key go fee view thin then see zoo she measure hay my no sing lay ray way yes cheese judge heat hit
    head hat hot hut law put food bird butter about roses happy face price choice goat mouth near square start north
    cure button water letter kitten little rabbit today
"""
WORDS = {
    "en-us": _ENGLISH,
    "en": _ENGLISH,
    "nl": """
        pen bal tak dak kat goed fiets vis sok zon sjaal garage hand man nek zing lip rood wang jas chocolade lachen bit
        bed bad bot put de biet boot buurt boek been beul baat huis koud ei sein fout leeuw nieuw ruw haai mooi roei
        meer deur door zeeën goal beige college journaal tjalk oranje bloemen koning vrijheid schip
    """,
    "de": """
        Pass Bass Tal Dach Kahl Gans Fass Wasser Straße Sonne Schule Genie Hand Mann nein singen Lied rot Jahr ich Buch
        Pferd Zeit deutsch Dschungel Biene bin Beet Bett Käse Bahn Bann Boot Gott Busch Tür Hütte schön können bitte
        Lehrer mein Haus neu Uhr Tor vier Bär hören fünf Vater Löffel beachten Quelle Reise Ehre durch
    """,
}


@pytest.mark.parametrize("language", WORDS)
def test_the_inventory_of_a_language_is_what_its_words_are_spoken_with(language: str) -> None:
    pytest.importorskip("piper", reason="espeak-ng comes with piper-tts")
    from text import EspeakPhonemiser

    sentences = EspeakPhonemiser(language)(" ".join(WORDS[language].split()))
    spoken = {symbol for sentence in sentences for symbol in sentence}
    letters = {symbol for symbol in spoken if unicodedata.category(symbol) in ("Ll", "Lo")}
    assert letters == set(INVENTORIES[language])
    assert list(INVENTORIES[language]) == sorted(letters)
