// The cases of the browser suite that look at a page on a screen. Each is given what drive.mjs offers, and throws.
import assert from "node:assert/strict";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// What axe-core says against the page; it is let past the page's policy to get in at all.
async function judged(page, axe) {
  await page.evaluate(axe);
  return page.evaluate(async (values) => {
    const found = await globalThis.axe.run(document, { runOnly: { type: "tag", values } });
    const against = found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
    return { against, rules: found.passes.map((rule) => rule.id) };
  }, RULES);
}

// What the clipboard holds, read in a tab of its own.
async function clipboard(open) {
  const reader = await open();
  const text = await reader.evaluate(() => navigator.clipboard.readText());
  await reader.close();
  return text;
}

// Presses every copy button of the page and compares what arrives. `lines` are the groups of commands in the page's order.
async function copies(open, page, groups) {
  const expected = groups.flatMap((lines) => (lines.length > 1 ? [lines.join("\n")] : []).concat(lines));
  const buttons = await page.$$("button[data-copies]");
  assert.equal(buttons.length, expected.length, "one button per command, and one per group of several");
  for (const [index, button] of buttons.entries()) {
    await page.bringToFront();
    await page.evaluate(() => { document.getElementById("said").textContent = ""; });
    await button.evaluate((button) => { button.closest("details")?.setAttribute("open", ""); });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("said").textContent === "Copied", { timeout: 5000 });
    assert.match(await button.evaluate((button) => button.textContent), /^Copied/);
    assert.equal(await clipboard(open), expected[index]);
    assert.ok(await button.evaluate((button) => document.activeElement === button), "the button keeps the focus");
  }
}

export const cases = {
  async leads({ open, quiet, data }) {
    const page = await open();
    const seen = await page.evaluate(() => ({
      headings: Array.from(document.querySelectorAll("h1,h2,h3,h4,h5,h6"), (one) => [Number(one.tagName[1]), one.textContent]),
      title: document.title,
      lang: document.documentElement.lang,
      ids: Array.from(document.querySelectorAll("[id]"), (one) => one.id),
      landmarks: ["header", "nav", "main", "footer"].map((name) => document.querySelectorAll(`body > ${name}, header nav`).length > 0),
      anchors: Array.from(document.querySelectorAll('a[href^="#"]'), (one) => one.getAttribute("href").slice(1)),
      verdict: document.querySelector(".verdict").textContent,
      rows: document.querySelectorAll(".row").length,
      asked: document.querySelectorAll(".waterfall tbody tr").length,
      again: document.querySelectorAll(".waterfall tbody th .pill").length,
    }));
    assert.equal(seen.headings[0][0], 1);
    assert.ok(seen.headings[0][1].endsWith(data.verdict), seen.headings[0][1]);
    assert.equal(seen.headings.filter(([level]) => level === 1).length, 1);
    let last = 0;
    for (const [level, text] of seen.headings) {
      assert.ok(level <= last + 1, `“${text}” of level ${level} comes after one of level ${last}`);
      last = level;
    }
    assert.ok(seen.title.startsWith(data.verdict) && seen.title.includes(data.vm), seen.title);
    assert.ok(seen.verdict.includes(data.cause), seen.verdict);
    assert.equal(seen.lang, "en");
    assert.deepEqual(seen.landmarks, [true, true, true, true]);
    assert.equal(new Set(seen.ids).size, seen.ids.length, "no two elements have the same id");
    for (const anchor of seen.anchors) assert.ok(seen.ids.includes(anchor), `nothing is at #${anchor}`);
    assert.deepEqual([seen.rows, seen.asked, seen.again], [data.rows, data.asked, data.again]);
    await quiet(page);
  },

  async policy({ open }) {
    const page = await open();
    const refused = await page.evaluate(async () => {
      const put = (name, set) => { const one = document.createElement(name); set(one); document.body.append(one); };
      const tried = [
        () => put("img", (one) => { one.src = "https://example.org/x.png"; }),
        () => put("style", (one) => { one.textContent = "body { color: red }"; }),
        () => put("script", (one) => { one.textContent = "globalThis.hit = 1"; }),
        () => { document.body.innerHTML += "<b>x</b>"; },
        () => document.body.setAttribute("onclick", "globalThis.hit = 1"),
        () => fetch("https://example.org/").catch(() => {}),
      ];
      for (const one of tried) { try { await one(); } catch { /* refused at once */ } }
      document.body.click();
      await new Promise((done) => setTimeout(done, 200));
      return { directives: Array.from(new Set(globalThis.refused)).sort(), hit: globalThis.hit, colour: getComputedStyle(document.body).color };
    });
    assert.equal(refused.hit, undefined);
    assert.notEqual(refused.colour, "rgb(255, 0, 0)");
    for (const directive of ["connect-src", "img-src", "require-trusted-types-for", "style-src-elem"]) {
      assert.ok(refused.directives.includes(directive), `${directive} is not among ${refused.directives}`);
    }
    assert.deepEqual(page.trouble.filter((one) => one.startsWith("request")), []);
  },

  async copies({ open, quiet, allowClipboard, data }) {
    await allowClipboard();
    const page = await open();
    await copies(open, page, data);
    await quiet(page);
  },

  async "copies-by-hand"({ open, quiet, allowClipboard, data }) {
    await allowClipboard();
    for (const before of [
      () => { if (!globalThis.name) Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined }); },
      () => { Clipboard.prototype.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError")); },
    ]) {
      const page = await open({ before });
      await copies(open, page, data);
      await quiet(page);
      await page.close();
    }
  },

  async "copies-not"({ open }) {
    const page = await open({
      before: () => {
        Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined });
        Document.prototype.execCommand = () => false;
      },
    });
    await page.click("button[data-copies]");
    await page.waitForFunction(() => document.getElementById("said").textContent.startsWith("Not copied"), { timeout: 5000 });
    assert.match(await page.$eval("button[data-copies]", (button) => button.textContent), /^Not copied/);
  },

  async keyboard({ open, quiet }) {
    let page = await open();
    await page.evaluate(() => { for (const one of document.querySelectorAll("details")) one.open = false; });
    // Every closed part opens by Enter; then everything in it is within reach.
    for (const part of await page.$$("details")) {
      await (await part.$("summary")).focus();
      await page.keyboard.press("Enter");
      assert.ok(await part.evaluate((part) => part.open), "Enter opens it");
    }
    await page.close();
    page = await open();
    const wanted = await page.$$eval("a[href], button, summary, [tabindex='0']", (all) => all.map((one, index) => {
      one.closest("details")?.setAttribute("open", "");
      one.dataset.tab = index;
      return index;
    }));
    const reached = [];
    for (let presses = 0; presses < wanted.length; presses += 1) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate(() => {
        const one = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        const box = one.getBoundingClientRect();
        const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && box.bottom > 0 && box.top < innerHeight && box.width > 2;
        return seen ? Number(one.dataset.tab) : `${one.outerHTML.slice(0, 100)} has the focus and does not show it`;
      }));
    }
    assert.deepEqual(reached, wanted);
    // The first stop leads past everything to the verdict.
    await page.focus(".skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "report");
    await quiet(page);
  },

  async axe({ open, axe }) {
    for (const theme of ["light", "dark"]) {
      for (const width of [1200, 320]) {
        const page = await open({ theme, width, bypass: true });
        await page.evaluate(() => { for (const one of document.querySelectorAll("details")) one.open = true; });
        const { against, rules } = await judged(page, axe);
        assert.deepEqual(against, [], `${theme}, ${width} px`);
        for (const rule of ["color-contrast", "landmark-one-main", "heading-order", "document-title"]) {
          assert.ok(rules.includes(rule), `${rule} was not looked at`);
        }
        // Drawings are not looked at by axe-core.
        const pale = await page.evaluate(() => {
          const light = (colour) => {
            const [r, g, b] = colour.match(/[\d.]+/g).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ratio = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); };
          return Array.from(document.querySelectorAll("svg .node"), (node) => {
            const ground = getComputedStyle(node.querySelector("rect")).fill;
            return Array.from(node.querySelectorAll("text"), (text) => [text.textContent, ratio(getComputedStyle(text).fill, ground)]);
          }).flat().filter(([, ratio]) => !(ratio >= 4.5));
        });
        assert.deepEqual(pale, [], `${theme}: text in the drawing`);
        await page.close();
      }
    }
    // It would have seen it.
    const page = await open({ bypass: true });
    await page.evaluate(() => { document.querySelector(".verdict p").style.color = "#e0b0b0"; document.documentElement.lang = ""; });
    const { against } = await judged(page, axe);
    assert.deepEqual(against.map((one) => one.split(":")[0]).sort(), ["color-contrast", "html-has-lang"]);
  },

  async narrow({ open, quiet }) {
    for (const width of [320, 375, 640, 768, 900, 1280, 1920]) {
      const page = await open({ width });
      await page.evaluate(() => { for (const one of document.querySelectorAll("details")) one.open = true; });
      const wide = await page.evaluate(() => {
        const room = document.documentElement.clientWidth;
        const beyond = Array.from(document.querySelectorAll("main *")).filter((one) => one.getBoundingClientRect().right > room + 1 && !one.closest(".unseen"));
        return { scrolls: document.documentElement.scrollWidth > room, beyond: beyond.slice(0, 3).map((one) => one.outerHTML.slice(0, 120)) };
      });
      assert.deepEqual(wide, { scrolls: false, beyond: [] }, `${width} px`);
      assert.equal(await page.$$eval("svg.chain", (all) => all.filter((one) => one.getBoundingClientRect().width > 0).length), 1, "one drawing is shown");
      await quiet(page);
      await page.close();
    }
  },

  // Every check has its box, no box lies on another, and what is written in a box stays in it.
  async drawing({ open, quiet, data }) {
    for (const width of [1200, 320]) {
      const page = await open({ width });
      const drawn = await page.evaluate(() => {
        const svg = Array.from(document.querySelectorAll("svg.chain")).find((one) => one.getBoundingClientRect().width > 0);
        const whole = svg.viewBox.baseVal;
        const boxes = Array.from(svg.querySelectorAll(".node"), (node) => {
          const own = node.querySelector("rect").getBBox();
          const out = Array.from(node.querySelectorAll("text")).filter((text) => {
            const box = text.getBBox();
            return box.x < own.x || box.x + box.width > own.x + own.width || box.y < own.y - 1 || box.y + box.height > own.y + own.height + 2;
          });
          return { name: node.querySelector(".name").textContent, x: own.x, y: own.y, w: own.width, h: own.height, marks: node.querySelectorAll(".mark").length - 1, out: out.map((text) => text.textContent) };
        });
        const overlap = (a, b) => a !== b && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
        const lines = Array.from(svg.querySelectorAll(".edge"), (line) => line.getBBox());
        return {
          names: boxes.map((box) => box.name), marks: Object.fromEntries(boxes.map((box) => [box.name, box.marks])), out: boxes.flatMap((box) => box.out),
          overlapping: boxes.filter((box) => boxes.some((other) => overlap(box, other))).map((box) => box.name),
          outside: [...boxes.map((box) => [box.x, box.y, box.x + box.w, box.y + box.h]), ...lines.map((box) => [box.x, box.y, box.x + box.width, box.y + box.height])]
            .filter(([left, top, right, bottom]) => left < 0 || top < 0 || right > whole.width || bottom > whole.height),
          heads: Array.from(svg.querySelectorAll(".heads"), (heads) => heads.getAttribute("d").split("Z").length - 1),
        };
      });
      assert.deepEqual(drawn.names, data.names);
      assert.deepEqual(drawn.marks, data.marks);
      assert.deepEqual([drawn.out, drawn.overlapping, drawn.outside], [[], [], []]);
      assert.deepEqual(drawn.heads.sort((a, b) => a - b), data.heads, "an arrow per check that was stopped");
      await quiet(page);
      await page.close();
    }
  },

  async hostile({ open, quiet, allowClipboard, data }) {
    await allowClipboard();
    const page = await open();
    const seen = await page.evaluate(() => {
      const all = Array.from(document.querySelectorAll("*"));
      return {
        hit: globalThis.hit,
        names: Array.from(new Set(all.map((one) => one.localName))).sort(),
        scripts: document.scripts.length,
        handlers: all.flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith("on") || name === "style" || name === "src"),
        links: Array.from(document.querySelectorAll("[href]"), (one) => one.getAttribute("href")).filter((href) => !/^(https:\/\/|#)/.test(href)),
        text: `${document.title}\n${document.body.textContent}`,
        attributes: all.flatMap((one) => one.getAttributeNames().map((name) => one.getAttribute(name))).join("\n"),
      };
    });
    assert.equal(seen.hit, undefined);
    for (const name of ["img", "iframe", "object", "form", "base", "link", "b"]) assert.ok(!seen.names.includes(name), name);
    assert.deepEqual([seen.scripts, seen.handlers, seen.links], [1, [], []]);
    for (const text of data.shown) assert.ok(seen.text.replaceAll("`", "").includes(text), `it does not show ${text}`);
    assert.doesNotMatch(seen.text + seen.attributes, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/);
    await copies(open, page, data.groups);
    for (const link of await page.$$("main a, summary")) await link.evaluate((one) => { if (!one.href?.startsWith("http")) one.click(); });
    assert.equal(await page.evaluate(() => globalThis.hit), undefined);
    await quiet(page);
  },
};
