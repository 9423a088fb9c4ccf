"use strict";

const byId = (id) => document.getElementById(id);
const test = JSON.parse(byId("test").textContent);
const GRADES = ["Bad", "Poor", "Fair", "Good", "Excellent"];  // ITU-R BS.1534-3, five equal parts from 0 to 100

const shuffled = (list) => {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
};
const trials = [
  ...shuffled(test.pairs).map((trial) => ({ ...trial, kind: "pair", clips: shuffled(trial.clips), preferred: null })),
  ...shuffled(test.ratings).map((trial) => ({ ...trial, kind: "rating", clips: shuffled(trial.clips), scores: {} })),
];
let place = -1;  // of the trial that is shown
let unsaved = false;

// --- Sound: one clip at a time, at one part of the sentence for all versions of it. ---

const player = { sounds: new Map(), clip: null, part: 0 };

const load = (clips) => {
  for (const sound of player.sounds.values()) { sound.pause(); sound.removeAttribute("src"); }
  player.sounds = new Map(clips.map((clip) => {
    const sound = new Audio(test.clips[clip]);
    sound.preload = "auto";
    sound.addEventListener("ended", () => { player.part = 0; show(); });
    return [clip, sound];
  }));
  player.clip = null;
  player.part = 0;
};
const sounding = () => player.clip !== null && !player.sounds.get(player.clip).paused;
const partOf = (sound) => (sound.duration ? sound.currentTime / sound.duration : 0);
const ready = (sound) => sound.readyState > 0
  ? Promise.resolve()
  : new Promise((done) => sound.addEventListener("loadedmetadata", done, { once: true }));

const stop = () => {
  if (!sounding()) return;
  const sound = player.sounds.get(player.clip);
  player.part = sound.ended ? 0 : partOf(sound);
  sound.pause();
};
const hear = async (clip) => {
  stop();
  player.clip = clip;
  const sound = player.sounds.get(clip);
  await ready(sound);
  if (player.clip !== clip || player.sounds.get(clip) !== sound) return;  // another was asked for meanwhile
  sound.currentTime = player.part * sound.duration;
  await sound.play().catch(() => {});  // it was paused before it began
  follow();
};
const toggle = (clip) => {
  if (sounding() && player.clip === clip) { stop(); show(); } else hear(clip);
};
const follow = () => {
  show();
  if (sounding()) requestAnimationFrame(follow);
};
const show = () => {
  if (sounding()) player.part = partOf(player.sounds.get(player.clip));
  byId("position").value = Math.round(1000 * player.part);
  byId("pause").textContent = sounding() ? "⏸" : "▶";
  const heard = sounding() ? player.clip : null;
  for (const button of document.querySelectorAll("#trial .play"))
    button.setAttribute("aria-pressed", heard !== null && trials[place].clips[button.dataset.version] === heard && !player.open);
  byId("reference").setAttribute("aria-pressed", heard !== null && Boolean(player.open));
};
const hearVersion = (version) => { player.open = false; toggle(trials[place].clips[version]); };
const hearReference = () => {
  const reference = trials[place].reference;
  if (sounding() && player.clip === reference && !player.open) stop();  // it goes on as what it is called now
  player.open = true;
  toggle(reference);
};
const pause = () => {
  if (sounding()) { stop(); show(); } else hear(player.clip ?? trials[place].clips[0]);
};

// --- Trials. ---

const complete = (trial) => trial.kind === "pair"
  ? trial.preferred !== null
  : trial.clips.every((clip) => clip in trial.scores);

const open = (number) => {
  place = Math.min(number, trials.length);
  const over = place === trials.length;
  byId("intro").hidden = true;
  byId("trial").hidden = over;
  byId("end").hidden = !over;
  byId("progress").hidden = over;
  if (over) { finish(); return; }
  const trial = trials[place];
  byId("title").textContent = trial.kind === "pair" ? "Which is better?" : "How good are they?";
  byId("progress").querySelector("progress").value = place / trials.length;
  byId("progress").querySelector("output").textContent = `${place + 1} of ${trials.length}`;
  byId("sentence").textContent = trial.text;
  byId("sentence").lang = trial.language;
  byId("pair").hidden = trial.kind !== "pair";
  byId("rating").hidden = trial.kind !== "rating";
  byId("reference").hidden = (trial.reference ?? null) === null;
  byId("back").disabled = place === 0;
  if (trial.kind === "pair") showPair(trial); else showRating(trial);
  player.open = false;
  load(trial.clips);
  show();
  offerNext();
  byId("title").focus();
};

const showPair = (trial) => {
  for (const choice of byId("pair").querySelectorAll("input"))
    choice.checked = trial.preferred === Number(choice.value);
};

const showRating = (trial) => {
  byId("versions").replaceChildren(...trial.clips.map((clip, version) => {
    const row = byId("version").content.cloneNode(true);
    const button = row.querySelector("button");
    button.dataset.version = version;
    button.append(`${version + 1}`);
    button.setAttribute("aria-label", `Hear version ${version + 1}`);
    const slider = row.querySelector("input");
    slider.setAttribute("aria-label", `Version ${version + 1}`);
    const output = row.querySelector("output");
    const tell = () => {
      const score = trial.scores[clip];
      const said = score === undefined ? "not rated" : `${score} ${GRADES[Math.min(4, Math.floor(score / 20))]}`;
      slider.classList.toggle("unset", score === undefined);
      slider.setAttribute("aria-valuetext", said);
      output.textContent = said;
    };
    slider.value = trial.scores[clip] ?? 50;
    // A click on the middle of a slider that stands there changes nothing, but it is an answer.
    for (const event of ["input", "pointerup"]) slider.addEventListener(event, () => {
      trial.scores[clip] = Number(slider.value);
      unsaved = true;
      tell();
      offerNext();
    });
    tell();
    return row;
  }));
};

const offerNext = () => {
  byId("next").textContent = !complete(trials[place]) ? "Skip" : place + 1 === trials.length ? "Finish" : "Next";
};

// --- Results. ---

const key = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(test.key), (char) => char.charCodeAt(0))));
const systemOf = (clip) => key.systems[key.clips[clip][1]].name;
const itemOf = (trial) => key.items[key.clips[trial.clips[0]][0]];

const results = () => ({
  format: "parlance-listening-1",
  test: test.test,
  listener: byId("listener").value.trim(),
  saved: new Date().toISOString(),
  systems: key.systems,
  pairs: trials.filter((trial) => trial.kind === "pair" && complete(trial)).map((trial) => ({
    item: itemOf(trial),
    text: trial.text,
    first: systemOf(trial.clips[0]),
    second: systemOf(trial.clips[1]),
    preferred: trial.preferred < 0 ? null : systemOf(trial.clips[trial.preferred]),
  })),
  ratings: trials.filter((trial) => trial.kind === "rating" && Object.keys(trial.scores).length).map((trial) => ({
    item: itemOf(trial),
    text: trial.text,
    scores: Object.fromEntries(Object.entries(trial.scores).map(([clip, score]) => [systemOf(clip), score])),
  })),
});

const save = () => {
  const link = document.createElement("a");
  const content = new Blob([JSON.stringify(results(), null, 1) + "\n"], { type: "application/json" });
  link.href = URL.createObjectURL(content);
  const listener = byId("listener").value.trim().replace(/[^\p{L}\p{N}]+/gu, "-") || "listener";
  link.download = `listening-${test.test}-${listener}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  unsaved = false;
  byId("status").textContent = `Saved as ${link.download}.`;
};

const finish = () => {
  load([]);
  byId("title").textContent = "Thank you";
  byId("title").focus();
  const { systems, pairs, ratings } = results();
  const missing = trials.filter((trial) => !complete(trial)).length;
  const scores = systems.map(({ name, kind }) => {
    const own = ratings.map((rating) => rating.scores[name]).filter((score) => score !== undefined);
    return [name, kind, own.length ? (own.reduce((sum, score) => sum + score, 0) / own.length).toFixed(1) : "–", own.length];
  });
  const wins = systems.map(({ name }) => {
    const own = pairs.filter((pair) => pair.first === name || pair.second === name);
    return [name, own.filter((pair) => pair.preferred === name).length, own.filter((pair) => pair.preferred === null).length, own.length];
  }).filter((row) => row[3]);
  byId("summary").replaceChildren(
    ...(missing ? [element("p", `${missing} of ${trials.length} were skipped or are not complete.`, "quiet")] : []),
    ...(ratings.length ? table("What you heard, and what you gave", ["Who", "What", "Mean", "Ratings"], scores) : []),
    ...(wins.length ? table("What you preferred", ["Who", "Preferred", "No difference", "Pairs"], wins) : []),
  );
};

const element = (name, text, kind) => Object.assign(document.createElement(name), { textContent: text, className: kind ?? "" });
const table = (title, heads, rows) => {
  const body = document.createElement("table");
  const number = (cell) => (typeof cell === "number" || /^[\d.–]+$/.test(cell) ? "number" : "");
  body.createTHead().insertRow().append(...heads.map((head, column) => element("th", head, number(rows[0][column]))));
  const filled = body.createTBody();
  for (const row of rows)
    filled.insertRow().append(element("th", row[0]), ...row.slice(1).map((cell) => element("td", cell, number(cell))));
  const card = element("div", "", "card table");
  card.append(body);
  return [element("h2", title), card];
};

// --- What the listener does. ---

byId("begin").addEventListener("submit", (event) => { event.preventDefault(); open(0); });
byId("next").addEventListener("click", () => open(place + 1));
byId("back").addEventListener("click", () => open(place - 1));
byId("return").addEventListener("click", () => open(trials.length - 1));
byId("pause").addEventListener("click", pause);
byId("reference").addEventListener("click", hearReference);
for (const button of document.querySelectorAll(".save")) button.addEventListener("click", save);
byId("trial").addEventListener("click", (event) => {
  const button = event.target.closest(".play");
  if (button) hearVersion(Number(button.dataset.version));
});
byId("pair").addEventListener("change", (event) => {
  trials[place].preferred = Number(event.target.value);
  unsaved = true;
  offerNext();
});
byId("position").addEventListener("input", (event) => {
  const part = event.target.value / 1000;
  player.part = part;
  if (!sounding()) return;
  const sound = player.sounds.get(player.clip);
  sound.currentTime = part * sound.duration;
});
document.addEventListener("keydown", (event) => {
  if (byId("trial").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const onButton = event.target.closest("button, summary");
  const version = Number(event.key) - 1;
  if (event.key !== " " && Number.isInteger(version) && version >= 0 && version < trials[place].clips.length) hearVersion(version);
  else if (event.key.toLowerCase() === "r" && !byId("reference").hidden) hearReference();
  else if (event.key === " " && !onButton && event.target.type !== "radio") pause();
  else if (event.key === "Enter" && !onButton) open(place + 1);
  else return;
  event.preventDefault();
});
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
