const facts = JSON.parse(document.getElementById("facts").textContent);
const form = document.getElementById("controls");
const MEMORY = `curves ${location.pathname}`;

const remembered = () => {
  try { return JSON.parse(sessionStorage.getItem(MEMORY)) ?? {}; } catch { return {}; }
};
const before = remembered();

for (const run of facts.runs) run.visible = !(before.off ?? []).includes(run.name);
const settings = { halfLife: 0, scale: "log", axis: "step", range: "all" };
const longest = Math.max(...facts.runs.filter(run => !run.reference).map(run => run.last), 1);

// The slider is logarithmic, from a thousandth to a third of the run.
const halfLife = place => (place ? longest * 0.3 * 10 ** ((place - 100) / 40) : 0);

const charts = [...document.querySelectorAll("[data-chart]")].map(
  figure => new Chart(figure, facts.charts[figure.dataset.chart], facts.runs, settings));
const drawAll = () => charts.forEach(chart => chart.later());

const takeSettings = () => {
  settings.halfLife = halfLife(Number(form.elements.smoothing.value));
  for (const name of ["scale", "axis", "range"]) settings[name] = form.elements[name].value;
  document.getElementById("smoothed").textContent =
    settings.halfLife ? `half-life ${grouped(Math.max(1, settings.halfLife))} steps` : "off";
};

if (form) {
  for (const [name, value] of Object.entries(before.choices ?? {})) if (form.elements[name]) form.elements[name].value = value;
  for (const button of form.querySelectorAll("[data-run]")) {
    const run = facts.runs[button.dataset.run];
    button.setAttribute("aria-pressed", run.visible);
    button.addEventListener("click", () => {
      run.visible = !run.visible;
      button.setAttribute("aria-pressed", run.visible);
      drawAll();
    });
  }
  form.addEventListener("input", () => { takeSettings(); drawAll(); });
  form.addEventListener("submit", event => event.preventDefault());
  takeSettings();
}

// Pictures: a run, a sentence, and a slider over its validations.
const pictures = document.getElementById("pictures");
let pictured; // the step that is shown
const showPictures = () => {
  const { run, sentence, validation } = pictures.elements;
  const { name, steps, pictures: shown } = facts.pictures[run.value].sentences[sentence.value];
  const place = Number(validation.value);
  pictured = steps[place];
  const told = document.getElementById("validation-shown");
  told.textContent = `step ${grouped(pictured)} (${place + 1} of ${steps.length})`;
  validation.setAttribute("aria-valuetext", told.textContent);
  for (const figure of pictures.parentElement.querySelectorAll("[data-kind]")) {
    const source = shown[place][figure.dataset.kind], image = figure.querySelector("img");
    figure.hidden = !source;
    if (!source) continue;
    image.src = source;
    image.alt = `${figure.querySelector("h3").textContent} of “${name}” at step ${pictured}`;
  }
};
// Fills the lists below the one that was changed; `step` undefined is the newest.
const choosePictures = (place, step) => {
  const { run, sentence, validation } = pictures.elements;
  const sentences = facts.pictures[run.value].sentences;
  sentence.replaceChildren(...sentences.map((one, number) => new Option(one.name, number)));
  sentence.value = sentences[place] ? place : 0;
  const { steps } = sentences[sentence.value];
  validation.max = steps.length - 1;
  validation.value = step === undefined ? steps.length - 1 : nearest(steps, step);
  validation.disabled = steps.length < 2;
  showPictures();
};
if (pictures) {
  const { run, sentence, validation } = pictures.elements;
  const chosen = before.pictures ?? {};
  run.replaceChildren(...facts.pictures.map((one, number) => new Option(one.run, number)));
  run.closest("label").hidden = facts.pictures.length < 2;
  run.value = facts.pictures[chosen.run] ? chosen.run : 0;
  choosePictures(chosen.sentence ?? 0, chosen.newest ? undefined : chosen.step);
  run.addEventListener("change", () => choosePictures(0));
  sentence.addEventListener("change", () => choosePictures(sentence.value, pictured));
  validation.addEventListener("input", showPictures);
  pictures.addEventListener("submit", event => event.preventDefault());
}

// One player at a time.
document.addEventListener("play", event => {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);

// The scroll position and the choices outlast a reload.
const folds = [...document.querySelectorAll("details")];
for (const fold of folds) fold.open = before.open?.[fold.id] ?? fold.open;
if (before.scroll !== undefined) {
  history.scrollRestoration = "manual";
  requestAnimationFrame(() => scrollTo(0, before.scroll));
}
addEventListener("pagehide", () => {
  const chosen = pictures?.elements;
  const memory = {
    scroll: scrollY,
    open: Object.fromEntries(folds.map(fold => [fold.id, fold.open])),
    off: facts.runs.filter(run => !run.visible).map(run => run.name),
    choices: form && Object.fromEntries(["smoothing", "scale", "axis", "range"].map(name => [name, form.elements[name].value])),
  };
  if (chosen) {
    memory.pictures = {
      run: Number(chosen.run.value), sentence: Number(chosen.sentence.value), step: pictured,
      newest: chosen.validation.value === chosen.validation.max,
    };
  }
  try { sessionStorage.setItem(MEMORY, JSON.stringify(memory)); } catch { /* storage is disabled */ }
});

// Served during training: reloaded when the run has changed and no audio is playing.
if (facts.version) {
  const status = document.getElementById("watching");
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("version", { cache: "no-store" });
      const newest = await answer.text();
      status.textContent = "Refreshes automatically during training.";
      const listening = [...document.querySelectorAll("audio")].some(audio => !audio.paused);
      if (answer.ok && newest !== facts.version && !listening) location.reload();
    } catch {
      status.textContent = "The command that serves this page has ended; this is its last state.";
    }
  }, 2000);
}
