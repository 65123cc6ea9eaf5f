// Opens a page in headless Chromium, as a user opens a file, and holds one case against it: node drive.mjs CASE FILE [EXPECTED].
// EXPECTED is a JSON file. A case that does not hold ends with a message on standard error and exit code 1. Chromium may load
// the file and nothing else; whatever else it asks for is refused and remembered.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";
import { cases } from "./cases.mjs";
import { fleet } from "./fleet.mjs";
import { print } from "./print.mjs";

const { MIDOCTOR_BROWSER_NODE_MODULES: modules, MIDOCTOR_BROWSER_CHROMIUM: chromium } = process.env;
const require = createRequire(`${modules}/package.json`);
const loaded = require("puppeteer-core");
const puppeteer = loaded.default ?? loaded;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [name, file, expected] = process.argv.slice(2);
const address = pathToFileURL(file).href;

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  // Its own sandbox cannot be set up by root. It has no way out: a proxy that is not there, and no errands of its own.
  args: [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--proxy-server=127.0.0.1:9", "--lang=en-US",
  ],
});

// A new tab with the page. `before` runs in it ahead of the page's own script.
async function open({ width = 1200, theme = "light", script = true, before, bypass = false } = {}) {
  const page = await browser.newPage();
  page.trouble = [];
  page.on("console", (message) => page.trouble.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => page.trouble.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { page.trouble.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    if (request.url().split("#")[0] === address) {
      request.continue();
    } else {
      page.trouble.push(`request: ${request.url()}`);
      request.abort();
    }
  });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.setJavaScriptEnabled(script);
  await page.setBypassCSP(bypass);
  await page.evaluateOnNewDocument(() => {
    globalThis.refused = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.refused.push(event.violatedDirective));
  });
  if (before) await page.evaluateOnNewDocument(before);
  await page.goto(address);
  await page.bringToFront();
  return page;
}

// Nothing went wrong in this tab, and nothing was tried that the page's policy refuses.
async function quiet(page) {
  assert.deepEqual(page.trouble, []);
  assert.deepEqual(await page.evaluate(() => globalThis.refused ?? []), []);
}

// Lets every page use the clipboard, as a user does who is asked.
async function allowClipboard() {
  const session = await browser.target().createCDPSession();
  await session.send("Browser.grantPermissions", { permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"] });
}

const data = expected ? JSON.parse(readFileSync(expected, "utf8")) : undefined;
try {
  const run = { ...cases, ...fleet, ...print }[name];
  assert.ok(run, `there is no case ${name}`);
  await run({ open, quiet, allowClipboard, axe, data, file });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
