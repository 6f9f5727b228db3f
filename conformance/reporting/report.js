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
  const pressed = () => chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.value);

  const apply = () => {
    const verdicts = pressed();
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

  // the address: #ID of a row, ?filters, or both
  const parts = () => {
    const [id, query = ""] = location.hash.slice(1).split("?");
    try {
      return [decodeURIComponent(id), new URLSearchParams(query)];
    } catch {
      return ["", new URLSearchParams(query)];
    }
  };
  const keep = () => {
    const query = new URLSearchParams();
    if (search.value) query.set("q", search.value);
    for (const each of selects) if (each.value) query.set(each.name, each.value);
    if (pressed().length) query.set("verdict", pressed().join(","));
    const text = query.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname + location.search);
  };
  const change = () => { apply(); keep(); };
  const set = (query) => {
    const verdicts = (query.get("verdict") || "").split(",");
    search.value = query.get("q") || "";
    for (const each of selects) {
      each.value = query.get(each.name) || "";
      if (each.selectedIndex < 0) each.value = "";
    }
    for (const chip of chips) chip.setAttribute("aria-pressed", String(verdicts.includes(chip.value)));
    apply();
  };

  const open = () => {
    const [id, query] = parts();
    if ([...query].length) set(query);
    const row = id && document.getElementById(id);
    if (!row || !row.matches("details.row")) return;
    if (row.hidden) set(new URLSearchParams());
    row.open = true;
    row.scrollIntoView();
    row.querySelector("summary").focus({ preventScroll: true });
  };

  search.addEventListener("input", change);
  for (const each of selects) each.addEventListener("change", change);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      change();
    });
  }
  for (const tile of document.querySelectorAll("a.tile")) {
    tile.href = `#?verdict=${tile.dataset.verdict}`;
    tile.addEventListener("click", () => document.getElementById("requirements").scrollIntoView());
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const pre = button.closest(".block").querySelector("pre");
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
  // print holds the evidence, also where style alone cannot open it
  const closed = [];
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details.told:not([open])")) {
      each.open = true;
      closed.push(each);
    }
  });
  addEventListener("afterprint", () => { for (const each of closed.splice(0)) each.open = false; });
  addEventListener("hashchange", open);
  for (const each of document.querySelectorAll(".needs-js")) each.hidden = false;
  apply();
  open();
  // the browser goes to the address by itself, and takes the focus, after this
  addEventListener("load", () => setTimeout(open, 50));
})();
