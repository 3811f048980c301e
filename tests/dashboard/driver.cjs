// Drives headless Chromium: one JSON array [action, ...arguments] a line, one JSON object a line back.
"use strict";
const readline = require("node:readline");

const [, , library, executablePath, profile] = process.argv;
const { chromium } = require(library);
const { contrast, structure } = require("./checks.cjs");
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const DEADLINE = 20000;

(async () => {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath, headless: true, args: FLAGS, viewport: { width: 1280, height: 860 },
  });
  const page = context.pages()[0] || (await context.newPage());
  page.setDefaultTimeout(DEADLINE);
  const said = [];
  const elsewhere = [];
  page.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("dialog", (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (!/^(http:\/\/127\.0\.0\.1:|about:|data:|blob:)/.test(request.url())) elsewhere.push(request.url()); });

  let place = page; // or a frame within it
  const actions = {
    enter: async (selector) => { place = page.frameLocator(selector); },
    leave: async () => { place = page; },
    goto: async (address) => { await page.goto(address); },
    click: async (role, name) => { await place.getByRole(role, { name, exact: true }).first().click(); },
    press: async (key) => { await page.keyboard.press(key); },
    look: async (media) => { await page.emulateMedia(media); },
    size: async (width, height) => { await page.setViewportSize({ width, height }); },
    text: async (selector) => place.locator(selector).first().innerText(),
    count: async (selector) => place.locator(selector).count(),
    wait: async (selector) => { await place.locator(selector).first().waitFor(); },
    content: async (html) => { await page.setContent(html); },
    run: async (script) => page.evaluate(script),
    contrast: async () => page.evaluate(contrast),
    structure: async () => page.evaluate(structure),
    until: async (script) => {  // waitForFunction would need eval, which the page's policy rightly forbids
      const end = Date.now() + DEADLINE;
      while (!(await page.evaluate(script))) {
        if (Date.now() > end) throw new Error(`never came: ${script}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    address: async () => page.url(),
    title: async () => page.title(),
    shoot: async (path, fullPage) => { await page.screenshot({ path, fullPage: Boolean(fullPage) }); },
    complaints: async () => ({ said, elsewhere }),
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [action, ...rest] = JSON.parse(line);
    let answer;
    try {
      answer = { value: await actions[action](...rest) };
    } catch (error) {
      answer = { error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await context.close();
})();
