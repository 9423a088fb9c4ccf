"""Abbreviations, titles and initials, as English.

What espeak-ng and every reader know as a word (Mr, Mrs, Dr, St, Co, Ltd, etc.) stays, but loses a full stop that ends
no sentence, because espeak-ng would pause there. The others are written out.
"""

import re

from data.text.rules import Rule, after, before
from data.text.tables import table, words

_TITLES = table(
    """
    Mr: Mr, Mrs: Mrs, Dr: Dr, St: St, Ms: Miz, Messrs: Messrs, Drs: Doctors, Mme: Madame, Mlle: Mademoiselle,
    Prof: Professor, Rev: Reverend, Hon: Honorable, Capt: Captain, Lt: Lieutenant, Lieut: Lieutenant, Sgt: Sergeant,
    Sergt: Sergeant, Gen: General, Col: Colonel, Maj: Major, Cpl: Corporal, Pvt: Private, Cmdr: Commander,
    Comdr: Commander, Adm: Admiral, Brig: Brigadier, Gov: Governor, Sen: Senator, Rep: Representative,
    Pres: President, Supt: Superintendent, Det: Detective, Insp: Inspector, Atty: Attorney, Fr: Father, Mt: Mount,
    Ft: Fort, Sec: Secretary, Amb: Ambassador, Jas: James, Wm: William, Geo: George, Thos: Thomas, Chas: Charles,
    Jno: John, Robt: Robert, Edw: Edward, Saml: Samuel, Danl: Daniel, Benj: Benjamin, Jos: Joseph, Alexr: Alexander,
    Richd: Richard, Hy: Henry, Ste: Sainte, Sr: Senior, Jr: Junior, Vict: Victoria, Eng: Engineer, Dir: Director,
    Msgr: Monsignor, Sta: Santa
    """
)
_WORDS = table(
    """
    Jr: Junior, Sr: Senior, Esq: Esquire, Bart: Baronet, Bros: Brothers, Co: Co, Inc: Inc, Ltd: Ltd,
    Corp: Corporation, Dept: Department, dept: department, vs: versus, Govt: Government, govt: government, viz: viz,
    approx: approximately, esp: especially, incl: including, Ave: Avenue, Blvd: Boulevard, Rd: Road, Ln: Lane,
    Hwy: Highway, Pkwy: Parkway, Sq: Square, Bldg: Building, Apt: Apartment, Assn: Association, Jan: January,
    Feb: February, Apr: April, Aug: August, Sept: September, Sep: September, Oct: October, Nov: November,
    Dec: December, Tues: Tuesday, Thurs: Thursday, Univ: University, Natl: National, Intl: International,
    Mfg: Manufacturing, Tex: Texas, Calif: California, Okla: Oklahoma, Tenn: Tennessee, Wm: William, Chas: Charles,
    cf: compare, ca: circa, seq: seq, ibid: ibid, Ibid: Ibid, anon: anonymous, Mar: March, misc: miscellaneous,
    assoc: associate, Assoc: Associated, Hosp: Hospital, Dist: District, cwt: hundredweight, Thos: Thomas,
    Geo: George, Jas: James, Fla: Florida, Minn: Minnesota, Mon: Monday, Tue: Tuesday, Wed: Wednesday, Thu: Thursday,
    Thur: Thursday, Fri: Friday, Capt: Captain, Sgt: Sergeant, Lt: Lieutenant, Prof: Professor, Maj: Major,
    Gov: Governor, Sen: Senator, Supt: Superintendent
    """
)
_BEFORE_NUMBERS = table(
    """
    no: number, nos: numbers, vol: volume, vols: volumes, chap: chapter, chaps: chapters, ch: chapter, sec: section,
    secs: sections, sect: section, p: page, pp: pages, pg: page, fig: figure, figs: figures, art: article,
    arts: articles, fol: folio, ex: exhibit, exs: exhibits, pt: part, pl: plate, bk: book, app: appendix,
    par: paragraph, para: paragraph, paras: paragraphs, sched: schedule, cl: clause, eq: equation, ed: edition,
    cap: cap, c: c, s: s, ss: sections, v: verse, tel: telephone, ext: extension, apt: apartment, rm: room, bd: band,
    op: opus,
    Mon: Monday, Tue: Tuesday, Wed: Wednesday,
    Thu: Thursday, Fri: Friday, Sat: Saturday, Jun: June, Jul: July
    """
)
_STREETS = {"St": "Street", "Dr": "Drive", "Ct": "Court", "Pl": "Place"}
_STATES = table(
    """
    AL: Alabama, AK: Alaska, AZ: Arizona, AR: Arkansas, CA: California, CO: Colorado, CT: Connecticut, DE: Delaware,
    FL: Florida, GA: Georgia, HI: Hawaii, ID: Idaho, IL: Illinois, IN: Indiana, IA: Iowa, KS: Kansas, KY: Kentucky,
    LA: Louisiana, ME: Maine, MD: Maryland, MA: Massachusetts, MI: Michigan, MN: Minnesota, MS: Mississippi,
    MO: Missouri, MT: Montana, NE: Nebraska, NV: Nevada, NH: New Hampshire, NJ: New Jersey, NM: New Mexico,
    NY: New York, NC: North Carolina, ND: North Dakota, OH: Ohio, OK: Oklahoma, OR: Oregon, PA: Pennsylvania,
    RI: Rhode Island, SC: South Carolina, SD: South Dakota, TN: Tennessee, TX: Texas, UT: Utah, VT: Vermont,
    VA: Virginia, WA: Washington, WV: West Virginia, WI: Wisconsin, WY: Wyoming, DC: D.C
    """
)
# All capitals that espeak-ng would read as a word.
_SPELLED = words(
    """
    ACLU ONI INS CE UAE ESA EPA IOU UAV IRA ISO IEEE CEO CIO CTO CFO EEG EKG ICU OED UPI DOA
    """
)
_SENTENCE_STARTS = words(
    """
    The A An He She It They We You I This That These Those There Then When Where While What Who Why How If In On At
    By For From To But And Or So As After Before His Her Its Their Our My Your No Not Yes One Some Many Most All Each
    Every Here Now Once Since With Without Although Though However
    """
)
# Before a letter: Exhibit A was, where espeak-ng would take the letter for the article.
_LETTERED = (
    "Plan|[Vv]itamin|Exhibit|Section|Appendix|Part|Grade|Group|Type|Class|[Hh]epatitis|Schedule|Team|Level|Model|Option"
    "|Point|Gate|Unit|Room|Building|Annex|Table|Block|Wing|Side"
)
_DIRECTIONS = words("N S E W NE NW SE SW")
_ALSO_WORDS = words("OK HI OH ME IN OR")  # states only before a post code
_TOWN_BEFORE = re.compile(r"\b[A-Z][a-z.]{1,20},\s$")
_NUMBER_NEXT = re.compile(r"\s?(?:\(?[A-Z]{0,3}-?\d|[IVXLC]{2,7}\b|[VX]\b|I\b(?=[.,;:)]|$))")
_NAME_NEXT = re.compile(r"\s[\"'(]?(?:[A-Z]|de |von |van |la |le |\ue000)")
_WORD_NEXT = re.compile(r"[\s\"')]*([A-Z][\w']*)")
_HOUSE_BEFORE = re.compile(r"\d\S{0,6}\s(?:[NSEW]\.?\s)?(?:[A-Z]\w{0,20}\s){1,3}$")
_PROPER_BEFORE = re.compile(r"(?:(?:^|[\s(\"])([A-Z][\w']{1,20})|\d(?:st|nd|rd|th))\s$")


def _stop(match: re.Match[str]) -> str:
    """The full stop of an abbreviation where it also ends the sentence, else nothing."""
    rest = after(match)
    if not rest.strip("\"') "):
        return "."
    following = _WORD_NEXT.match(rest)
    return "." if rest[0] in " \"')" and following and following[1] not in _DIRECTIONS else ""


def _abbreviation(match: re.Match[str]) -> str:
    word, rest = match[1], after(match)
    if word in _STREETS and _is_street(match):
        return _STREETS[word] + _stop(match)
    if word == "v" and _NAME_NEXT.match(rest) and _PROPER_BEFORE.search(before(match)):
        return "versus"
    if word in _TITLES and _NAME_NEXT.match(rest):
        starts = _WORD_NEXT.match(rest)
        if not (word in ("Jr", "Sr") and starts and starts[1] in _SENTENCE_STARTS):
            return _TITLES[word]
    if (
        (word in _BEFORE_NUMBERS or word.lower() in _BEFORE_NUMBERS)
        and _NUMBER_NEXT.match(rest)
        and not (word == "c" and _is_circa(rest))
    ):
        return _before_number(word) + ("" if rest[0].isspace() else " ")
    if word == "c" and _is_circa(rest):
        return "circa" + ("" if rest[0].isspace() else " ")
    if word in _WORDS:
        return _WORDS[word] + _stop(match)
    return match[0]


def _is_circa(rest: str) -> bool:
    return re.match(r"\s?1\d{3}\b", rest) is not None


def _is_street(match: re.Match[str]) -> bool:
    behind, following = before(match), _WORD_NEXT.match(after(match))
    if following and following[1] not in _SENTENCE_STARTS:
        return _HOUSE_BEFORE.search(behind) is not None
    name = _PROPER_BEFORE.search(behind)
    return name is not None and name[1] not in _SENTENCE_STARTS


def _before_number(word: str) -> str:
    reading = _BEFORE_NUMBERS.get(word) or _BEFORE_NUMBERS[word.lower()]
    return reading[0].upper() + reading[1:] if word[0].isupper() else reading


def _initials(match: re.Match[str]) -> str:
    """U.S. Senate, J.B. Smith: the last full stop would end a sentence."""
    following = _WORD_NEXT.match(after(match))
    return match[1] if following and following[1] not in _SENTENCE_STARTS else match[0]


def _initial(match: re.Match[str]) -> str:
    """J. Smith, H. G. Bennet; but not the pronoun, as in: so did I. Then."""
    if match[1] == "I" and not re.match(r"\s[A-Z]\.", after(match)):
        return match[0]
    following = _WORD_NEXT.match(after(match))
    if following and following[1] in _SENTENCE_STARTS - {"A", "I"}:
        return match[0]
    return "A-" if match[1] == "A" else match[1]  # the dash keeps espeak-ng from taking it for the article


def _state(match: re.Match[str]) -> str:
    if match[1] in _ALSO_WORDS and not after(match, 2).strip().isdigit():
        return match[1]
    return _STATES.get(match[1], match[1]) if _TOWN_BEFORE.search(before(match)) else match[1]


def _capitals(match: re.Match[str]) -> str:
    return ".".join(match[0]) if match[0] in _SPELLED else match[0]


RULES = (
    Rule(re.compile(rf"\b((?:{_LETTERED}) A)(?=\s[a-z])"), r"\1-"),
    Rule(re.compile(r"(?<!\w)&c\b(?:\.(?=\s*[a-z,;:)]))?"), "etc"),
    Rule(re.compile(r"(?<![\w.])((?:[A-Za-z]\.){1,7}[A-Za-z])\.(?=\s[A-Z])"), _initials),
    Rule(re.compile(r"(?<![\w.'])(?<!\b[A-Z]\s)([A-Z])\.(?=\s[A-Z][\w.'])"), _initial),
    Rule(re.compile(r"(?<![\w.'-])([A-Za-z]{1,9})\.(?![A-Za-z])"), _abbreviation),
    Rule(re.compile(r"(?<![\w.'-])(?:Ms|Capt|Sgt|Lt|Prof|Jr|Sr)\b(?!\.)"), lambda match: _TITLES[match[0]]),
    Rule(re.compile(r"(?<=[a-z.],\s)([A-Z]{2})(?=\s\d{5}|[,.;)]|$)"), _state),
    Rule(re.compile(r"(?<![\w.'&-])[A-Z]{2,5}(?![\w'&-])"), _capitals),
)
