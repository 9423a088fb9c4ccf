"use strict";

const table = document.getElementById("suspects");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const chosen = document.getElementById("class");
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");

  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = !chosen.value || row.dataset.classes.split("|").includes(chosen.value);
      row.hidden = !fits || !row.textContent.toLowerCase().includes(wanted);
      count += !row.hidden;
    }
    shown.textContent = count === 1 ? "1 row" : `${count} rows`;
  };
  chosen.addEventListener("change", filter);
  find.addEventListener("input", filter);
  find.form.addEventListener("submit", (event) => event.preventDefault());

  for (const link of document.querySelectorAll("[data-show]")) {
    link.addEventListener("click", () => {
      chosen.value = link.dataset.show;
      find.value = "";
      filter();
    });
  }

  const numbers = new Intl.Collator("en", { numeric: true });
  for (const head of table.querySelectorAll("[data-sort]")) {
    head.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = head.dataset.sort;
      const order = key === "seconds"
        ? (a, b) => a.dataset.seconds - b.dataset.seconds
        : (a, b) => numbers.compare(a.dataset[key], b.dataset[key]);
      rows.sort((a, b) => (up ? order(a, b) : order(b, a)));
      body.append(...rows);
    });
  }

  // One recording at a time.
  table.addEventListener("play", (event) => {
    for (const other of table.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);
  filter();
}
