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

// --- Sound: one version at a time, at one part of the sentence for all of them. ---

// The open reference has a sound of its own: the version that it is hidden as must not switch in another way.
const REFERENCE = "reference";
const player = { sounds: new Map(), heard: null, part: 0 };

const load = (clips) => {
  for (const sound of player.sounds.values()) { sound.pause(); sound.removeAttribute("src"); }
  player.sounds = new Map(clips.map(([name, clip]) => {
    const sound = new Audio(test.clips[clip]);
    sound.preload = "auto";
    sound.addEventListener("ended", () => { player.part = 0; show(); });
    return [name, sound];
  }));
  player.heard = null;
  player.part = 0;
};
const current = () => player.sounds.get(player.heard);
const sounding = () => player.heard !== null && !current().paused;
const ready = (sound) => sound.readyState > 0
  ? Promise.resolve()
  : new Promise((done) => sound.addEventListener("loadedmetadata", done, { once: true }));

const stop = () => {
  if (!sounding()) return;
  player.part = current().currentTime / current().duration;
  current().pause();
};
const hear = async (name) => {
  stop();
  player.heard = name;
  const sound = current();
  await ready(sound);
  if (current() !== sound) return;  // another was asked for meanwhile
  sound.currentTime = player.part * sound.duration;
  await sound.play().catch(() => {});  // it was paused before it began
  follow();
};
const toggle = (name) => {
  if (sounding() && player.heard === name) { stop(); show(); } else hear(name);
};
const follow = () => {
  show();
  if (sounding()) requestAnimationFrame(follow);
};
const show = () => {
  if (sounding()) player.part = current().currentTime / current().duration;
  byId("position").value = Math.round(1000 * player.part);
  byId("pause").setAttribute("aria-pressed", sounding());
  for (const button of document.querySelectorAll("#trial [data-hear]"))
    button.setAttribute("aria-pressed", sounding() && button.dataset.hear === player.heard);
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
  byId("reference").hidden = trial.reference === null;
  byId("back").disabled = place === 0;
  if (trial.kind === "pair") showPair(trial); else showRating(trial);
  const named = trial.clips.map((clip, version) => [String(version), clip]);
  load(trial.reference === null ? named : [...named, [REFERENCE, trial.reference]]);
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
    button.dataset.hear = version;
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
  const missing = trials.filter((trial) => !complete(trial)).length;
  byId("title").textContent = "The end";
  byId("title").focus();
  byId("missing").textContent = missing ? `${missing} of ${trials.length} were skipped or are not complete.` : "";
};

// Who was who is told when nothing can be changed any more.
const reveal = () => {
  const { systems, pairs, ratings } = results();
  const scores = systems.map(({ name }) => {
    const own = ratings.map((rating) => rating.scores[name]).filter((score) => score !== undefined);
    const mean = own.reduce((sum, score) => sum + score, 0) / own.length;
    return [name, own.length ? mean.toFixed(1) : "–", own.length];
  });
  const wins = systems.map(({ name }) => {
    const own = pairs.filter((pair) => pair.first === name || pair.second === name);
    const given = (preferred) => own.filter((pair) => pair.preferred === preferred).length;
    return [name, given(name), given(null), own.length];
  }).filter((row) => row[3]);
  byId("return").hidden = byId("farewell").hidden = true;
  byId("title").textContent = "Thank you";
  byId("summary").replaceChildren(
    ...(ratings.length ? table("What you gave", ["Who", "Mean", "Ratings"], scores) : []),
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
byId("pause").addEventListener("click", () => toggle(player.heard ?? "0"));
for (const button of document.querySelectorAll(".save")) button.addEventListener("click", save);
byId("reveal").addEventListener("click", reveal);
byId("trial").addEventListener("click", (event) => {
  const button = event.target.closest("[data-hear]");
  if (button) toggle(button.dataset.hear);
});
byId("pair").addEventListener("change", (event) => {
  trials[place].preferred = Number(event.target.value);
  unsaved = true;
  offerNext();
});
byId("position").addEventListener("input", (event) => {
  player.part = event.target.value / 1000;
  if (sounding()) current().currentTime = player.part * current().duration;
});
document.addEventListener("keydown", (event) => {
  if (byId("trial").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const onButton = event.target.closest("button, summary");
  const pressed = event.key.toLowerCase() === "r" ? REFERENCE : String(event.key - 1);
  if (event.key !== " " && player.sounds.has(pressed)) toggle(pressed);
  else if (event.key === " " && !onButton && event.target.type !== "radio") toggle(player.heard ?? "0");
  else if (event.key === "Enter" && !onButton) open(place + 1);
  else return;
  event.preventDefault();
});
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
