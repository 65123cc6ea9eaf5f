// Copies commands, opens what a link leads to and, for paper, everything. Takes nothing from a report but the text of a command.
"use strict";
(() => {
  const said = document.getElementById("said");

  // Where the browser lends no clipboard to a page, or not to one from a file.
  const byHand = (text, button) => {
    const field = document.createElement("textarea");
    field.className = "unseen";
    field.readOnly = true;
    field.value = text;
    button.after(field);
    field.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { /* then it is not done */ }
    field.remove();
    button.focus({ preventScroll: true });
    return done;
  };

  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return byHand(text, button);
    }
  };

  for (const button of document.querySelectorAll("button[data-copies]")) {
    const label = button.firstElementChild;
    const usual = label.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const whole = button.closest(button.dataset.copies === "all" ? ".commands" : ".line");
      const lines = Array.from(whole.querySelectorAll("pre code"), (code) => code.textContent);
      const done = await copy(lines.join("\n"), button);
      label.textContent = done ? "Copied" : "Not copied";
      said.textContent = "";
      setTimeout(() => { said.textContent = done ? "Copied" : "Not copied: select the line and copy it"; }, 50);
      setTimeout(() => { label.textContent = usual; }, 2000);
    });
  }

  // A link to what is closed opens it.
  const show = () => {
    const there = document.getElementById(location.hash.slice(1));
    if (there instanceof HTMLDetailsElement) there.open = true;
  };
  addEventListener("hashchange", show);
  show();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    opened = [];
  });
})();
