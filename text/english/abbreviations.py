"""Normalisation of abbreviations and titles in English.

Those that espeak-ng knows (Mr. Mrs. Dr. St. Co. Ltd. etc.) stay; others are written out.
"""

import re

from text.english.hints import NEXT_WORD, SENTENCE_STARTS, is_initial
from text.rules import Rule, after, before
from text.tables import table, words

_TITLES = table(
    """
    Drs: Doctors, Mme: Madame, Mlle: Mademoiselle, Prof: Professor, Rev: Reverend, Hon: Honorable, Capt: Captain,
    Lt: Lieutenant, Lieut: Lieutenant, Sgt: Sergeant, Sergt: Sergeant, Gen: General, Col: Colonel, Maj: Major,
    Cpl: Corporal, Pvt: Private, Cmdr: Commander, Comdr: Commander, Adm: Admiral, Brig: Brigadier, Gov: Governor,
    Sen: Senator, Rep: Representative, Pres: President, Supt: Superintendent, Det: Detective, Insp: Inspector,
    Atty: Attorney, Fr: Father, Mt: Mount, Ft: Fort, Sec: Secretary, Amb: Ambassador, Jas: James, Wm: William,
    Geo: George, Thos: Thomas, Chas: Charles, Jno: John, Robt: Robert, Edw: Edward, Saml: Samuel, Danl: Daniel,
    Benj: Benjamin, Jos: Joseph, Alexr: Alexander, Richd: Richard, Hy: Henry, Ste: Sainte, Sr: Senior, Jr: Junior,
    Vict: Victoria, Eng: Engineer, Dir: Director, Msgr: Monsignor, Sta: Santa
    """
)
_WORDS = table(
    """
    Esq: Esquire, Bart: Baronet, Bros: Brothers, Corp: Corporation, Dept: Department, dept: department, vs: versus,
    Govt: Government, govt: government, approx: approximately, esp: especially, incl: including, Ave: Avenue,
    Blvd: Boulevard, Rd: Road, Ln: Lane, Hwy: Highway, Pkwy: Parkway, Sq: Square, Bldg: Building, Apt: Apartment,
    Assn: Association, Jan: January, Feb: February, Apr: April, Aug: August, Sept: September, Sep: September,
    Oct: October, Nov: November, Dec: December, Tues: Tuesday, Thurs: Thursday, Univ: University, Natl: National,
    Intl: International, Mfg: Manufacturing, Tex: Texas, Calif: California, Okla: Oklahoma, Tenn: Tennessee,
    cf: compare, ca: circa, anon: anonymous, Mar: March, misc: miscellaneous, assoc: associate, Assoc: Associated,
    Hosp: Hospital, Dist: District, cwt: hundredweight, Fla: Florida, Minn: Minnesota, Mon: Monday, Tue: Tuesday,
    Wed: Wednesday, Thu: Thursday, Thur: Thursday, Fri: Friday
    """
)
# These titles stand without a name, too.
_WORDS |= {title: _TITLES[title] for title in words("Jr Sr Wm Chas Thos Geo Jas Capt Sgt Lt Prof Maj Gov Sen Supt")}
_BEFORE_NUMBERS = table(
    """
    no: number, nos: numbers, vol: volume, vols: volumes, chap: chapter, chaps: chapters, ch: chapter, sec: section,
    secs: sections, sect: section, p: page, pp: pages, pg: page, fig: figure, figs: figures, art: article,
    arts: articles, fol: folio, ex: exhibit, exs: exhibits, pt: part, pl: plate, bk: book, app: appendix,
    par: paragraph, para: paragraph, paras: paragraphs, sched: schedule, cl: clause, eq: equation, ed: edition,
    ss: sections, v: verse, tel: telephone, ext: extension, apt: apartment, rm: room, bd: band, op: opus, Sat: Saturday,
    Jun: June, Jul: July
    """
)
_STREETS = {"St": "Street", "Dr": "Drive", "Ct": "Court", "Pl": "Place"}
STATES = table(
    """
    AL: Alabama, AK: Alaska, AZ: Arizona, AR: Arkansas, CA: California, CO: Colorado, CT: Connecticut, DE: Delaware,
    FL: Florida, GA: Georgia, HI: Hawaii, ID: Idaho, IL: Illinois, IN: Indiana, IA: Iowa, KS: Kansas, KY: Kentucky,
    LA: Louisiana, ME: Maine, MD: Maryland, MA: Massachusetts, MI: Michigan, MN: Minnesota, MS: Mississippi,
    MO: Missouri, MT: Montana, NE: Nebraska, NV: Nevada, NH: New Hampshire, NJ: New Jersey, NM: New Mexico,
    NY: New York, NC: North Carolina, ND: North Dakota, OH: Ohio, OK: Oklahoma, OR: Oregon, PA: Pennsylvania,
    RI: Rhode Island, SC: South Carolina, SD: South Dakota, TN: Tennessee, TX: Texas, UT: Utah, VT: Vermont,
    VA: Virginia, WA: Washington, WV: West Virginia, WI: Wisconsin, WY: Wyoming, DC: D.C.
    """
)
_STATES_IN_SHORT = table(
    """
    Ala: Alabama, Ariz: Arizona, Ark: Arkansas, Colo: Colorado, Conn: Connecticut, Del: Delaware, Ga: Georgia,
    Ill: Illinois, Ind: Indiana, Kans: Kansas, Ky: Kentucky, La: Louisiana, Md: Maryland, Mass: Massachusetts,
    Mich: Michigan, Miss: Mississippi, Mo: Missouri, Mont: Montana, Nebr: Nebraska, Nev: Nevada, Ore: Oregon,
    Pa: Pennsylvania, Va: Virginia, Vt: Vermont, Wash: Washington, Wis: Wisconsin, Wyo: Wyoming
    """
)
_DIRECTIONS = words("N S E W NE NW SE SW")
_ALSO_WORDS = words("OK HI OH ME IN OR")  # states only before a post code
_TOWN_BEFORE = re.compile(r"\b[A-Z][a-z.]{1,20},\s$")
_NUMBER_NEXT = re.compile(r"\s?(?:\(?[A-Z]{0,3}-?\d|[IVXLC]{2,7}\b|[ivxl]{2,8}\b|[VX]\b|I\b(?=[.,;:)]|$))")
_NAME_NEXT = re.compile(r"\s[\"'(]?(?:[A-Z]|de |von |van |la |le |\ue000)")
_HOUSE_BEFORE = re.compile(r"\d\S{0,6}\s(?:[NSEW]\.?\s)?(?:[A-Z]\w{0,20}\s){1,3}$")
_PROPER_BEFORE = re.compile(r"(?:(?:^|[\s(\"])([A-Z][\w']{1,20})|\d(?:st|nd|rd|th))\s$")


def _stop(match: re.Match[str]) -> str:
    """The full stop of an abbreviation where it also ends the sentence, else nothing."""
    rest = after(match)
    if not rest.strip("\"') "):
        return "."
    following = NEXT_WORD.match(rest)
    return "." if rest[0] in " \"')" and following and following[1] not in _DIRECTIONS else ""


def _abbreviation(match: re.Match[str]) -> str:
    word, rest = match[1], after(match)
    if len(word) == 1 and word.isupper() and is_initial(match):
        return match[0]
    if word in _STREETS and _is_street(match):
        return _STREETS[word] + _stop(match)
    if word == "v" and _NAME_NEXT.match(rest) and _PROPER_BEFORE.search(before(match)):
        return "versus"
    if word in _TITLES and _NAME_NEXT.match(rest):
        starts = NEXT_WORD.match(rest)
        if not (word in ("Jr", "Sr") and starts and starts[1] in SENTENCE_STARTS):
            return _TITLES[word]
    if (word in _BEFORE_NUMBERS or word.lower() in _BEFORE_NUMBERS) and _NUMBER_NEXT.match(rest):
        return _before_number(word) + ("" if rest[0].isspace() else " ")
    if word == "c" and re.match(r"\s?1\d{3}\b", rest):
        return "circa" + ("" if rest[0].isspace() else " ")
    if word in _STATES_IN_SHORT and _TOWN_BEFORE.search(before(match)):
        return _STATES_IN_SHORT[word] + _stop(match)
    if word in _WORDS:
        return _WORDS[word] + _stop(match)
    return match[0]


def _is_street(match: re.Match[str]) -> bool:
    behind, following = before(match), NEXT_WORD.match(after(match))
    if following and following[1] not in SENTENCE_STARTS | _DIRECTIONS:
        return _HOUSE_BEFORE.search(behind) is not None
    name = _PROPER_BEFORE.search(behind)
    return name is not None and name[1] not in SENTENCE_STARTS


def _before_number(word: str) -> str:
    reading = _BEFORE_NUMBERS.get(word) or _BEFORE_NUMBERS[word.lower()]
    return reading[0].upper() + reading[1:] if word[0].isupper() else reading


def _state(match: re.Match[str]) -> str:
    if match[1] in _ALSO_WORDS and not after(match, 2).strip().isdigit():
        return match[1]
    return STATES.get(match[1], match[1]) if _TOWN_BEFORE.search(before(match)) else match[1]


RULES = (
    Rule(r"(?<!\w)&c\b\.?", "etc."),
    Rule(r"(?<![\w.'-])([A-Za-z]{1,9})\.(?![A-Za-z])", _abbreviation),
    Rule(r"(?<![\w.'-])(?:Capt|Sgt|Lt|Prof|Jr|Sr)\b(?!\.)", lambda match: _TITLES[match[0]]),
    Rule(r"(?<=[a-z.],\s)([A-Z]{2})(?=\s\d{5}|[,.;)]|$)", _state),
)
