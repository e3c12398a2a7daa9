// The owner's routers: how each stands, what a test finds, adding one, and why a customer cannot get on.
import type { Locator, Page } from "@playwright/test";
import { breakRouter, chargesOf, client, healRouter, routerRows } from "./control.ts";
import { approvePrompt, expectHeading, getOnline, newCustomer, openAnyPage, pay } from "./customer.ts";
import { inspect } from "./inspect.ts";
import { addCashier, cell, confirm, expectLive, openPayment, ownerAtWork, rowOf, typeLogin } from "./owner.ts";
import { expect, test } from "./stack.ts";
import { inTerminal } from "./terminal.ts";

// A stack of its own: setting a router up changes the login page that the other tests' customers begin at.
test.use({ settings: { STACK_SIMULATOR_ARGUMENTS: "" } });
test.setTimeout(150_000);

async function openRouters(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Routers", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Routers" })).toBeVisible();
}

/** Opens the page of the router that every stack begins with. */
async function openRouter(page: Page): Promise<void> {
  await openRouters(page);
  await page.getByRole("link", { name: "Main", exact: true }).click();
  await expect(page.getByRole("heading", { name: "What happened" })).toBeVisible();
}

/** Asks why a customer cannot get on. */
async function lookInto(page: Page, who: string): Promise<void> {
  await page.getByRole("link", { name: "Help a customer" }).click();
  await page.getByRole("searchbox").fill(who);
  await page.getByRole("button", { name: "Look", exact: true }).click();
}

function station(page: Page, name: string): Locator {
  return page.getByRole("listitem").filter({ has: page.locator("b").getByText(name, { exact: true }) });
}

test("the list says how the router stands, and the test finds what is wrong", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await openRouters(owner);
  await expect(cell(rowOf(owner, "Main"), "State").locator(".badge")).toHaveText("Working");
  await openRouter(owner);
  await owner.getByRole("button", { name: "Test now" }).click();
  const found = owner.getByRole("region", { name: "What the test found" });
  // What is to be done stands open, the rest can be unfolded.
  await expect(found.getByRole("listitem").first().locator(".badge")).toHaveText(/Wrong|Could be better/);
  await found.getByText(/things are as they should be$/).click();
  await expect(found.getByRole("listitem").last().locator(".badge")).toHaveText("Good");
  const before = await found.locator(".badge.bad").count();
  const [hotspot] = await routerRows(stack, "/ip/hotspot");
  const switchHotspot = (disabled: string): Promise<void> =>
    inTerminal(stack, "/ip/hotspot/set", `=.id=${hotspot?.[".id"]}`, `=disabled=${disabled}`);
  await switchHotspot("yes");
  await owner.getByRole("button", { name: "Test again" }).click();
  await expect.poll(() => found.locator(".badge.bad").count()).toBeGreaterThan(before);
  await switchHotspot("no");
  await owner.getByRole("button", { name: "Test again" }).click();
  await expect(found.locator(".badge.bad")).toHaveCount(before);
  await owner.context().close();
});

test("lost time is given back by the rule the owner sets", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await openRouters(owner);
  const rule = owner.getByRole("checkbox", { name: "Give lost time back by itself" });
  await rule.check();
  await owner.getByLabel("When the router was away for at least").fill("15");
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByText("Lost time is given back by itself after 15 minutes or more.")).toBeVisible();
  await owner.reload();
  await expect(rule).toBeChecked();
  await expect(owner.getByLabel("When the router was away for at least")).toHaveValue("15");
  await rule.uncheck();
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByText("Lost time is not given back by itself.")).toBeVisible();
  await owner.context().close();
});

test("a router set up by hand is added, changed, and taken out of use and back", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await openRouters(owner);
  await owner.getByRole("link", { name: "Add a router" }).click();
  await owner.getByRole("link", { name: "Add a router that you set up by hand" }).click();
  await owner.getByLabel("What do you call this router?").fill("Kiosk");
  await owner.getByLabel("Address", { exact: true }).fill("127.0.0.9");
  await owner.getByLabel("User on the router").fill("bando");
  await owner.getByLabel("Password of that user").fill("not used today");
  await owner.getByRole("button", { name: "Add the router" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Kiosk" })).toBeVisible();
  await expect(owner.getByText("127.0.0.9:8728")).toBeVisible();
  await expect(owner.locator("main")).not.toContainText("not used today");

  await owner.getByRole("button", { name: "Change" }).click();
  await owner.getByLabel("Name").fill("Kiosk at the gate");
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Kiosk at the gate" })).toBeVisible();

  await owner.getByRole("button", { name: "Take out of use" }).click();
  await confirm(owner, "Take out of use", "The kiosk has closed");
  await expect(owner.locator(".title .badge")).toHaveText("Out of use");
  await openRouters(owner);
  await expect(rowOf(owner, "Kiosk at the gate")).toHaveCount(0);
  await owner.getByRole("link", { name: "Routers out of use" }).click();
  await owner.getByRole("link", { name: "Kiosk at the gate" }).click();
  await owner.getByRole("button", { name: "Take back into use" }).click();
  await confirm(owner, "Take back into use", "It has opened again");
  await expect(owner.locator(".title .badge")).not.toHaveText("Out of use");
  // So that the other tests have one router again.
  await owner.getByRole("button", { name: "Take out of use" }).click();
  await confirm(owner, "Take out of use", "The test is over");
  await owner.context().close();
});

test("taking a router out of use names the customers who would lose by it", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await getOnline(page, stack, newCustomer(), "1 hour");
  await openRouter(owner);
  await owner.getByRole("button", { name: "Take out of use" }).click();
  const dialog = owner.getByRole("dialog", { name: "Take this router out of use?" });
  await expect(dialog).toContainText(/Main: \d+ customers? ha(s|ve) paid time left there\./);
  const agree = dialog.getByRole("checkbox", { name: /paid and may lose it/ });
  await dialog.getByLabel("Reason").fill("Sold to a neighbour");
  await dialog.getByRole("button", { name: "Take out of use" }).click();
  // Without the tick nothing happens.
  await expect(agree).toBeFocused();
  await inspect(owner, "admin-router-out-of-use");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
  await openRouters(owner);
  await expect(cell(rowOf(owner, "Main"), "State").locator(".badge")).toHaveText("Working");
  await owner.context().close();
});

test("a cashier sees how routers stand, and has no buttons to change them", async ({ page, stack }) => {
  await addCashier(stack, "till.routers", "the till is open 2");
  await page.goto(`${stack.admin}/routers`);
  await typeLogin(page, "till.routers", "the till is open 2");
  await expectLive(page);
  await expect(rowOf(page, "Main")).toBeVisible();
  await expect(page.getByRole("link", { name: "Add a router" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Save" })).toHaveCount(0);
  await openRouter(page);
  await expect(page.getByRole("button", { name: "Test now" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Take out of use" })).toHaveCount(0);
  await page.goto(`${stack.admin}/routers/new`);
  await expect(page.getByText("Only the owner adds routers.")).toBeVisible();
});

test("why a customer cannot get on is said in words, from the money to the device", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 hour");
  await lookInto(owner, customer.phone);
  const verdict = owner.locator(".banner");
  await expect(verdict).toHaveClass(/good/);
  for (const name of ["Payment", "Paid time", "Router", "Let in by the router", "Phone on the WiFi", "Online"]) {
    await expect(station(owner, name).locator(".badge"), name).toHaveText("Good");
  }
  const [charge] = await chargesOf(stack, customer.phone);
  for (const who of [customer.mac, charge?.receipt ?? "no receipt"]) {
    await lookInto(owner, who);
    await expect(verdict, who).toHaveClass(/good/);
  }
  await lookInto(owner, "what is this");
  await expect(verdict).not.toHaveClass(/good/);
  await expect(owner.getByRole("heading", { name: "What to do" })).toBeVisible();

  // Somebody whose router does not do as it is told.
  const stuck = newCustomer();
  await openAnyPage(page, stack, stuck);
  await pay(page, "1 hour", stuck.phone);
  await breakRouter(stack);
  await approvePrompt(browser, stack, stuck.phone);
  await expectHeading(page, "Payment received");
  await openPayment(owner, stuck.phone);
  await owner.getByRole("link", { name: "Can’t they get on?" }).click();
  await expect(verdict).toBeVisible();
  await expect(verdict).not.toHaveClass(/good/);
  await expect(station(owner, "Payment").locator(".badge")).toHaveText("Good");
  await healRouter(stack);
  await expect.poll(async () => (await client(stack, stuck.mac)).state).toBe("online");
  await owner.getByRole("button", { name: "Look again" }).click();
  await expect(verdict).toHaveClass(/good/);
  await owner.context().close();
});

/** Begins to set a router up and gives the line to paste. */
async function beginSetup(page: Page, name: string, way: RegExp): Promise<string> {
  await openRouters(page);
  await page.getByRole("link", { name: "Add a router" }).click();
  await page.getByLabel("What do you call this router?").fill(name);
  await page.getByRole("radio", { name: way }).check();
  await page.getByRole("button", { name: "Show the line to paste" }).click();
  return page.getByRole("textbox", { name: "The line for the router’s terminal" }).inputValue();
}

test("one line sets a router up: looked at, approved, done", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const line = await beginSetup(owner, "Block B", /^Bando connects/);
  expect(line).not.toContain("\n");
  await expect(owner.getByRole("listitem").filter({ hasText: "Paste the line" })).toHaveAttribute("aria-current", "step");
  await inTerminal(stack, "/execute", `=script=${line}`);
  await owner.getByRole("button", { name: "Approve" }).click();
  await confirm(owner, "Approve", "");
  await expect(owner.locator(".banner")).toContainText(/^The router is (set up|connected)/, { timeout: 60_000 });
  await expect(owner.getByRole("heading", { name: "What was done" })).toBeVisible();
  await expect(owner.getByRole("textbox", { name: "The line that takes the set-up back" })).toHaveValue(/\S/);
  await owner.getByRole("link", { name: "Open the router" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Block B" })).toBeVisible();
  await owner.context().close();
});

test("the line is a secret that is shown once", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const line = await beginSetup(owner, "Block C", /^The router asks/);
  await owner.getByRole("button", { name: /^Copy/ }).first().click();
  await expect(owner.getByText(/Copied|It is selected/)).toBeVisible();
  await owner.reload();
  await expect(owner.getByText("The line was shown only once")).toBeVisible();
  expect(await owner.content()).not.toContain(line);
  await owner.getByRole("link", { name: "Begin again" }).click();
  await expect(owner.getByLabel("What do you call this router?")).toHaveValue("Block C");
  await owner.context().close();
});

test("the pages of routers shut nobody out", async ({ browser, stack }) => {
  test.setTimeout(300_000);
  const owner = await ownerAtWork(browser, stack);
  await openRouters(owner);
  await expect(rowOf(owner, "Main")).toBeVisible();
  await inspect(owner, "admin-routers");
  await openRouter(owner);
  await owner.getByRole("button", { name: "Test now" }).click();
  await expect(owner.getByRole("region", { name: "What the test found" })).toBeVisible();
  await owner.getByRole("button", { name: "Change" }).click();
  await inspect(owner, "admin-router");
  await owner.goto(`${stack.admin}/routers/new?by=hand`);
  await expect(owner.getByRole("button", { name: "Add the router" })).toBeVisible();
  await inspect(owner, "admin-router-by-hand");
  await owner.goto(`${stack.admin}/routers/new`);
  await expect(owner.getByRole("button", { name: "Show the line to paste" })).toBeVisible();
  await inspect(owner, "admin-router-new");
  await beginSetup(owner, "Block D", /^The router asks/);
  await inspect(owner, "admin-router-setup");
  await lookInto(owner, "0712 345 678");
  await expect(owner.locator(".banner")).toBeVisible();
  await inspect(owner, "admin-why");
  // On a small screen the rest of the pages is behind a button.
  await owner.setViewportSize({ width: 360, height: 740 });
  await owner.getByRole("button", { name: /^More/ }).click();
  await expect(owner.getByRole("link", { name: "Routers", exact: true })).toBeVisible();
  await owner.getByRole("link", { name: "Routers", exact: true }).click();
  await expect(owner.getByRole("link", { name: "Check with M-Pesa" })).toBeHidden();
  await owner.context().close();
});
