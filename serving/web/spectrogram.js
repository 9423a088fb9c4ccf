"use strict";

// A waveform and a spectrogram on canvases, in the colours of the page.

const drawing = (() => {
  const SIZE = 512;  // samples of a transform
  const RANGE_DB = 70;  // below the loudest
  const HIGHEST_HZ = 8000;
  const WIDEST = 16000;  // pixels of a canvas

  const window_ = Float32Array.from({ length: SIZE }, (_, n) => 0.5 - 0.5 * Math.cos(2 * Math.PI * n / SIZE));
  const cosines = Float32Array.from({ length: SIZE / 2 }, (_, n) => Math.cos(2 * Math.PI * n / SIZE));
  const sines = Float32Array.from({ length: SIZE / 2 }, (_, n) => -Math.sin(2 * Math.PI * n / SIZE));
  const reversed = Uint16Array.from({ length: SIZE }, (_, n) => {
    let turned = 0;
    for (let bit = 1; bit < SIZE; bit <<= 1, n >>= 1) turned = (turned << 1) | (n & 1);
    return turned;
  });

  // The power of each frequency of the samples around a place (Cooley & Tukey, 1965).
  const powers = (samples, middle) => {
    const real = new Float32Array(SIZE), imaginary = new Float32Array(SIZE);
    for (let n = 0; n < SIZE; n++) {
      const sample = samples[middle - SIZE / 2 + n] ?? 0;
      real[reversed[n]] = sample * window_[n];
    }
    for (let half = 1; half < SIZE; half *= 2) {
      const step = SIZE / (2 * half);
      for (let start = 0; start < SIZE; start += 2 * half) {
        for (let n = 0; n < half; n++) {
          const here = start + n, there = here + half, cosine = cosines[n * step], sine = sines[n * step];
          const x = real[there] * cosine - imaginary[there] * sine;
          const y = real[there] * sine + imaginary[there] * cosine;
          real[there] = real[here] - x; imaginary[there] = imaginary[here] - y;
          real[here] += x; imaginary[here] += y;
        }
      }
    }
    return Float32Array.from({ length: SIZE / 2 }, (_, n) => real[n] ** 2 + imaginary[n] ** 2);
  };

  const fitted = (canvas) => {
    const scale = Math.min(devicePixelRatio, WIDEST / canvas.clientWidth);
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * scale));
    canvas.height = Math.round(canvas.clientHeight * scale);
    return canvas.getContext("2d");
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const channels = (name) => [1, 3, 5].map((at) => parseInt(colour(name).slice(at, at + 2), 16));

  const waveform = (canvas, samples) => {
    const context = fitted(canvas), { width, height } = canvas;
    context.fillStyle = colour("--bar");
    for (let x = 0; x < width; x++) {
      const first = Math.floor(x * samples.length / width);
      const end = Math.max(first + 1, Math.floor((x + 1) * samples.length / width));
      let low = 0, high = 0;
      for (let n = first; n < end; n++) { low = Math.min(low, samples[n] ?? 0); high = Math.max(high, samples[n] ?? 0); }
      context.fillRect(x, (1 - high) * height / 2, 1, Math.max(1, (high - low) * height / 2));
    }
  };

  const spectrogram = (canvas, samples, rate) => {
    const context = fitted(canvas), { width, height } = canvas;
    const columns = [];
    const every = Math.max(1, Math.round(SIZE / 4 * width / Math.max(1, samples.length)));  // pixels of a transform
    for (let x = 0; x < width; x += every) columns.push(powers(samples, Math.round((x + every / 2) * samples.length / width)));
    let loudest = 1e-12;
    for (const column of columns) for (const power of column) if (power > loudest) loudest = power;
    const image = context.createImageData(width, height), paper = channels("--card"), ink = channels("--accent");
    const bins = Math.min(1, HIGHEST_HZ / (rate / 2)) * SIZE / 2;
    for (let x = 0; x < width; x++) {
      const column = columns[Math.floor(x / every)];
      for (let y = 0; y < height; y++) {
        const power = column[Math.min(SIZE / 2 - 1, Math.floor((1 - (y + 1) / height) * bins))];
        const level = Math.max(0, 1 + 10 * Math.log10(power / loudest + 1e-12) / RANGE_DB);
        const at = 4 * (y * width + x);
        for (let c = 0; c < 3; c++) image.data[at + c] = paper[c] + (ink[c] - paper[c]) * level;
        image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  };

  const highestKhz = (rate) => Math.min(HIGHEST_HZ, rate / 2) / 1000;
  return { waveform, spectrogram, highestKhz, powers, size: SIZE };
})();
