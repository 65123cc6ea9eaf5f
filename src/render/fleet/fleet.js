// Draws the table of all VMs from the data in the page: rows that are seen, search, filters, order, more of one. Makes no markup of data.
"use strict";
(() => {
  const of = (id) => document.getElementById(id);
  const data = JSON.parse(of("data").textContent);
  const VERDICTS = ["unhealthy", "undetermined", "degraded", "healthy"];
  const STATUS = {
    p: ["pass", "✓"], w: ["warn", "!"], f: ["fail", "✗"], u: ["unknown", "?"], b: ["blocked", "·"], s: ["skip", "–"], i: ["ignored", "–"],
    " ": ["none", ""],
  };
  const WEIGHT = "fwubips ";
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const text = (index) => data.texts[index];

  // A VM is a row of the data; see html.rs for the order of its members.
  const vms = data.vms.map((row) => {
    const [name, verdict, cause, subscription, group, location, image, version, pattern, time, source, id] = row;
    const [cells, codes] = data.patterns[pattern];
    const vm = {
      name, verdict: VERDICTS[verdict], cause: text(cause), subscription: text(subscription), group: text(group), location: text(location),
      image: text(image), version: text(version), cells, codes: codes.map(text), time, source,
    };
    vm.id = id === 0 ? `/subscriptions/${vm.subscription}/resourceGroups/${vm.group}/providers/Microsoft.Compute/virtualMachines/${name}` : id;
    vm.words = [name, vm.verdict, vm.subscription, vm.group, vm.location, vm.image, vm.version, source, vm.id, ...vm.codes].join("\n").toLowerCase();
    return vm;
  });

  const COLUMNS = [
    { title: "VM", value: (vm) => vm.name },
    { title: "Verdict", value: (vm) => vm.verdict, rank: (vm) => VERDICTS.indexOf(vm.verdict) },
    { title: "Root cause", value: (vm) => vm.cause },
    ...data.checks.map((check, index) => ({ title: check, check: index, rank: (vm) => WEIGHT.indexOf(vm.cells[index]) })),
    { title: "Resource group", value: (vm) => vm.group },
    { title: "Location", value: (vm) => vm.location },
    { title: "Reported (UTC)", value: (vm) => moment(vm.time), rank: (vm) => -(vm.time ?? 0) },
  ];

  function moment(seconds) {
    return seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  }

  const made = (tag, className, words) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (words !== undefined) element.textContent = words;
    return element;
  };

  // Filters
  const FILTERS = [
    ["by-verdict", (vm) => [vm.verdict]],
    ["by-found", (vm) => vm.codes],
    ["by-subscription", (vm) => [vm.subscription]],
    ["by-group", (vm) => [vm.group]],
    ["by-location", (vm) => [vm.location]],
    ["by-image", (vm) => [vm.image]],
  ];
  const UNKNOWN = "(not known)";
  for (const [id, values] of FILTERS) {
    const counts = new Map();
    for (const vm of vms) for (const value of new Set(values(vm).map((one) => one.toLowerCase()))) counts.set(value, (counts.get(value) ?? 0) + 1);
    const names = [...counts.keys()].sort(collator.compare);
    for (const name of names) {
      const option = made("option", "", `${name || UNKNOWN} (${counts.get(name).toLocaleString("en")})`);
      // An empty value stands for all.
      option.value = `=${name}`;
      of(id).append(option);
    }
  }

  let shown = vms;
  let sorted = { column: 1, down: false };
  let first = -1;
  let current = 0;

  const filter = () => {
    const words = of("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = FILTERS.map(([id, values]) => [of(id).value, values]).filter(([value]) => value !== "");
    shown = vms.filter(
      (vm) =>
        words.every((word) => vm.words.includes(word)) &&
        chosen.every(([value, values]) => values(vm).some((one) => `=${one.toLowerCase()}` === value)),
    );
    sort();
    current = 0;
    of("window").scrollTop = 0;
    const all = vms.length.toLocaleString("en");
    of("count").textContent = shown.length === vms.length ? `${all} VMs` : `${shown.length.toLocaleString("en")} of ${all} VMs`;
    draw(true);
  };

  const sort = () => {
    const { rank, value } = COLUMNS[sorted.column];
    const sign = sorted.down ? -1 : 1;
    const by = rank ? (a, b) => rank(a) - rank(b) : (a, b) => collator.compare(value(a), value(b));
    shown.sort((a, b) => sign * by(a, b) || collator.compare(a.name, b.name) || collator.compare(a.id, b.id));
  };

  // The head
  COLUMNS.forEach((column, index) => {
    const cell = made("th", column.check === undefined ? "" : "check");
    cell.scope = "col";
    const button = made("button", "", column.title);
    button.type = "button";
    button.addEventListener("click", () => {
      sorted = { column: index, down: sorted.column === index && !sorted.down };
      heads();
      shown = shown.slice();
      sort();
      draw(true);
    });
    cell.append(button);
    of("head").append(cell);
  });
  const heads = () => {
    [...of("head").children].forEach((cell, index) => {
      if (index === sorted.column) cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  };

  // The rows: those that are seen and some around them.
  const AROUND = 12;
  let height = 32;
  const row = (vm, index) => {
    const line = made("tr");
    line.setAttribute("aria-rowindex", index + 2);
    for (const column of COLUMNS) {
      if (column.check !== undefined) {
        const [word, sign] = STATUS[vm.cells[column.check]];
        const cell = made("td", `check is-${word}`);
        if (sign) {
          const mark = made("span", "cell", sign);
          mark.setAttribute("aria-hidden", "true");
          mark.title = `${column.title}: ${word}`;
          cell.append(mark, made("span", "unseen", word));
        }
        line.append(cell);
      } else if (column.title === "VM") {
        const cell = made("th");
        cell.scope = "row";
        const button = made("button", "", vm.name);
        button.type = "button";
        button.dataset.index = index;
        button.tabIndex = index === current ? 0 : -1;
        button.title = vm.name;
        cell.append(button);
        line.append(cell);
      } else {
        const words = column.value(vm);
        const cell = made("td");
        if (column.title === "Verdict") cell.append(made("span", `pill is-${vm.verdict}`, words));
        else cell.append(column.title === "Root cause" ? made("span", "code", words) : words);
        cell.title = words;
        line.append(cell);
      }
    }
    return line;
  };
  const space = (pixels) => {
    const line = made("tr", "space");
    line.setAttribute("aria-hidden", "true");
    const cell = made("td");
    cell.colSpan = COLUMNS.length;
    cell.style.height = `${pixels}px`;
    line.append(cell);
    return line;
  };
  const draw = (anew) => {
    const view = of("window");
    const top = view.scrollTop;
    const many = Math.ceil(view.clientHeight / height) + 2 * AROUND;
    const from = Math.max(0, Math.min(Math.floor(top / height) - AROUND, shown.length - many));
    if (!anew && Math.abs(from - first) < AROUND / 2) return;
    const focused = document.activeElement?.dataset?.index !== undefined && of("rows").contains(document.activeElement);
    first = from;
    const lines = shown.slice(from, from + many).map((vm, index) => row(vm, from + index));
    of("rows").replaceChildren(space(from * height), ...lines, space(Math.max(0, shown.length - from - lines.length) * height));
    // Some browsers follow the row that had the focus to where it no longer is.
    if (view.scrollTop !== top) view.scrollTop = top;
    of("table").setAttribute("aria-rowcount", shown.length + 1);
    if (focused) button(current)?.focus({ preventScroll: true });
    else if (!button(current)) for (const one of of("rows").querySelectorAll("button")) { one.tabIndex = 0; break; }
  };
  const button = (index) => of("rows").querySelector(`button[data-index="${index}"]`);
  const go = (index) => {
    const view = of("window");
    current = Math.max(0, Math.min(index, shown.length - 1));
    const head = of("head").offsetHeight;
    const top = current * height;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + height + head > view.scrollTop + view.clientHeight) view.scrollTop = top + height + head - view.clientHeight;
    draw(true);
    button(current)?.focus({ preventScroll: true });
  };
  of("window").addEventListener("scroll", () => requestAnimationFrame(() => draw(false)), { passive: true });
  addEventListener("resize", () => draw(true));
  of("rows").addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(of("window").clientHeight / height) - 2);
    const steps = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + page, PageUp: current - page, Home: 0, End: shown.length - 1 };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(steps[event.key]);
  });
  of("rows").addEventListener("focusin", (event) => {
    if (event.target.dataset.index !== undefined) current = Number(event.target.dataset.index);
  });

  // More of one VM
  const detail = (vm) => {
    of("of").textContent = vm.name;
    const found = data.checks.map((check, index) => [check, STATUS[vm.cells[index]][0]]).filter(([, word]) => !["pass", "skip", "none"].includes(word));
    const facts = [
      ["Verdict", vm.verdict], ["Root cause", vm.cause], ["Found", vm.codes.join(", ")],
      ["Checks", found.map(([check, word]) => `${check}: ${word}`).join(", ")], ["Resource ID", vm.id], ["Subscription", vm.subscription],
      ["Resource group", vm.group], ["Location", vm.location], ["Image", vm.image], ["Reported (UTC)", moment(vm.time)],
      ["midoctor", vm.version], ["Report", vm.source],
    ];
    of("facts").replaceChildren(
      ...facts.filter(([, value]) => value).map(([name, value]) => {
        const pair = made("div");
        pair.append(made("dt", "", name), made("dd", "", value));
        return pair;
      }),
    );
    of("detail").hidden = false;
    of("detail").focus();
    of("detail").scrollIntoView({ block: "nearest" });
  };
  of("rows").addEventListener("click", (event) => {
    const index = event.target.dataset?.index;
    if (index !== undefined) detail(shown[Number(index)]);
  });
  const close = () => {
    of("detail").hidden = true;
    go(current);
  };
  of("close").addEventListener("click", close);
  of("detail").addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  // What is typed and chosen
  let waits = 0;
  of("search").addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(filter, vms.length > 20000 ? 150 : 0);
  });
  for (const [id] of FILTERS) of(id).addEventListener("change", filter);
  of("filters").addEventListener("submit", (event) => event.preventDefault());
  of("filters").addEventListener("reset", () => setTimeout(filter, 0));
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      of("search").focus();
    }
  });
  for (const one of document.querySelectorAll("button[data-found], button[data-unjudged]")) {
    one.hidden = false;
    one.addEventListener("click", () => {
      of("filters").reset();
      setTimeout(() => {
        if (one.dataset.found !== undefined) of("by-found").value = `=${one.dataset.found}`;
        else of("by-verdict").value = "=undetermined";
        filter();
        of("vms").scrollIntoView();
        of("search").focus({ preventScroll: true });
      }, 0);
    });
  }

  for (const id of ["filters", "window", "legend"]) of(id).hidden = false;
  heads();
  filter();
  height = of("rows").querySelector("tr:not(.space)")?.getBoundingClientRect().height || height;
  draw(true);
})();
