// The cases of the browser suite for the page of a fleet. Each is given what drive.mjs offers, and throws.
import assert from "node:assert/strict";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const count = (page) => page.$eval("#count", (one) => one.textContent);
const names = (page) => page.$$eval("#rows th button", (all) => all.map((one) => one.textContent));
const settled = (page, words) => page.waitForFunction((words) => document.getElementById("count").textContent === words, { timeout: 10000 }, words);

async function judged(page, axe) {
  await page.evaluate(axe);
  return page.evaluate(async (values) => {
    const found = await globalThis.axe.run(document, { runOnly: { type: "tag", values } });
    return found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
  }, RULES);
}

export const fleet = {
  // data: { vms, group, within, cause, of, name }
  async "fleet filters"({ open, quiet, data }) {
    const page = await open();
    await settled(page, `${data.vms} VMs`);
    const drawn = await page.$$eval("#rows tr:not(.space)", (all) => all.length);
    assert.ok(drawn > 0 && drawn < 120, `of all VMs only those that are seen are drawn: ${drawn}`);
    await page.keyboard.press("/");
    await page.keyboard.type(data.name);
    await settled(page, `1 of ${data.vms} VMs`);
    assert.deepEqual(await names(page), [data.name]);
    await page.click("#filters button[type=reset]");
    await settled(page, `${data.vms} VMs`);
    await page.select("#by-group", `=${data.group}`);
    await settled(page, `${data.within} of ${data.vms} VMs`);
    await page.select("#by-found", `=${data.cause}`);
    await settled(page, `${data.of} of ${data.vms} VMs`);
    await page.click("#filters button[type=reset]");
    await page.click(`button[data-found="${data.cause}"]`);
    await settled(page, `${data.of} of ${data.vms} VMs`);
    await page.click("#filters button[type=reset]");
    await settled(page, `${data.vms} VMs`);
    const collator = (a, b) => a.localeCompare(b, "en", { numeric: true });
    const first = '#head th:first-child button';
    await page.click(first);
    const up = await names(page);
    assert.deepEqual(up, up.toSorted(collator));
    await page.click(first);
    const down = await names(page);
    assert.deepEqual(down, down.toSorted(collator).reverse());
    assert.equal(await page.$eval("#head th:first-child", (one) => one.getAttribute("aria-sort")), "descending");
    await quiet(page);
  },

  async "fleet keys"({ open, quiet, data }) {
    const page = await open();
    await settled(page, `${data.vms} VMs`);
    const focused = () => page.evaluate(() => Number(document.activeElement.dataset.index ?? -1));
    await page.focus("#rows th button");
    for (let step = 1; step <= 60; step += 1) {
      await page.keyboard.press("ArrowDown");
      assert.equal(await focused(), step);
    }
    await page.keyboard.press("End");
    assert.equal(await focused(), data.rows - 1);
    const seen = await page.evaluate(() => {
      const [one, all] = [document.activeElement.getBoundingClientRect(), document.getElementById("window").getBoundingClientRect()];
      return one.top >= all.top && one.bottom <= all.bottom + 1;
    });
    assert.ok(seen, "the VM with the focus is seen");
    const name = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    assert.equal(await page.$eval("#of", (one) => one.textContent), name);
    await page.keyboard.press("Escape");
    assert.equal(await focused(), data.rows - 1);
    await page.keyboard.press("Home");
    assert.equal(await focused(), 0);
    await quiet(page);
  },

  async "fleet axe"({ open, axe }) {
    for (const theme of ["light", "dark"]) {
      const page = await open({ theme, bypass: true });
      await page.waitForSelector("#rows th button");
      assert.deepEqual(await judged(page, axe), [], theme);
      await page.click("#rows th button");
      assert.deepEqual(await judged(page, axe), [], `${theme}, with a VM open`);
    }
  },

  async "fleet narrow"({ open, quiet }) {
    for (const width of [320, 375, 640, 900, 1280, 1920]) {
      const page = await open({ width });
      await page.waitForSelector("#rows th button");
      await page.click("#rows th button");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `${width} px`);
      await quiet(page);
      await page.close();
    }
  },

  // The summary is all there without a script, and what cannot work is not shown.
  async "fleet without script"({ open, data }) {
    const page = await open({ script: false });
    const text = await page.$eval("body", (one) => one.innerText);
    for (const words of data.words) assert.ok(text.includes(words), `${words} in ${text}`);
    for (const id of ["#filters", "#window", "#detail", "#legend"]) assert.equal(await page.$eval(id, (one) => one.offsetHeight), 0, id);
  },

  // data: { shown, rows }: texts of a hostile report, which stand on the page as they are
  async "fleet hostile"({ open, quiet, data }) {
    const page = await open();
    await page.waitForSelector("#rows th button");
    await page.click("#rows th button");
    const text = await page.$eval("body", (one) => one.textContent);
    for (const words of data.shown) assert.ok(text.includes(words), words);
    assert.equal(await page.$$eval("img, iframe, b, svg", (all) => all.length), 0);
    assert.equal(await page.$$eval("script", (all) => all.length), 2);
    await quiet(page);
  },
};
