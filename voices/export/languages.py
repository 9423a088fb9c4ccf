"""Names of languages as in Piper's list of voices, by espeak-ng voice."""

from dataclasses import dataclass

# espeak-ng voice: locale, the language's name for itself, its English name, the country's English name
_LANGUAGES = {
    "ar": ("ar_JO", "العربية", "Arabic", "Jordan"),
    "bg": ("bg_BG", "Български", "Bulgarian", "Bulgaria"),
    "ca": ("ca_ES", "Català", "Catalan", "Spain"),
    "cs": ("cs_CZ", "Čeština", "Czech", "Czech Republic"),
    "cy": ("cy_GB", "Cymraeg", "Welsh", "Great Britain"),
    "da": ("da_DK", "Dansk", "Danish", "Denmark"),
    "de": ("de_DE", "Deutsch", "German", "Germany"),
    "el": ("el_GR", "Ελληνικά", "Greek", "Greece"),
    "en": ("en_GB", "English", "English", "Great Britain"),
    "en-gb": ("en_GB", "English", "English", "Great Britain"),
    "en-us": ("en_US", "English", "English", "United States"),
    "es": ("es_ES", "Español", "Spanish", "Spain"),
    "es-419": ("es_MX", "Español", "Spanish", "Mexico"),
    "fa": ("fa_IR", "فارسی", "Farsi", "Iran"),
    "fi": ("fi_FI", "Suomi", "Finnish", "Finland"),
    "fr": ("fr_FR", "Français", "French", "France"),
    "hi": ("hi_IN", "हिन्दी", "Hindi", "India"),
    "hu": ("hu_HU", "Magyar", "Hungarian", "Hungary"),
    "is": ("is_IS", "Íslenska", "Icelandic", "Iceland"),
    "it": ("it_IT", "Italiano", "Italian", "Italy"),
    "ka": ("ka_GE", "ქართული", "Georgian", "Georgia"),
    "kk": ("kk_KZ", "Қазақша", "Kazakh", "Kazakhstan"),
    "lb": ("lb_LU", "Lëtzebuergesch", "Luxembourgish", "Luxembourg"),
    "lv": ("lv_LV", "Latviešu", "Latvian", "Latvia"),
    "nb": ("no_NO", "Norsk", "Norwegian", "Norway"),
    "ne": ("ne_NP", "नेपाली", "Nepali", "Nepal"),
    "nl": ("nl_NL", "Nederlands", "Dutch", "Netherlands"),
    "nl-be": ("nl_BE", "Nederlands", "Dutch", "Belgium"),
    "pl": ("pl_PL", "Polski", "Polish", "Poland"),
    "pt": ("pt_PT", "Português", "Portuguese", "Portugal"),
    "pt-br": ("pt_BR", "Português", "Portuguese", "Brazil"),
    "ro": ("ro_RO", "Română", "Romanian", "Romania"),
    "ru": ("ru_RU", "Русский", "Russian", "Russia"),
    "sk": ("sk_SK", "Slovenčina", "Slovak", "Slovakia"),
    "sl": ("sl_SI", "Slovenščina", "Slovenian", "Slovenia"),
    "sr": ("sr_RS", "Srpski", "Serbian", "Serbia"),
    "sv": ("sv_SE", "Svenska", "Swedish", "Sweden"),
    "sw": ("sw_CD", "Kiswahili", "Swahili", "Democratic Republic of the Congo"),
    "tr": ("tr_TR", "Türkçe", "Turkish", "Turkey"),
    "uk": ("uk_UA", "Українська", "Ukrainian", "Ukraine"),
    "vi": ("vi_VN", "Tiếng Việt", "Vietnamese", "Vietnam"),
    "cmn": ("zh_CN", "简体中文", "Chinese", "China"),
}


@dataclass(frozen=True)
class Language:
    """A language as Piper's settings describe it."""

    code: str
    family: str
    region: str
    name_native: str
    name_english: str
    country_english: str


def describe_language(voice: str) -> Language:
    """The language of an espeak-ng voice; of one that is not listed, only its name is known."""
    locale, native, english, country = _LANGUAGES.get(voice) or (_locale(voice), voice, voice, "")
    family, _, region = locale.partition("_")
    return Language(locale, family, region, native, english, country)


def _locale(voice: str) -> str:
    family, _, region = voice.partition("-")
    return f"{family}_{region.upper()}" if region else family
