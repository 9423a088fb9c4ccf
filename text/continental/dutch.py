"""The table of Dutch."""

from text.continental.table import LanguageTable
from text.tables import table, table_of_two, words

_ADDRESS = {
    ".": "punt",
    "@": "apenstaartje",
    "/": "slash",
    "-": "streepje",
    "_": "liggend streepje",
    ":": "dubbele punt",
}

DUTCH = LanguageTable(
    code="nl",
    months=(
        *("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober"),
        *("november", "december"),
    ),
    minus="min",
    decimal_comma="komma",
    to="tot",
    by="bij",
    ratio="staat tot",
    hour="uur",
    number_sign="nummer",
    one="één",
    feminine_one="één",
    feminine_units=frozenset(),
    currencies={"€": "euro", "EUR": "euro", "euro": "euro", "$": "dollar", "£": "pond", "¥": "yen", "ƒ": "gulden"},
    units=table_of_two(
        """
        km: kilometer, m: meter, cm: centimeter, mm: millimeter, km/u: kilometer per uur, m²: vierkante meter,
        m2: vierkante meter, m³: kubieke meter, km²: vierkante kilometer, kg: kilo, g: gram, mg: milligram, l: liter,
        ml: milliliter, ha: hectare, %: procent, °C: graad Celsius | graden Celsius, °: graad | graden,
        kWh: kilowattuur, min.: minuut | minuten, sec.: seconde | seconden, W: watt, V: volt, MB: megabyte,
        GB: gigabyte, Hz: hertz
        """
    ),
    scales={
        **dict.fromkeys(("mln.", "mln", "miljoen"), ("miljoen", "miljoen")),
        **dict.fromkeys(("mld.", "mld", "miljard"), ("miljard", "miljard")),
    },
    halves={"1/2": "een half", "1/3": "een derde", "2/3": "twee derde", "1/4": "een kwart", "3/4": "drie kwart"},
    abbreviations=table(
        """
        bijv.: bijvoorbeeld, bv.: bijvoorbeeld, enz.: enzovoort, etc.: et cetera, d.w.z.: dat wil zeggen,
        o.a.: onder andere, m.a.w.: met andere woorden, i.p.v.: in plaats van, t.o.v.: ten opzichte van,
        m.b.t.: met betrekking tot, a.u.b.: alstublieft, t/m: tot en met, o.l.v.: onder leiding van,
        i.v.m.: in verband met, z.s.m.: zo snel mogelijk, n.a.v.: naar aanleiding van, dhr.: de heer, mevr.: mevrouw,
        mw.: mevrouw, dr.: doctor, ds.: dominee, prof.: professor, ir.: ingenieur, ing.: ingenieur, mr.: meester,
        nr.: nummer, art.: artikel, nrs.: nummers, blz.: bladzijde, ca.: circa, St.: Sint, v.Chr.: voor Christus,
        n.Chr.: na Christus, resp.: respectievelijk, incl.: inclusief, excl.: exclusief, evt.: eventueel,
        vgl.: vergelijk, jl.: jongstleden, a.s.: aanstaande, tel.: telefoon, max.: maximaal, e.d.: en dergelijke,
        m.n.: met name
        """
    ),
    closing=frozenset(("enz.", "etc.", "e.d.", "jl.", "a.u.b.")),
    signs=table(
        """
        &: en, +: plus, =: is, @: apenstaartje, %: procent, ×: keer, ÷: gedeeld door, §: paragraaf, €: euro,
        <: kleiner dan, >: groter dan, ≤: kleiner dan of gelijk aan, ≥: groter dan of gelijk aan, ≠: is niet gelijk aan,
        ≈: ongeveer, $: dollar, £: pond, °: graden, /: schuine streep, ±: ongeveer
        """
    ),
    address_signs=_ADDRESS,
    ordinal=r"(?<![\w.,])(\d{1,9})(?:e|de|ste)\b",
    parts=words(
        """
        Hoofdstuk Deel Boek Artikel Akte Bedrijf Scène Type Fase Band Tabel Bijlage Paragraaf Groep Klasse Categorie
        Bladzijde Pagina Zone Les Versie Nummer Wereldoorlog Rocky
        """
    ),
    king="de",
)
