// Every page in every state: nothing that shuts people out, nothing wider than the screen, and a picture of each.
import {
  advanceRouter,
  agePaidTime,
  breakRouter,
  healRouter,
  packages,
  payByApi,
  setScenario,
} from "./control.ts";
import {
  approvePrompt,
  cancelPrompt,
  choosePackage,
  expectHeading,
  expectToldToCheckPhone,
  getOnline,
  lookAtPhone,
  newCustomer,
  openAnyPage,
  pay,
  typePhone,
} from "./customer.ts";
import { inspect } from "./inspect.ts";
import { logIn, rowOf, typeLogin } from "./owner.ts";
import { expect, test } from "./stack.ts";

// Each state is looked at four times.
test.setTimeout(150_000);

test("portal: choosing, waiting, failing", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  await inspect(page, "portal-packages");
  await pay(page, "1 day", "0712 34");
  await expect(page.locator("#phone-hint")).toHaveClass(/error/);
  await inspect(page, "portal-wrong-number");
  await typePhone(page, customer.phone);
  await choosePackage(page, "1 hour");
  await page.getByRole("button", { name: "Pay with M-Pesa" }).click();
  await expectToldToCheckPhone(page);
  await inspect(page, "portal-waiting");
  await cancelPrompt(browser, stack, customer.phone);
  await expectHeading(page, "Let’s try that again");
  await inspect(page, "portal-cancelled");
  await page.getByText("I have a voucher or a pass").click();
  await page.getByLabel("Voucher or pass").fill("WRONG-CODE");
  await page.getByRole("button", { name: "Use code" }).click();
  await expect(page.getByLabel("Voucher or pass")).toHaveAttribute("aria-invalid", "true");
  await inspect(page, "portal-wrong-voucher");
});

test("portal: connecting, online, over", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  await pay(page, "3 hours", customer.phone);
  await breakRouter(stack);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "Payment received");
  await inspect(page, "portal-connecting");
  await healRouter(stack);
  await expectHeading(page, "You are online");
  await inspect(page, "portal-online");
  await page.getByRole("link", { name: "Buy more time" }).click();
  await expectHeading(page, "Add more time");
  await inspect(page, "portal-more-time");
  await agePaidTime(stack, customer.mac, 10_801);
  await advanceRouter(stack, 10_801);
  await openAnyPage(page, stack, customer);
  await expectHeading(page, "Your time is over");
  await inspect(page, "portal-time-over");
});

test("portal: outside the hotspot", async ({ page, stack }) => {
  await page.goto(stack.portal);
  await expectHeading(page, "Join the WiFi first");
  await inspect(page, "portal-no-device");
  await page.goto(`${stack.portal}/w/elsewhere?mac=A4:CF:12:00:00:99`);
  await expectHeading(page, "This did not work");
  await inspect(page, "portal-unknown-hotspot");
});

test("admin: login, payments", async ({ page, browser, stack }) => {
  await page.goto(stack.admin);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
  await inspect(page, "admin-login");
  await typeLogin(page, stack.admin_username, "wrong");
  await expect(page.getByRole("alert")).toHaveText(/wrong/);
  await inspect(page, "admin-login-refused");
  const waiting = newCustomer();
  const [cheapest] = await packages(stack);
  await payByApi(stack, cheapest?.id ?? "", waiting.phone, waiting.mac);
  const buyer = await browser.newContext();
  for (const name of ["1 week", "1 day"]) {
    const customer = newCustomer();
    await getOnline(await buyer.newPage(), stack, customer, name);
  }
  await buyer.close();
  await logIn(page, stack);
  await expect(rowOf(page, waiting.phone)).toContainText("Waiting for PIN");
  await inspect(page, "admin-payments");
  await page.goto(`${stack.admin}?q=nobody`);
  await expect(page.getByText("No payment fits.")).toBeVisible();
  await inspect(page, "admin-payments-none");
});

test("admin: customers, notifications", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "wrong_amount");
  const buyer = await browser.newContext();
  const portal = await buyer.newPage();
  await openAnyPage(portal, stack, customer);
  await pay(portal, "1 hour", customer.phone);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(portal, "Your payment is being checked");
  await inspect(portal, "portal-in-review");
  await logIn(page, stack);
  await page.getByRole("link", { name: "Customers" }).click();
  await expect(rowOf(page, customer.phone)).toBeVisible();
  await inspect(page, "admin-customers");
  await page.getByRole("link", { name: /Notifications/ }).click();
  await expect(page.getByRole("button", { name: "Mark as read" }).first()).toBeVisible();
  await inspect(page, "admin-notifications");
  await page.goto(`${stack.admin}/there-is-no-such-page`);
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await inspect(page, "admin-no-such-page");
  await buyer.close();
});

test("virtual phone and hotspot", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  const buyer = await browser.newContext();
  const portal = await buyer.newPage();
  await openAnyPage(portal, stack, customer);
  await pay(portal, "1 hour", customer.phone);
  const phone = await lookAtPhone(page.context(), stack, customer.phone);
  await inspect(phone, "phone-prompt");
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(portal, "You are online");
  await phone.goto(`${stack.phone}?number=${encodeURIComponent(customer.phone)}&refresh=off`);
  await expect(phone.getByText("Confirmed")).toBeVisible();
  await inspect(phone, "phone-message");
  for (const panel of ["Use another number", "Lipa na M-PESA by hand", "Try what can go wrong"]) {
    await phone.getByRole("link", { name: panel }).click();
    await expect(phone.getByRole("heading", { name: panel.replace(" by hand", "") })).toBeVisible();
    await inspect(phone, `phone-${panel.toLowerCase().replaceAll(" ", "-")}`);
  }
  await page.goto(`${stack.gateway}/?refresh=off`);
  await expect(page.getByRole("heading", { name: "Hotspot" })).toBeVisible();
  await inspect(page, "hotspot-devices");
  await page.goto(`${stack.gateway}/devices/${customer.mac}/open`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("is on the internet");
  await inspect(page, "hotspot-through");
  await buyer.close();
});
