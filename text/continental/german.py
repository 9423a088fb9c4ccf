"""The table of German."""

from text.continental.table import LanguageTable
from text.tables import table, table_of_two, words

_ADDRESS = {".": "Punkt", "@": "ät", "/": "Schrägstrich", "-": "Bindestrich", "_": "Unterstrich", ":": "Doppelpunkt"}
_BENDING = r"\b(?:[Dd]em|[Dd]en|[Dd]es|[Ii]m|[Aa]m|[Vv]om|[Zz]um|[Zz]ur|[Bb]eim|[Aa]b|[Bb]is|[Ss]eit)\s"
_ARTICLE = r"\b(?:[Dd]er|[Dd]ie|[Dd]as)\s"

GERMAN = LanguageTable(
    code="de",
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober"),
        *("November", "Dezember"),
    ),
    minus="minus",
    decimal_comma="Komma",
    to="bis",
    by="mal",
    ratio="zu",
    hour="Uhr",
    number_sign="Nummer",
    one="ein",
    feminine_one="eine",
    feminine_units=frozenset(("Stunde", "Minute", "Sekunde", "Tonne", "Million", "Milliarde", "Kilowattstunde")),
    currencies={"€": "Euro", "EUR": "Euro", "Euro": "Euro", "$": "Dollar", "£": "Pfund", "¥": "Yen", "CHF": "Franken"},
    units=table_of_two(
        """
        km: Kilometer, m: Meter, cm: Zentimeter, mm: Millimeter, km/h: Kilometer pro Stunde, m²: Quadratmeter,
        m2: Quadratmeter, m³: Kubikmeter, km²: Quadratkilometer, kg: Kilogramm, g: Gramm, mg: Milligramm, l: Liter,
        ml: Milliliter, ha: Hektar, t: Tonne | Tonnen, %: Prozent, °C: Grad Celsius, °: Grad, Std.: Stunde | Stunden,
        Min.: Minute | Minuten, Sek.: Sekunde | Sekunden, kWh: Kilowattstunde | Kilowattstunden, W: Watt, V: Volt,
        MB: Megabyte, GB: Gigabyte, Hz: Hertz
        """
    ),
    scales={
        **dict.fromkeys(("Mio.", "Mio", "Million", "Millionen"), ("Million", "Millionen")),
        **dict.fromkeys(("Mrd.", "Mrd", "Milliarde", "Milliarden"), ("Milliarde", "Milliarden")),
    },
    halves={
        "1/2": "ein halb",
        "1/3": "ein Drittel",
        "2/3": "zwei Drittel",
        "1/4": "ein Viertel",
        "3/4": "drei Viertel",
    },
    abbreviations=table(
        """
        z. B.: zum Beispiel, z.B.: zum Beispiel, d. h.: das heißt, d.h.: das heißt, u. a.: unter anderem,
        u.a.: unter anderem, usw.: und so weiter, bzw.: beziehungsweise, o. Ä.: oder Ähnliches, u. Ä.: und Ähnliches,
        i. d. R.: in der Regel, v. a.: vor allem, etc.: et cetera, ca.: circa, evtl.: eventuell, ggf.: gegebenenfalls,
        vgl.: vergleiche, inkl.: inklusive, exkl.: exklusive, sog.: sogenannte, Nr.: Nummer, Abs.: Absatz,
        Art.: Artikel, Nrn.: Nummern,
        Dr.: Doktor, Prof.: Professor, Hr.: Herr, Fr.: Frau, St.: Sankt, Tel.: Telefon, Str.: Straße,
        Jh.: Jahrhundert, Jhd.: Jahrhundert, v. Chr.: vor Christus, v.Chr.: vor Christus, n. Chr.: nach Christus,
        n.Chr.: nach Christus, max.: maximal, Abb.: Abbildung, Kap.: Kapitel, geb.: geboren, gest.: gestorben,
        Bd.: Band, Aufl.: Auflage, Dipl.-Ing.: Diplomingenieur
        """
    ),
    closing=frozenset(("usw.", "etc.", "u. Ä.", "o. Ä.", "Jh.", "Str.", "v. Chr.", "n. Chr.", "v.Chr.", "n.Chr.")),
    signs=table(
        """
        &: und, +: plus, =: gleich, @: ät, %: Prozent, ×: mal, ÷: geteilt durch, §: Paragraf, €: Euro, $: Dollar,
        <: kleiner als, >: größer als, ≤: kleiner oder gleich, ≥: größer oder gleich, ≠: ungleich, ≈: ungefähr,
        £: Pfund, °: Grad, /: Schrägstrich, ±: plus minus
        """
    ),
    address_signs=_ADDRESS,
    # A full stop makes an ordinal where an article goes before and a noun comes after; else it ends the sentence.
    ordinal=rf"(?:{_BENDING}|{_ARTICLE})(\d{{1,9}})\.(?=\s[a-zäöüA-ZÄÖÜ])",
    parts=words(
        """
        Kapitel Band Teil Akt Szene Aufzug Buch Artikel Abschnitt Absatz Typ Phase Stufe Klasse Anhang Tabelle Abbildung
        Seite Hartz Weltkrieg Paragraf Block Gruppe Kategorie Sektion Zone Rocky Fassung Version Lektion Nummer Liga
        """
    ),
    king="der",
    endings=((rf"{_BENDING}$", "n"), (rf"{_ARTICLE}$", ""), ("", "r")),
    capital_kings=True,
    decade="er",
    respelled=((r"(?<=[a-zäöüß])str\.(?=\s)", "straße"),),
)
