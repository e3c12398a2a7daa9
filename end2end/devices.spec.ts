// One paid time on several devices, and on another one: a second phone by the code, a phone with a new address, a TV.
import { type Browser, type BrowserContext, type Page } from "@playwright/test";
import { client, join } from "./control.ts";
import { expectHeading, expectOnline, getOnline, newCustomer, openAnyPage, portalAddress } from "./customer.ts";
import { inspect } from "./inspect.ts";
import { expect, test, type Stack } from "./stack.ts";

// Pages are looked at four times each.
test.setTimeout(150_000);

/** The code that the page of a device that is online shows. */
async function codeOn(page: Page): Promise<string> {
  return page.locator(".facts .code").innerText();
}

/** Another device with a browser of its own, sent to the portal by the WiFi. */
async function secondDevice(browser: Browser, stack: Stack): Promise<{ page: Page; mac: string; context: BrowserContext }> {
  const other = newCustomer();
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await openAnyPage(page, stack, other);
  return { page, mac: other.mac, context };
}

async function typeCode(page: Page, code: string): Promise<void> {
  await page.getByText("I have a voucher or a pass").click();
  await page.getByLabel("Voucher or pass").fill(code);
  await page.getByRole("button", { name: "Use code" }).click();
}

test("a second phone joins by the code, and is removed again", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 day");
  await expect(page.getByText("1 of 2 in use")).toBeVisible();
  await inspect(page, "portal-online-shared");
  const second = await secondDevice(browser, stack);
  await typeCode(second.page, (await codeOn(page)).toLowerCase());
  await expectHeading(second.page, "Use your time here?");
  await second.page.getByRole("button", { name: "Use it on this device too" }).click();
  await expect(async () => {
    await second.page.goto(portalAddress(stack, { mac: second.mac, phone: "" }));
    await expectOnline(second.page, /^23 h 59 min|1 day 0 h$/);
  }).toPass();
  expect((await client(stack, second.mac)).state).toBe("online");
  expect((await client(stack, customer.mac)).state).toBe("online");

  await page.getByRole("link", { name: "Add or remove devices" }).click();
  await expectHeading(page, "Your devices");
  await inspect(page, "portal-devices");
  await page.getByRole("button", { name: /^Remove Device ending in/ }).click();
  await expectHeading(page, `Remove Device ending in ${second.mac.slice(-5)}?`);
  await inspect(page, "portal-removing");
  await page.getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByText("1 of 2 in use")).toBeVisible();
  await expect(async () => expect((await client(stack, second.mac)).state).toBe("portal")).toPass();
  expect((await client(stack, customer.mac)).state).toBe("online");
  await second.context.close();
});

test("a phone with a new address goes on with its time", async ({ page, stack }) => {
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 hour");
  const renewed = { mac: `DA:${customer.mac.slice(3)}`, phone: customer.phone };
  await openAnyPage(page, stack, renewed);
  await expect(page.getByText(/^You have (59 min|1 h)/)).toBeVisible();
  await inspect(page, "portal-packages-with-time");
  await page.getByRole("button", { name: "Continue on this device" }).click();
  await expectHeading(page, "You are online");
  await expect(async () => expect((await client(stack, customer.mac)).state).toBe("portal")).toPass();
  expect((await client(stack, renewed.mac)).state).toBe("online");
});

test("a television is picked from the devices on the WiFi", async ({ page, stack }) => {
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 week");
  const television = newCustomer();
  const { ip } = await join(stack, television.mac);
  await page.getByRole("link", { name: "Add or remove devices" }).click();
  await page.getByLabel("Its WiFi (MAC) address").fill("A4:CF");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByLabel("Its WiFi (MAC) address")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Its WiFi (MAC) address").fill("");
  await page.getByRole("link", { name: "Pick it from the devices on this WiFi" }).click();
  await inspect(page, "portal-devices-nearby");
  await page.getByLabel("Name").fill("Bedroom TV");
  await page.getByRole("radio", { name: ip }).check();
  await page.getByRole("button", { name: "Go on" }).click();
  await expectHeading(page, "Let this device on?");
  await expect(page.getByText(`${ip}, ends in ${television.mac.slice(-5)}`)).toBeVisible();
  await inspect(page, "portal-pass-tv");
  await page.getByRole("button", { name: "Let it on", exact: true }).click();
  await expectHeading(page, "Your devices");
  await expect(page.getByRole("listitem").filter({ hasText: "Bedroom TV" })).toBeVisible();
  await expect(async () => expect((await client(stack, television.mac)).state).toBe("online")).toPass();
});

test("the short link prepares another browser", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 hour");
  const code = await codeOn(page);
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(`${stack.portal}/p/${code}`);
  await expectHeading(other, "Your pass is ready");
  await inspect(other, "portal-pass-kept");
  await openAnyPage(other, stack, newCustomer());
  await expect(other.getByRole("button", { name: "Continue on this device" })).toBeVisible();
  await typeCode(other, code);
  await expectHeading(other, "Use your time here?");
  await inspect(other, "portal-pass");
  await context.close();
});
