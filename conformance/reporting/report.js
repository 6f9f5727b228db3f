"use strict";
(() => {
  const root = document.documentElement;
  const rows = [...document.querySelectorAll("details.row")];
  const search = document.getElementById("search");
  const chips = [...document.querySelectorAll(".chips button")];
  const selects = [...document.querySelectorAll(".filters select")];
  const shown = document.getElementById("shown");
  const texts = new Map();

  const textOf = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };

  const apply = () => {
    const verdicts = chips
      .filter((chip) => chip.getAttribute("aria-pressed") === "true")
      .map((chip) => chip.value);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const fits =
        (!verdicts.length || verdicts.includes(row.dataset.verdict)) &&
        selects.every((each) => !each.value || row.dataset[each.name].split(" ").includes(each.value)) &&
        words.every((word) => textOf(row).includes(word));
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
  };

  const press = (verdict) => {
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.value === verdict));
    apply();
  };

  const open = () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row || !row.matches("details.row")) return;
    if (row.hidden) {
      search.value = "";
      for (const each of selects) each.value = "";
      press("");
    }
    row.open = true;
    row.scrollIntoView();
    row.querySelector("summary").focus();
  };

  search.addEventListener("input", apply);
  for (const each of selects) each.addEventListener("change", apply);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  for (const tile of document.querySelectorAll("a.tile")) {
    tile.addEventListener("click", () => press(tile.dataset.verdict));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    search.focus();
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const pre = button.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(pre);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  addEventListener("hashchange", open);
  for (const each of document.querySelectorAll(".needs-js")) each.hidden = false;
  apply();
  open();
})();
