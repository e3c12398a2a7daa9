// What a customer does: joins the WiFi, buys time on the portal, and answers M-Pesa on the phone.
import { type Browser, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { join } from "./control.ts";
import { expect, type Stack } from "./stack.ts";

/** A customer with a device and a phone that no other test uses. */
export interface Customer {
  mac: string;
  /** As people write it. */
  phone: string;
}

let customers = 0;

export function newCustomer(): Customer {
  customers += 1;
  const number = customers.toString().padStart(4, "0");
  const mac = `A4:CF:12:0F:${number.slice(0, 2)}:${number.slice(2)}`;
  // The simulator reads a scenario from numbers that end in 99 and two digits; these never do.
  return { mac, phone: `0722 40${number.slice(0, 1)} ${number.slice(1)}` };
}

/** The card of a device on the page of the hotspot. */
export function deviceCard(page: Page, name: string): Locator {
  return page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true }) });
}

export async function openHotspotPage(page: Page, stack: Stack): Promise<void> {
  // A page that renews itself may do so under the pointer.
  await page.goto(`${stack.gateway}/?refresh=off`);
}

/** Connects one of the devices of the hotspot's page; its browser then opens the portal by itself. */
export async function connectDevice(page: Page, stack: Stack, name: string): Promise<{ mac: string; ip: string }> {
  await openHotspotPage(page, stack);
  const card = deviceCard(page, name);
  const mac = await card.locator("code").nth(0).innerText();
  const ip = await card.locator("code").nth(1).innerText();
  await card.getByRole("button", { name: "Connect" }).click();
  await expect(page).toHaveURL((url) => url.href.startsWith(`${stack.portal}/w/main?`));
  return { mac, ip };
}

/** Joins the WiFi and opens a page, as a phone does by itself; without paid time that is the portal. */
export async function openAnyPage(page: Page, stack: Stack, customer: Customer): Promise<void> {
  await join(stack, customer.mac);
  await page.goto(`${stack.gateway}/devices/${customer.mac}/open`);
  await expect(page).toHaveURL((url) => url.href.startsWith(`${stack.portal}/w/main?`));
}

/** The portal's address of a device, as any browser on that device can open it. */
export function portalAddress(stack: Stack, customer: Customer): string {
  return `${stack.portal}/w/main?mac=${encodeURIComponent(customer.mac)}`;
}

export async function choosePackage(page: Page, name: string): Promise<void> {
  await page.getByRole("radio", { name: new RegExp(`^${name}\\b`) }).check();
}

export async function typePhone(page: Page, phone: string): Promise<void> {
  await page.getByLabel("M-Pesa phone number").fill(phone);
}

export function payButton(page: Page): Locator {
  return page.getByRole("button", { name: "Pay with M-Pesa" });
}

/** Chooses a package, types the number and presses pay. */
export async function pay(page: Page, packageName: string, phone: string): Promise<void> {
  await choosePackage(page, packageName);
  await typePhone(page, phone);
  await payButton(page).click();
}

export async function expectHeading(page: Page, name: string): Promise<void> {
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
}

export async function expectToldToCheckPhone(page: Page): Promise<void> {
  await expectHeading(page, "Check your phone");
}

/** Says that the customer is online, with so much time left (`2 h 59 min`, or one second before that). */
export async function expectOnline(page: Page, timeLeft: RegExp): Promise<void> {
  await expectHeading(page, "You are online");
  await expect(page.locator("#live")).toHaveText(timeLeft);
}

/** The phone itself: another browser, which shows the request of M-Pesa when it comes. */
export async function lookAtPhone(context: BrowserContext, stack: Stack, phone: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${stack.phone}?number=${encodeURIComponent(phone)}`);
  await expect(page.getByRole("heading", { name: "M-PESA" })).toBeVisible();
  return page;
}

export async function approvePrompt(browser: Browser, stack: Stack, phone: string, says?: string): Promise<void> {
  const context = await browser.newContext();
  const page = await lookAtPhone(context, stack, phone);
  if (says !== undefined) await expect(page.getByRole("region", { name: "M-PESA" })).toContainText(says);
  await page.getByLabel("M-PESA PIN").fill("1234");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByRole("heading", { name: "M-PESA" })).toBeHidden();
  await context.close();
}

export async function cancelPrompt(browser: Browser, stack: Stack, phone: string): Promise<void> {
  const context = await browser.newContext();
  const page = await lookAtPhone(context, stack, phone);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { name: "M-PESA" })).toBeHidden();
  await context.close();
}

/** From the WiFi to paid time, for tests about what comes after. */
export async function getOnline(page: Page, stack: Stack, customer: Customer, packageName: string): Promise<void> {
  await openAnyPage(page, stack, customer);
  await pay(page, packageName, customer.phone);
  await expectToldToCheckPhone(page);
  const browser = page.context().browser();
  if (browser === null) throw new Error("the page has no browser");
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "You are online");
}
