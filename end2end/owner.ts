// What the owner does in the admin app.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import type { Browser, Locator, Page } from "@playwright/test";
import { expect, type Stack } from "./stack.ts";

const run = promisify(execFile);
const bando = resolve(import.meta.dirname, "..", process.env.CARGO_TARGET_DIR ?? "target", "debug/bando");

export async function typeLogin(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** Logs in and waits until the list is live. */
export async function logIn(page: Page, stack: Stack): Promise<void> {
  await page.goto(stack.admin);
  await typeLogin(page, stack.admin_username, stack.admin_password);
  await expect(page.getByRole("heading", { level: 1, name: "Payments" })).toBeVisible();
  await expectLive(page);
}

/** The owner at a computer of their own, logged in. */
export async function ownerAtWork(browser: Browser, stack: Stack): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: true });
  const page = await context.newPage();
  await logIn(page, stack);
  return page;
}

export async function expectLive(page: Page): Promise<void> {
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
}

/** The row of a list with this text in it, such as a phone number. */
export function rowOf(page: Page, text: string): Locator {
  return page.getByRole("row").filter({ hasText: text });
}

export function cell(row: Locator, name: string): Locator {
  return row.locator(`[data-name="${name}"]`);
}

/** Fills the dialog that stands before every action on money, confirms, and gives what was said afterwards. */
export async function confirm(page: Page, button: string, reason: string): Promise<string> {
  const dialog = page.getByRole("dialog");
  if (reason !== "") await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: button }).click();
  await expect(dialog).toBeHidden();
  return said(page).innerText();
}

/** What the last action came to. */
export function said(page: Page): Locator {
  return page.getByRole("status").filter({ has: page.getByRole("button", { name: "Close" }) });
}

/** How much the navigation says is waiting for a person. */
export async function waiting(page: Page): Promise<number> {
  const words = await page.getByRole("link", { name: /^To do/ }).innerText();
  return Number(/\d+/.exec(words)?.[0] ?? 0);
}

/** How much waits for a person by the books; the navigation knows it a moment after the page is there. */
export async function tasks(page: Page): Promise<number> {
  const lists = ["payments?state=review&limit=200", "receipts?state=unmatched&limit=200", "claims?state=open"];
  let count = 0;
  for (const list of lists) {
    const answer = await page.request.get(new URL(`/api/admin/${list}`, page.url()).href);
    expect(answer.ok()).toBe(true);
    const { payments = [], receipts = [], claims = [] } = (await answer.json()) as Record<string, unknown[]>;
    count += payments.length + receipts.length + claims.length;
  }
  return count;
}

/** Opens the list of what waits for a person. */
export async function openTodo(page: Page): Promise<void> {
  await page.getByRole("link", { name: /^To do/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "To do" })).toBeVisible();
}

/** One thing that waits for a person, by a text in it. */
export function taskOf(page: Page, text: string): Locator {
  return page.getByRole("listitem").filter({ hasText: text });
}

/** Opens the page of the newest payment of a phone number. */
export async function openPayment(page: Page, phone: string): Promise<void> {
  await page.getByRole("link", { name: "Payments", exact: true }).click();
  await page.getByRole("link", { name: phone }).first().click();
  await expect(page.getByRole("heading", { name: "What happened" })).toBeVisible();
}

/** Adds somebody who may log in as a cashier, as the owner does on the server's command line. */
export async function addCashier(stack: Stack, name: string, password: string): Promise<void> {
  const who = ["--username", name, "--role", "cashier", "--password", password];
  // With the settings of the running server, and started where no .env lies.
  const settings = (await readFile(`/proc/${stack.server_pid}/environ`, "utf8")).split("\0").filter((line) => line !== "");
  const env = Object.fromEntries(settings.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  await run(bando, ["admin", "add", ...who], { cwd: "/", env });
}
