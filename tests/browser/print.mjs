// The cases of the browser suite that take something away: JavaScript, or the screen. Each is given what drive.mjs offers, and throws.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import assert from "node:assert/strict";

const bare = (text) => text.replace(/\s+/g, "");

// The command lines that take room on the page.
const shown = (page) => page.$$eval("pre code", (all) => all
  .filter((one) => one.checkVisibility({ contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true }) && one.getBoundingClientRect().height > 0)
  .map((one) => one.textContent));

// A page is laid out for paper when the browser comes to it, which on a busy machine is a moment later.
const laidOut = async (page, expected) => {
  for (let tries = 0; tries < 100 && (await shown(page)).length !== expected.length; tries += 1) {
    await new Promise((done) => setTimeout(done, 50));
  }
};

export const print = {
  async "without-script"({ open, quiet, data }) {
    const page = await open({ script: false });
    assert.deepEqual(await page.$$eval("button", (all) => all.filter((one) => one.checkVisibility()).length), 0, "no button that does nothing");
    assert.equal(await page.$eval("h1", (one) => one.checkVisibility()), true);
    for (const part of await page.$$("details:not([open])")) {
      await (await part.$("summary")).click();
      assert.equal(await part.evaluate((part) => part.open), true, "it opens by a click");
    }
    assert.deepEqual(await shown(page), data.flat());
    await quiet(page);
  },

  async print({ open, data, file }) {
    for (const script of [true, false]) {
      const page = await open({ script });
      const closed = await page.evaluate(() => {
        const all = Array.from(document.querySelectorAll("details"));
        for (const one of all) one.open = false;
        return all.length;
      });
      assert.ok(closed > 0);
      if (!script) {
        assert.ok((await shown(page)).length < data.flat().length, "on the screen they are closed");
        await page.emulateMediaType("print");
        await laidOut(page, data.flat());
        assert.deepEqual(await shown(page), data.flat(), "on paper they stand open");
        assert.deepEqual(await page.$$eval("button, nav, .skip", (all) => all.filter((one) => one.checkVisibility()).length), 0);
        await page.emulateMediaType(null);
      }
      const pdf = `${file}-${script}.pdf`;
      writeFileSync(pdf, await page.pdf({ format: "A4" }));
      const text = bare(execFileSync("pdftotext", ["-raw", pdf, "-"], { encoding: "utf8" }));
      for (const line of data.flat()) assert.ok(text.includes(bare(line)), `the paper does not show ${line}`);
      const links = await page.$$eval("main a[href^='http']", (all) => all.map((one) => one.href));
      assert.ok(links.length > 0);
      for (const link of links) assert.ok(text.includes(bare(link)), `the paper does not show ${link}`);
      if (script) assert.equal(await page.$$eval("details[open]", (all) => all.length), 0, "afterwards they are closed again");
      await page.close();
    }
  },
};
