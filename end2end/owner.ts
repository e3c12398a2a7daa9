// What the owner does in the admin app.
import type { Browser, Locator, Page } from "@playwright/test";
import { expect, type Stack } from "./stack.ts";

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
