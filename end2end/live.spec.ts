// Who is on the network, and what the owner does about it: on the screen and on the router.
import type { Locator, Page } from "@playwright/test";
import { client, join, logouts } from "./control.ts";
import { getOnline, newCustomer, openAnyPage, type Customer } from "./customer.ts";
import { inspect } from "./inspect.ts";
import { addCashier, cell, confirm, expectLive, ownerAtWork, rowOf, said, typeLogin } from "./owner.ts";
import { expect, test, type Stack } from "./stack.ts";
import { inTerminal } from "./terminal.ts";

test.setTimeout(150_000);

async function openLive(page: Page): Promise<void> {
  await page.getByRole("link", { name: "On now" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "On now" })).toBeVisible();
}

/** Opens what may be done with a device and chooses one of it. */
async function choose(page: Page, row: Locator, action: string): Promise<void> {
  await row.getByRole("button", { name: /^Actions/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: action }).click();
}

async function getOnlineElsewhere(page: Page, stack: Stack, packageName: string): Promise<Customer> {
  const customer = newCustomer();
  const context = await page.context().browser()?.newContext();
  if (context === undefined) throw new Error("the page has no browser");
  await getOnline(await context.newPage(), stack, customer, packageName);
  await context.close();
  return customer;
}

function state(row: Locator): Locator {
  return cell(row, "State").locator(".badge");
}

test("who pays appears by themselves, and their time runs on the screen", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await openLive(owner);
  const customer = await getOnlineElsewhere(owner, stack, "1 hour");
  const row = rowOf(owner, customer.phone);
  await expect(state(row)).toHaveText("On now");
  await expect(row).toContainText(customer.mac);
  await expect(cell(row, "Package")).toHaveText("1 hour");
  const time = cell(row, "Time left").locator(".number");
  await expect(time).toHaveText(/^5\d min( \d+ s)?$/);
  const first = await time.innerText();
  await expect(time).not.toHaveText(first);

  await owner.getByRole("searchbox").fill(customer.phone);
  await owner.getByRole("button", { name: "Search" }).click();
  await expect(owner.locator("tbody tr")).toHaveCount(1);
  await expect(row).toBeVisible();
  await owner.getByRole("searchbox").fill("");
  await owner.getByRole("radio", { name: /^Paused/ }).check();
  await expect(owner).toHaveURL(/state=paused/);
  await expect(row).toHaveCount(0);
  await owner.reload();
  await expect(owner.getByRole("radio", { name: /^Paused/ })).toBeChecked();
  await owner.context().close();
});

test("more time, a pause and the end are done on the router", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const customer = await getOnlineElsewhere(owner, stack, "1 hour");
  await openLive(owner);
  const row = rowOf(owner, customer.phone);
  await expect(state(row)).toHaveText("On now");

  await choose(owner, row, "Give more time");
  const dialog = owner.getByRole("dialog", { name: "How much time do you give?" });
  await dialog.getByLabel("How much time").fill("2");
  await dialog.getByRole("radio", { name: "Hours" }).check();
  expect(await confirm(owner, "Give time", "The power was out")).toContain(customer.phone);
  await expect(cell(row, "Time left")).toContainText(/^2 h 5\d min/);
  await expect.poll(async () => (await client(stack, customer.mac)).seconds_left ?? 0).toBeGreaterThan(7200);

  await choose(owner, row, "Pause");
  await confirm(owner, "Pause", "");
  await expect(state(row)).toHaveText("Paused");
  await expect(cell(row, "Time left")).toContainText("stands still");
  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("portal");
  await owner.getByRole("link", { name: "Payments", exact: true }).click();
  await expect(cell(rowOf(owner, customer.phone), "WiFi")).toHaveText("Paused");
  await openLive(owner);

  await choose(owner, row, "Let it go on");
  await confirm(owner, "Let it go on", "");
  await expect(state(row)).toHaveText("On now");
  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("online");
  await expect(cell(row, "Time left")).toContainText(/^2 h 5\d min/);

  await choose(owner, row, "End for good");
  const end = owner.getByRole("dialog", { name: "End what this customer has paid for?" });
  await end.getByRole("button", { name: "End for good" }).click();
  // Without a reason nothing happens.
  await expect(end.getByLabel("Reason")).toBeFocused();
  await confirm(owner, "End for good", "They asked for it");
  await expect(row).toHaveCount(0);
  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("portal");

  // Whoever helps the customer reads who did what, and why.
  await owner.getByRole("link", { name: "Help a customer" }).click();
  await owner.getByRole("searchbox").fill(customer.phone);
  await owner.getByRole("button", { name: "Look", exact: true }).click();
  const done = owner.getByRole("region", { name: "What was done by hand" }).getByRole("listitem");
  await expect(done).toHaveText([
    /admin ended it for good: “They asked for it”$/,
    /admin let it go on, with 2 hours \d+ minutes left\.$/,
    /admin paused it, with 2 hours \d+ minutes left\.$/,
    /admin gave 2 hours more: “The power was out”$/,
  ]);
  const context = await browser.newContext();
  const portal = await context.newPage();
  await portal.goto(`${stack.portal}/w/main?mac=${encodeURIComponent(customer.mac)}`);
  await expect(portal.getByRole("heading", { level: 1, name: "Your access was ended" })).toBeVisible();
  await context.close();
  await owner.context().close();
});

test("who is put off the WiFi is logged out, and may come back", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const customer = await getOnlineElsewhere(owner, stack, "1 hour");
  const before = await logouts(stack, customer.mac);
  await openLive(owner);
  const row = rowOf(owner, customer.phone);
  await choose(owner, row, "Put off the WiFi");
  await confirm(owner, "Put off", "");
  await expect(said(owner)).toContainText("was put off the WiFi");
  await expect.poll(() => logouts(stack, customer.mac)).toBeGreaterThan(before);
  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("online");
  await owner.context().close();
});

test("who is on without paying is flagged, and can be kept out", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const ghost = newCustomer();
  await join(stack, ghost.mac);
  await inTerminal(stack, "/ip/hotspot/ip-binding/add", `=mac-address=${ghost.mac}`, "=type=bypassed", "=comment=a friend");
  await openLive(owner);

  const customer = await getOnlineElsewhere(owner, stack, "1 hour");
  await choose(owner, rowOf(owner, customer.phone), "Block this device");
  await confirm(owner, "Block", "Shares with the whole street");
  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("blocked");
  // A block has the whole router looked at, which otherwise happens once a minute.
  await expect(state(rowOf(owner, ghost.mac))).toHaveText("On without paying");
  await expect(owner.getByRole("radio", { name: /^Without paying [1-9]/ })).toBeVisible();

  await page.goto(`${stack.portal}/w/main?mac=${encodeURIComponent(customer.mac)}`);
  await expect(page.locator("main")).toContainText(/blocked/i);
  await expect(page.getByRole("button", { name: "Pay with M-Pesa" })).toHaveCount(0);

  await owner.getByRole("link", { name: "Blocked devices" }).click();
  const entry = owner.getByRole("listitem").filter({ hasText: customer.mac });
  await expect(entry).toContainText("Shares with the whole street");
  await entry.getByRole("button", { name: /^Lift the block/ }).click();
  await confirm(owner, "Lift the block", "They have promised");
  await expect(entry).toHaveCount(0);
  await expect.poll(async () => (await client(stack, customer.mac)).state).not.toBe("blocked");
  await owner.context().close();
});

test("a cashier sees everybody, and may pause and put off but nothing more", async ({ page, stack }) => {
  const customer = await getOnlineElsewhere(page, stack, "1 hour");
  await addCashier(stack, "till.live", "the till is open 1");
  await page.goto(`${stack.admin}/live`);
  await typeLogin(page, "till.live", "the till is open 1");
  await expectLive(page);
  const row = rowOf(page, customer.phone);
  await row.getByRole("button", { name: /^Actions/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("listitem").getByRole("button")).toHaveText(["Pause", "Put off the WiFi"]);
  await page.keyboard.press("Escape");
  await expect(row.getByRole("button", { name: /^Actions/ })).toBeFocused();
  await page.getByRole("link", { name: "Blocked devices" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Blocked devices" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Block a device" })).toHaveCount(0);
});

test("the list comes back by itself after the line was down", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await openLive(owner);
  await owner.route("**/api/events", (route) => route.abort());
  await owner.reload();
  await expect(owner.getByText("Reconnecting", { exact: true })).toBeVisible();
  const customer = await getOnlineElsewhere(owner, stack, "1 hour");
  await owner.unroute("**/api/events");
  await expectLive(owner);
  await expect(state(rowOf(owner, customer.phone))).toHaveText("On now");
  await owner.context().close();
});

test("the pages of live devices shut nobody out", async ({ page, browser, stack }) => {
  test.setTimeout(240_000);
  const owner = await ownerAtWork(browser, stack);
  const customer = await getOnlineElsewhere(owner, stack, "1 hour");
  await join(stack, newCustomer().mac);
  await openAnyPage(page, stack, newCustomer());
  await openLive(owner);
  const row = rowOf(owner, customer.phone);
  await expect(state(row)).toHaveText("On now");
  await inspect(owner, "admin-live");
  await row.getByRole("button", { name: /^Actions/ }).click();
  await expect(owner.getByRole("dialog")).toBeVisible();
  await inspect(owner, "admin-live-actions");
  await owner.getByRole("button", { name: "Block this device" }).click();
  await confirm(owner, "Block", "For the picture");
  await owner.getByRole("link", { name: "Blocked devices" }).click();
  const entry = owner.getByRole("listitem").filter({ hasText: customer.mac });
  await expect(entry).toBeVisible();
  await inspect(owner, "admin-blocked");
  await entry.getByRole("button", { name: /^Lift the block/ }).click();
  await confirm(owner, "Lift the block", "The picture is taken");
  await owner.goto(`${stack.admin}/live?q=nobody`);
  await expect(owner.getByText("No device fits.")).toBeVisible();
  await inspect(owner, "admin-live-none");
  await owner.context().close();
});
