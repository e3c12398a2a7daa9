// Puts the README's picture together: a customer's phone beside the owner's list, from the screens that the
// end-to-end tests have kept. Run after them: node end2end/picture.mjs
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { chromium } from "@playwright/test";

const here = import.meta.dirname;
const screen = (name) =>
  `data:image/png;base64,${readFileSync(resolve(here, "artifacts/screens", `${name}.png`)).toString("base64")}`;

const page = `
  <style>
    body { margin: 0; width: 1280px; height: 560px; background: #e4e9f2; position: relative; overflow: hidden }
    div { position: absolute; background: top left / 100% auto no-repeat; border: solid #16213a; box-sizing: border-box }
    .list { left: 32px; top: 40px; width: 880px; height: 640px; border-width: 8px; border-radius: 18px;
            background-image: url(${screen("admin-payments-1280-light")}) }
    .phone { right: 32px; top: 40px; width: 308px; height: 640px; border-width: 8px; border-radius: 34px;
             background-image: url(${screen("portal-online-360-light")}) }
  </style>
  <div class="list"></div><div class="phone"></div>`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const tab = await browser.newPage({ viewport: { width: 1280, height: 560 } });
await tab.setContent(page);
await tab.screenshot({ path: resolve(here, "picture.png") });
await browser.close();
