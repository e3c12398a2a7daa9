// What customers download before they are online, often over a slow and dear connection: little, from here alone,
// and nothing that holds up the first view. Sizes are those on the wire.
import { get } from "node:http";
import type { Page } from "@playwright/test";
import { expectHeading, expectToldToCheckPhone, newCustomer, openAnyPage, pay, portalAddress } from "./customer.ts";
import { expect, test } from "./stack.ts";

const FIRST_VIEW_BYTES = 20_000;
const PORTAL_CODE_BYTES = 130_000;

interface Download {
  url: string;
  encoding: string;
  cache: string;
  /** Of the body as it travels. */
  bytes: number;
}

/** Everything a page asks for from now on, with sizes once each has come. */
async function watchDownloads(page: Page): Promise<Download[]> {
  const downloads: Download[] = [];
  page.on("requestfinished", async (request) => {
    const response = await request.response();
    const { responseBodySize } = await request.sizes();
    downloads.push({
      url: request.url(),
      encoding: response?.headers()["content-encoding"] ?? "",
      cache: response?.headers()["cache-control"] ?? "",
      bytes: responseBodySize,
    });
  });
  return downloads;
}

/** The bytes of an answer's body under one encoding, as sent. */
function bytesOnTheWire(url: string, encoding: string): Promise<number> {
  return new Promise((done, fail) => {
    const request = get(url, { headers: { "accept-encoding": encoding } }, (answer) => {
      let bytes = 0;
      expect(answer.headers["content-encoding"]).toBe(encoding);
      answer.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("end", () => done(bytes)).on("error", fail);
    });
    request.on("error", fail);
  });
}

test("the first view is small and nothing blocks it", async ({ page, stack }) => {
  const customer = newCustomer();
  const address = portalAddress(stack, customer);
  expect(await bytesOnTheWire(address, "br")).toBeLessThanOrEqual(FIRST_VIEW_BYTES);
  // Browsers ask for gzip where the hotspot serves the portal without TLS.
  expect(await bytesOnTheWire(address, "gzip")).toBeLessThanOrEqual(FIRST_VIEW_BYTES);

  await page.goto(address);
  await expectHeading(page, "Get online");
  const blocking = await page.evaluate(() => ({
    scripts: [...document.scripts]
      .filter((script) => script.type !== "module" && !script.defer && !script.async)
      .map((script) => script.outerHTML),
    sheets: [...document.querySelectorAll('link[rel="stylesheet"]')].map((link) => link.outerHTML),
    resources: performance
      .getEntriesByType("resource")
      .filter((entry) => (entry as PerformanceEntry & { renderBlockingStatus?: string }).renderBlockingStatus === "blocking")
      .map((entry) => entry.name),
  }));
  expect(blocking).toEqual({ scripts: [], sheets: [], resources: [] });
});

test("the portal's code is small, kept for ever, and the owner's app never comes with it", async ({ page, stack }) => {
  const downloads = await watchDownloads(page);
  const refused: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") refused.push(message.text());
  });
  page.on("requestfailed", (request) => {
    // Streams end when the page that opened them is left.
    if (!request.url().includes("/api/user/events")) refused.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  const code = (): Download[] => downloads.filter(({ url }) => /\/assets\/portal-[^/]+\.(js|wasm)$/.test(url));
  await expect.poll(() => code().length).toBe(2);
  expect(code().reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(PORTAL_CODE_BYTES);
  for (const { url, encoding, cache } of downloads.filter(({ url }) => url.includes("/assets/"))) {
    expect(encoding, url).toBe("br");
    expect(cache, url).toBe("public, max-age=31536000, immutable");
  }
  await pay(page, "1 hour", customer.phone);
  await expectToldToCheckPhone(page);
  // The page has come to life when its clock moves.
  await expect(page.locator(".clock")).not.toHaveText("0:00");
  // And it is not loaded over and over: the packages once, and the page that waits once.
  const pages = downloads.filter(({ url }) => url.startsWith(`${stack.portal}/w/main`));
  expect(pages.length).toBe(2);
  const hosts = new Set(downloads.map(({ url }) => new URL(url).host));
  expect([...hosts].sort()).toEqual([new URL(stack.gateway).host, new URL(stack.portal).host].sort());
  expect(downloads.filter(({ url }) => /admin/.test(new URL(url).pathname))).toEqual([]);
  expect(refused).toEqual([]);
});

/** Bytes that crossed the wire for each of the portal's own files, once the page has all it wants. */
async function transfers(page: Page): Promise<number[]> {
  const read = (): Promise<number[]> =>
    page.evaluate(() =>
      (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
        .filter(({ name }) => name.includes("/assets/"))
        .map(({ transferSize }) => transferSize),
    );
  // The starter, the glue and the wasm.
  await expect.poll(async () => (await read()).length).toBe(3);
  return read();
}

test("a second visit downloads no code again", async ({ page, stack }) => {
  await page.goto(portalAddress(stack, newCustomer()));
  expect(Math.min(...(await transfers(page)))).toBeGreaterThan(0);
  await page.goto(portalAddress(stack, newCustomer()));
  expect(await transfers(page)).toEqual([0, 0, 0]);
});
