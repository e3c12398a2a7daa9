// The owner's app.
import { chargesOf, packages, payByApi, setScenario } from "./control.ts";
import { approvePrompt, expectToldToCheckPhone, getOnline, newCustomer, openAnyPage, pay } from "./customer.ts";
import { cell, expectLive, logIn, rowOf, typeLogin } from "./owner.ts";
import { expect, test } from "./stack.ts";

test("a wrong password is refused, the right one lets in, and logging out ends it", async ({ page, stack }) => {
  await page.goto(stack.admin);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
  await typeLogin(page, stack.admin_username, "not the password");
  await expect(page.getByRole("alert")).toHaveText(/wrong/);
  await expect(page.getByLabel("Password")).toHaveValue("");
  await expect(page.getByLabel("Password")).toBeFocused();
  await typeLogin(page, stack.admin_username, stack.admin_password);
  await expect(page.getByRole("heading", { level: 1, name: "Payments" })).toBeVisible();
  await expectLive(page);
  const cookie = (await page.context().cookies()).find((one) => one.httpOnly);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
  expect((await page.request.get(`${stack.portal}/api/admin/payments`)).status()).toBe(401);
  await page.goto(`${stack.admin}/customers`);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
});

test("who guesses passwords has to wait", async ({ page, stack }) => {
  await page.goto(`${stack.admin}/login`);
  const refusal = page.getByRole("alert");
  for (let guess = 1; guess <= 5; guess += 1) {
    await typeLogin(page, "somebody.else", `guess number ${guess}`);
    await expect(refusal).toHaveText(/wrong/);
    await expect(page.getByRole("button", { name: "Log in" })).toBeEnabled();
  }
  await typeLogin(page, "somebody.else", "guess number 6");
  await expect(refusal).toHaveText(/Too many failed logins/);
  // Somebody else's guesses do not lock the owner out.
  await typeLogin(page, stack.admin_username, stack.admin_password);
  await expect(page.getByRole("heading", { level: 1, name: "Payments" })).toBeVisible();
});

test("a link into the app leads there after the login", async ({ page, stack }) => {
  await page.goto(`${stack.admin}/customers?q=0722`);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
  await typeLogin(page, stack.admin_username, stack.admin_password);
  await expect(page.getByRole("heading", { level: 1, name: "Customers" })).toBeVisible();
  await expect(page).toHaveURL(`${stack.admin}/customers?q=0722`);
  await page.goto(`${stack.admin}/login?next=${encodeURIComponent("https://evil.example/admin")}`);
  await expect(page).toHaveURL(stack.admin);
});

test("filters, search and file agree with the list", async ({ page, browser, stack }) => {
  const paid = newCustomer();
  const open = newCustomer();
  const buyer = await browser.newContext();
  await getOnline(await buyer.newPage(), stack, paid, "1 hour");
  await buyer.close();
  const [package1] = await packages(stack);
  await payByApi(stack, package1?.id ?? "", open.phone, open.mac);
  const receipt = (await chargesOf(stack, paid.phone))[0]?.receipt ?? "";

  await logIn(page, stack);
  await expect(rowOf(page, paid.phone)).toBeVisible();
  await expect(rowOf(page, open.phone)).toBeVisible();
  await page.getByRole("radio", { name: "Paid", exact: true }).check();
  await expect(page).toHaveURL(/status=Success/);
  await expect(rowOf(page, paid.phone)).toBeVisible();
  await expect(rowOf(page, open.phone)).toHaveCount(0);
  await page.getByRole("radio", { name: "Open", exact: true }).check();
  await expect(rowOf(page, open.phone)).toBeVisible();
  await expect(rowOf(page, paid.phone)).toHaveCount(0);
  await page.getByRole("radio", { name: "All", exact: true }).check();

  const search = page.getByRole("searchbox");
  for (const words of [receipt, receipt.toLowerCase(), paid.phone, paid.phone.replace(/^0/, "+254 ")]) {
    await search.fill(words);
    await page.getByRole("button", { name: "Search" }).click();
    await expect(rowOf(page, open.phone), words).toHaveCount(0);
    await expect(rowOf(page, paid.phone), words).toBeVisible();
  }
  await page.reload();
  await expect(rowOf(page, paid.phone)).toBeVisible();
  await expect(search).toHaveValue(/254/);

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download CSV" }).click(),
  ]);
  const file = await (await page.request.get(download.url())).text();
  expect(file.trim().split(/\r?\n/)).toHaveLength(2);
  expect(file).toContain(receipt);

  await search.fill("nobody paid with this");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByText("No payment fits. Try fewer digits, or another status.")).toBeVisible();
});

test("a payment appears while the owner looks on, and changes in place", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await logIn(page, stack);
  const row = rowOf(page, customer.phone);
  await expect(row).toHaveCount(0);
  const buyer = await browser.newContext();
  await getOnline(await buyer.newPage(), stack, customer, "1 week");
  await buyer.close();
  await expect(cell(row, "Status").locator(".badge")).toHaveText("Paid");
  await expect(cell(row, "WiFi")).toHaveText("Online");
  await expect(row).toHaveCount(1);
});

test("a long list is read page by page", async ({ page, stack }) => {
  const [package1] = await packages(stack);
  const first = newCustomer();
  await payByApi(stack, package1?.id ?? "", first.phone, first.mac);
  for (let count = 0; count < 51; count += 1) {
    const customer = newCustomer();
    await payByApi(stack, package1?.id ?? "", customer.phone, customer.mac);
  }
  await logIn(page, stack);
  const rows = page.locator("tbody tr");
  // Payments that are still under way join the list as they change; once they rest, a fresh page is one page long.
  await expect(async () => {
    await page.reload();
    await expect(rows).toHaveCount(50, { timeout: 3_000 });
  }).toPass({ timeout: 45_000 });
  await expect(rowOf(page, first.phone)).toHaveCount(0);
  await page.getByRole("button", { name: "Load more" }).click();
  await expect(rowOf(page, first.phone)).toBeVisible();
  expect(await rows.count()).toBeGreaterThan(51);
  const phones = await page.locator('[data-name="Receipt"] small').allInnerTexts();
  expect(new Set(phones).size, "no payment is listed twice").toBe(phones.length);
});

test("customers are listed with what they paid", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  const buyer = await browser.newContext();
  await getOnline(await buyer.newPage(), stack, customer, "1 day");
  await buyer.close();
  await logIn(page, stack);
  await page.getByRole("link", { name: "Customers" }).click();
  await page.getByRole("searchbox").fill(customer.phone);
  await page.getByRole("button", { name: "Search" }).click();
  const row = rowOf(page, customer.phone);
  await expect(cell(row, "Payments")).toHaveText("1");
  await expect(cell(row, "Paid in all")).toHaveText("KES 50");
  await expect(page.locator("tbody tr")).toHaveCount(1);
});

test("what needs the owner is said at once, and can be put away", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "wrong_amount");
  await logIn(page, stack);
  const buyer = await browser.newContext();
  const portal = await buyer.newPage();
  await openAnyPage(portal, stack, customer);
  await pay(portal, "1 hour", customer.phone);
  await expectToldToCheckPhone(portal);
  await approvePrompt(browser, stack, customer.phone);
  await expect(portal.locator("main")).not.toContainText("You are online");
  await expect(cell(rowOf(page, customer.phone), "Status")).toContainText("Needs you");
  await expect(page.getByRole("link", { name: /Notifications.*unread/ })).toBeVisible();
  await page.getByRole("link", { name: /Notifications/ }).click();
  const unread = page.getByRole("listitem").filter({ has: page.getByRole("button", { name: "Mark as read" }) });
  const before = await unread.count();
  expect(before).toBeGreaterThan(0);
  await unread.first().getByRole("button", { name: "Mark as read" }).click();
  await expect(unread).toHaveCount(before - 1);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Notifications" })).toBeVisible();
  await expect(page.getByRole("listitem").first()).toBeVisible();
  await expect(unread).toHaveCount(before - 1);
  await buyer.close();
});

test("the colours follow the device until somebody chooses, and the choice stays", async ({ page, stack }) => {
  const background = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await logIn(page, stack);
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.getByRole("button", { name: "Light", exact: true }).click();
  expect(await background()).toBe(light);
  await page.reload();
  await expect(page.getByRole("button", { name: "Light", exact: true })).toHaveAttribute("aria-pressed", "true");
  expect(await background()).toBe(light);
  // The portal keeps to the same choice.
  await page.goto(stack.portal);
  expect(await background()).toBe(light);
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect(page.getByRole("button", { name: "Dark", exact: true })).toHaveAttribute("aria-pressed", "true");
  expect(await background()).toBe(dark);
});

test("the list says when it is no longer live, and comes back by itself", async ({ page, stack }) => {
  await logIn(page, stack);
  await page.route("**/api/events", (route) => route.abort());
  await page.reload();
  await expect(page.getByText("Reconnecting", { exact: true })).toBeVisible();
  await page.unroute("**/api/events");
  await expectLive(page);
});
