const byId = (id) => document.getElementById(id);
const about = JSON.parse(byId("about").textContent);
const PIXELS_PER_SECOND = 260;
const MOST_PIXELS = 16000;  // of the drawing
const voiceOf = (id) => about.voices.find((voice) => voice.id === id);

// --- The form. ---

for (const voice of about.voices) byId("voice").append(new Option(`${voice.name} (${voice.language})`, voice.id));

const showVoice = () => {
  const voice = voiceOf(byId("voice").value);
  byId("speaker").replaceChildren(...voice.speakers.map((name) => new Option(name, name)));
  byId("speakers").hidden = voice.speakers.length === 0;
  byId("noise").value = voice.noise_scale;
  byId("rhythm").value = voice.duration_noise_scale;
  showNumbers();
};
const showNumbers = () => {
  byId("count").textContent = `${[...byId("text").value].length} of ${about.maxCharacters} characters`;
  for (const output of document.querySelectorAll(".sliders output")) output.textContent = Number(byId(output.htmlFor).value).toFixed(2);
};

const settings = () => {
  const voice = voiceOf(byId("voice").value);
  const seed = byId("seed").value === "" ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(byId("seed").value);
  return {
    input: byId("text").value,
    voice: voice.id,
    ...(voice.speakers.length ? { speaker: byId("speaker").value } : {}),
    seed,
    speed: Number(byId("speed").value),
    ...changed("noise_scale", "noise", voice),
    ...changed("duration_noise_scale", "rhythm", voice),
  };
};
// A noise as the voice has it is not sent, because then short sentences have less.
const changed = (name, id, voice) => {
  const value = Number(byId(id).value);
  return Math.abs(value - voice[name]) < 0.001 ? {} : { [name]: value };
};
const useSettings = (asked) => {
  byId("voice").value = asked.voice;
  showVoice();
  if (asked.speaker !== undefined) byId("speaker").value = asked.speaker;
  byId("text").value = asked.input;
  byId("seed").value = asked.seed;
  byId("speed").value = asked.speed;
  byId("noise").value = asked.noise_scale ?? byId("noise").value;
  byId("rhythm").value = asked.duration_noise_scale ?? byId("rhythm").value;
  showNumbers();
  byId("text").focus();
};

// --- What is asked of the server. ---

const ask = async (body, signal) => {
  const headers = { "Content-Type": "application/json" };
  if (byId("key").value) headers.Authorization = `Bearer ${byId("key").value}`;
  const answer = await fetch("v1/audio/speech", { method: "POST", headers, body: JSON.stringify(body), signal });
  if (answer.ok) return answer;
  if (answer.status === 401) { byId("keys").hidden = false; byId("key").focus(); }
  const told = await answer.json().catch(() => null);
  throw new Error(told?.error?.message ?? `the server answers ${answer.status}`);
};

const events = async function* (answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (waiting + value).split("\n\n");
    waiting = parts.pop();
    for (const part of parts) yield JSON.parse(part.slice("data: ".length));
  }
};

const samplesOf = (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32768);
};

// --- Sound: chunks one behind the other as they come, or a part of what is there. ---

const player = { context: null, sources: new Set(), from: 0, at: 0, end: 0 };

const open = () => {
  player.context ??= new AudioContext();
  player.context.resume();
  return player.context;
};
const silence = () => {
  for (const source of player.sources) source.stop();
  player.sources.clear();
};
const schedule = (samples, rate, when, offset = 0, seconds = undefined) => {
  const buffer = player.context.createBuffer(1, Math.max(1, samples.length), rate);
  buffer.copyToChannel(samples, 0);
  const source = player.context.createBufferSource();
  source.buffer = buffer;
  source.connect(player.context.destination);
  source.addEventListener("ended", () => player.sources.delete(source));
  player.sources.add(source);
  source.start(when, offset, seconds);
};
const playPart = (speech, start, end) => {
  silence();
  const now = open().currentTime + 0.02;
  schedule(speech.samples, speech.rate, now, start, end - start);
  follow(speech, now, start, end);
};
const follow = (speech, at, from, end) => {
  Object.assign(player, { speech, at, from, end });
  requestAnimationFrame(showCursor);
};
const showCursor = () => {
  const place = player.from + Math.max(0, player.context.currentTime - player.at);
  const sounding = player.sources.size > 0 && place < player.end && shown === player.speech;
  byId("cursor").hidden = !sounding;
  byId("stop").disabled = !sounding && running === null;
  if (!sounding) return;
  byId("cursor").style.left = `${place * scaleOf(player.speech)}px`;
  requestAnimationFrame(showCursor);
};

// --- Drawing. ---

let shown = null;  // the speech that is drawn
const scaleOf = (speech) => Math.min(PIXELS_PER_SECOND, MOST_PIXELS / secondsOf(speech));
const secondsOf = (speech) => Math.max(0.01, speech.samples.length / speech.rate);

const draw = (speech) => {
  shown = speech;
  byId("seen").hidden = false;
  const scale = scaleOf(speech);
  byId("drawing").style.width = `${Math.ceil(secondsOf(speech) * scale)}px`;
  drawing.waveform(byId("waveform"), speech.samples);
  drawing.spectrogram(byId("spectrogram"), speech.samples, speech.rate);
  byId("highest").textContent = drawing.highestKhz(speech.rate);
  const place = (element, text, { start, end }) => {
    element.textContent = text;
    Object.assign(element.style, { left: `${start * scale}px`, width: `${(end - start) * scale}px` });
    return element;
  };
  byId("words").replaceChildren(...speech.sentences.flatMap(({ words }) => words.map((word) => {
    const button = place(document.createElement("button"), word.text, word);
    button.type = "button";
    button.title = `${word.text}: ${word.phonemes}`;
    button.addEventListener("click", () => playPart(speech, word.start, word.end));
    return button;
  })));
  byId("phonemes").replaceChildren(...speech.sentences.flatMap(({ phonemes }) =>
    joined(phonemes).map((phoneme) => place(document.createElement("span"), phoneme.text, phoneme))));
};

// Phonemes as they are read: a stress mark with what it stresses, a length or other modifier with what it modifies.
const joined = (symbols) => {
  const phonemes = [];
  let stress = null;
  for (const symbol of symbols) {
    const last = phonemes.at(-1);
    if (/^[ˈˌ]$/.test(symbol.text)) stress = symbol;
    else if (/^[\p{M}\p{Lm}]$/u.test(symbol.text) && last) Object.assign(last, { text: last.text + symbol.text, end: symbol.end });
    else if (/\p{L}/u.test(symbol.text)) {
      phonemes.push({ text: (stress?.text ?? "") + symbol.text, start: (stress ?? symbol).start, end: symbol.end });
      stress = null;
    }
  }
  return phonemes;
};

// --- One request: it is heard and drawn as it comes, and kept in the list. ---

let running = null;  // its AbortController

const speak = async () => {
  running?.abort();
  silence();
  const request = new AbortController();
  running = request;
  const asked = settings(), rate = Math.min(48000, Math.max(8000, voiceOf(asked.voice).sample_rate));
  const speech = { samples: new Float32Array(0), rate, sentences: [], asked };
  byId("problem").hidden = true;
  byId("stop").disabled = false;
  byId("state").textContent = "Speaking …";
  const context = open(), began = performance.now();
  let next = 0;
  try {
    const body = { ...asked, response_format: "pcm", sample_rate: rate, stream_format: "sse", timestamps: true };
    for await (const event of events(await ask(body, request.signal))) {
      if (event.type === "speech.audio.timestamps") speech.sentences.push(event);
      if (event.type !== "speech.audio.delta") continue;
      const chunk = samplesOf(event.audio);
      const when = Math.max(next, context.currentTime + 0.05);
      if (next === 0) {
        byId("state").textContent = `First audio after ${Math.round(performance.now() - began)} ms`;
        follow(speech, when, 0, Infinity);
      }
      schedule(chunk, rate, when);
      next = when + chunk.length / rate;
      const samples = new Float32Array(speech.samples.length + chunk.length);
      samples.set(speech.samples);
      samples.set(chunk, speech.samples.length);
      speech.samples = samples;
      draw(speech);
    }
    player.end = secondsOf(speech);
    keep(speech);
    byId("state").textContent += `, ${secondsOf(speech).toFixed(2)} s of audio after ${Math.round(performance.now() - began)} ms.`;
  } catch (error) {
    byId("state").textContent = "";
    if (error.name === "AbortError") return;
    byId("problem").textContent = error.message;
    byId("problem").hidden = false;
  } finally {
    if (running === request) running = null;
    if (running === null && player.sources.size === 0) byId("stop").disabled = true;
  }
};
const stop = () => {
  running?.abort();
  running = null;
  silence();
  byId("stop").disabled = true;
};

const wavOf = ({ samples, rate }) => {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const letters = (at, text) => [...text].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  letters(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); letters(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true); view.setUint16(32, 2, true);
  view.setUint16(34, 16, true); letters(36, "data"); view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, n) => view.setInt16(44 + 2 * n, Math.round(sample * 32768), true));
  return new Blob([view.buffer], { type: "audio/wav" });
};

const keep = (speech) => {
  const { asked } = speech, format = byId("format").value, name = `${asked.voice.replace(/[^\w.-]/g, "_")}-${asked.seed}`;
  const item = byId("item").content.cloneNode(true).querySelector("li");
  const find = (selector) => item.querySelector(selector);
  find(".said").textContent = asked.input;
  const who = [asked.voice, asked.speaker].filter(Boolean).join(", ");
  find("small").textContent = `${who} · seed ${asked.seed} · speed ${asked.speed} · ${secondsOf(speech).toFixed(2)} s`;
  const wav = URL.createObjectURL(wavOf(speech));
  find("audio").src = wav;
  find("audio").setAttribute("aria-label", `What was said with seed ${asked.seed}`);
  find("audio").addEventListener("play", silence);
  Object.assign(find(".save"), { href: wav, download: `${name}.wav`, textContent: "Download wav" });
  find(".encode").hidden = format === "wav";
  find(".encode").textContent = `Download ${format}`;
  find(".encode").addEventListener("click", async (event) => {
    event.target.disabled = true;
    try {  // the same seed is the same audio
      const encoded = URL.createObjectURL(await (await ask({ ...asked, response_format: format })).blob());
      Object.assign(document.createElement("a"), { href: encoded, download: `${name}.${format}` }).click();
      setTimeout(() => URL.revokeObjectURL(encoded), 60_000);
    } catch (error) {
      byId("problem").textContent = error.message;
      byId("problem").hidden = false;
    } finally {
      event.target.disabled = false;
    }
  });
  find(".show").addEventListener("click", () => { draw(speech); byId("scroller").focus(); });
  find(".again").addEventListener("click", () => useSettings(asked));
  byId("made").prepend(item);
  byId("nothing").hidden = true;
};

// --- What the user does. ---

byId("ask").addEventListener("submit", (event) => { event.preventDefault(); speak(); });
byId("ask").addEventListener("input", showNumbers);
byId("voice").addEventListener("change", showVoice);
byId("stop").addEventListener("click", stop);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("ask").requestSubmit();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (shown) draw(shown); });
addEventListener("resize", () => { if (shown) draw(shown); });
showVoice();
