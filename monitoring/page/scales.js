"use strict";

// Positions on axes, ticks, labels of numbers, and smoothing: pure functions.

// The index of the first entry of a rising list that is not below x.
const firstFrom = (list, x) => {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < x) low = middle + 1; else high = middle;
  }
  return low;
};

const nearest = (list, x) => {
  const after = firstFrom(list, x);
  if (after === 0) return 0;
  return after === list.length || x - list[after - 1] <= list[after] - x ? after - 1 : after;
};

// The hours of training at a step, interpolated between the two reports around it.
const hoursAt = (run, step) => {
  const [steps, hours] = run.clock;
  if (!steps.length) return null;
  const after = Math.min(Math.max(firstFrom(steps, step), 1), steps.length - 1);
  if (steps.length === 1) return hours[0];
  const share = (step - steps[after - 1]) / (steps[after] - steps[after - 1]);
  return hours[after - 1] + Math.min(Math.max(share, 0), 1) * (hours[after] - hours[after - 1]);
};

// Exponential moving average with bias correction: a value `halfLife` steps back has half the weight.
const smooth = (steps, values, halfLife) => {
  let sum = 0, weight = 0, before = steps[0];
  return values.map((value, place) => {
    const fading = 0.5 ** ((steps[place] - before) / halfLife);
    before = steps[place];
    sum *= fading; weight *= fading;
    if (value === null) return null;
    sum += value; weight += 1;
    return sum / weight;
  });
};

const linearTicks = (low, high, count) => {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find(times => times * power >= rough) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found;
};

const logTicks = (low, high) => {
  for (const digits of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 6, 8]]) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const digit of digits) {
        const tick = digit * 10 ** power;
        if (tick >= low && tick <= high) found.push(tick);
      }
    }
    if (found.length > 7) return found.filter((_, place) => place % Math.ceil(found.length / 6) === 0);
    if (found.length >= 3) return found;
  }
  return linearTicks(low, high, 4);
};

const shown = (value, digits = 4) => {
  if (value === null) return "not finite";
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(digits)));
};
// Labels of one axis, with as many digits as make them differ.
const shownApart = values => {
  for (let digits = 3; ; digits++) {
    const labels = values.map(value => shown(value, digits));
    if (digits === 9 || new Set(labels).size === labels.length) return labels;
  }
};
const grouped = number => String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
const ofSteps = step => step >= 1e6 ? `${Number((step / 1e6).toPrecision(4))}M`
  : step >= 1e4 ? `${Number((step / 1e3).toPrecision(4))}k` : String(Number(step.toPrecision(5)));
