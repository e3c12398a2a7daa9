// What happens at the portal when things do not go straight.
import { chargesOf, client, promptsOf, routerUser, setScenario } from "./control.ts";
import {
  approvePrompt,
  cancelPrompt,
  expectHeading,
  expectOnline,
  expectToldToCheckPhone,
  getOnline,
  newCustomer,
  openAnyPage,
  pay,
  payButton,
  portalAddress,
  typePhone,
} from "./customer.ts";
import { expect, test } from "./stack.ts";

test("a cancelled prompt is explained, and trying again works", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await expectToldToCheckPhone(page);
  await cancelPrompt(browser, stack, customer.phone);
  await expectHeading(page, "Let’s try that again");
  await expect(page.getByRole("status")).toContainText("cancelled");
  expect(await chargesOf(stack, customer.phone)).toEqual([]);
  await pay(page, "1 hour", customer.phone);
  await expectToldToCheckPhone(page);
  await approvePrompt(browser, stack, customer.phone);
  await expectOnline(page, /^(59 min \d\d s|1 h 00 min)$/);
  expect(await chargesOf(stack, customer.phone)).toHaveLength(1);
});

test("too little money is explained in words", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "insufficient");
  await openAnyPage(page, stack, customer);
  await pay(page, "1 day", customer.phone);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "Let’s try that again");
  await expect(page.getByRole("status")).toContainText("balance is too low");
  expect(await chargesOf(stack, customer.phone)).toEqual([]);
});

test("money that does not fit is said to be looked at, and never asked for again", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "wrong_amount");
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "Your payment is being checked");
  await expect(page.locator("main")).toContainText("Do not pay again");
  await expect(payButton(page)).toHaveCount(0);
  expect((await client(stack, customer.mac)).state).toBe("portal");
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a wrong number is said at the field, and what was typed stays", async ({ page, stack }) => {
      const customer = newCustomer();
      await openAnyPage(page, stack, customer);
      await pay(page, "1 day", "0712 34");
      const field = page.getByLabel("M-Pesa phone number");
      await expect(field).toHaveAttribute("aria-invalid", "true");
      await expect(field).toHaveAccessibleDescription(/number/i);
      await expect(page.locator("#phone-hint")).toHaveClass(/error/);
      await expect(field).toHaveValue("0712 34");
      await expect(page.getByRole("radio", { name: /^1 day/ })).toBeChecked();
      await typePhone(page, customer.phone);
      await payButton(page).click();
      await expectToldToCheckPhone(page);
      expect(await promptsOf(stack, customer.phone)).toHaveLength(1);
    });

    test("pressing pay twice asks once", async ({ page, stack }) => {
      const customer = newCustomer();
      await openAnyPage(page, stack, customer);
      await typePhone(page, customer.phone);
      await payButton(page).dblclick();
      await expectToldToCheckPhone(page);
      await expect.poll(() => promptsOf(stack, customer.phone)).toHaveLength(1);
      await page.reload();
      await expectToldToCheckPhone(page);
      expect(await promptsOf(stack, customer.phone)).toHaveLength(1);
    });

    test("nothing is kept in the browser: the state comes back on the same device", async ({ page, browser, stack }) => {
      const customer = newCustomer();
      await openAnyPage(page, stack, customer);
      await pay(page, "1 hour", customer.phone);
      await expectToldToCheckPhone(page);

      const fresh = await browser.newContext({ javaScriptEnabled });
      const again = await fresh.newPage();
      await again.goto(portalAddress(stack, customer));
      await expectToldToCheckPhone(again);
      await approvePrompt(browser, stack, customer.phone);
      await expectOnline(again, /^(59 min \d\d s|1 h 00 min)$/);
      await fresh.close();

      const later = await browser.newContext({ javaScriptEnabled });
      const online = await later.newPage();
      await online.goto(portalAddress(stack, customer));
      await expectOnline(online, /^(59 min \d\d s|1 h 00 min)$/);
      await later.close();
    });
  });
}

test("while a prompt is open, a second page of the device shows the same one", async ({ page, context, stack }) => {
  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  const other = await context.newPage();
  await openAnyPage(other, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await expectToldToCheckPhone(page);
  await pay(other, "1 day", customer.phone);
  await expectToldToCheckPhone(other);
  await expect(other.locator("main")).toContainText("1 hour");
  expect(await promptsOf(stack, customer.phone)).toHaveLength(1);
});

test("while a prompt is open, another device cannot send one to the same phone", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await expectToldToCheckPhone(page);
  const context = await browser.newContext();
  const other = await context.newPage();
  await openAnyPage(other, stack, newCustomer());
  await pay(other, "1 day", customer.phone);
  await expect(other.getByRole("status")).toContainText("may still be open on this phone");
  await expect(other.getByLabel("M-Pesa phone number")).toHaveValue(customer.phone);
  await expect(other.getByRole("radio", { name: /^1 day/ })).toBeChecked();
  expect(await promptsOf(stack, customer.phone)).toHaveLength(1);
  await context.close();
});

test("buying again adds to the time that is left", async ({ page, browser, stack }) => {
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 hour");
  await page.getByRole("link", { name: "Buy more time" }).click();
  await expectHeading(page, "Add more time");
  await expect(page.getByRole("status")).toContainText("What you buy now is added to it");
  await pay(page, "3 hours", customer.phone);
  await expectToldToCheckPhone(page);
  await approvePrompt(browser, stack, customer.phone);
  await expectOnline(page, /^(3 h 59 min|4 h 00 min)$/);
  const user = await routerUser(stack, customer.mac);
  expect(user?.["limit-uptime"]).toMatch(/^(4h|3h59m\d+s|4h\d+s)$/);
  expect((await client(stack, customer.mac)).state).toBe("online");
  expect(await chargesOf(stack, customer.phone)).toHaveLength(2);
});

test("without a device address the portal explains how to join", async ({ page, stack }) => {
  for (const path of ["/", "/w/main", "/w/main?mac=", "/w/main?mac=not-a-mac"]) {
    await page.goto(`${stack.portal}${path}`);
    await expectHeading(page, "Join the WiFi first");
  }
  const answer = await page.goto(`${stack.portal}/w/elsewhere?mac=A4:CF:12:00:00:99`);
  expect(answer?.status()).toBe(404);
  await expectHeading(page, "This did not work");
});

test("hostile values in the address stay text", async ({ page, stack }) => {
  const hostile = [
    "javascript:window.hacked=1",
    `"><script>window.hacked=1</script>`,
    `'><img src=x onerror="window.hacked=1">`,
    "</style></title><svg onload=window.hacked=1>",
    "//evil.example/",
    "data:text/html,<script>window.hacked=1</script>",
    "http://evil.example/\r\nSet-Cookie: a=b",
  ];
  page.on("dialog", (dialog) => {
    throw new Error(`a dialog opened: ${dialog.message()}`);
  });
  const customer = newCustomer();
  for (const value of hostile) {
    const bad = encodeURIComponent(value);
    const good = encodeURIComponent(customer.mac);
    const addresses = [
      `/w/main?mac=${bad}&dst=${bad}&err=${bad}`,
      `/w/main?mac=${good}&ip=${bad}&dst=${bad}&lo=${bad}&err=${bad}&payment=${bad}&view=${bad}`,
      `/w/${bad}?mac=${good}&dst=${bad}&err=${bad}`,
    ];
    for (const address of addresses) {
      await page.goto(`${stack.portal}${address}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      const found = await page.evaluate(() => ({
        hacked: "hacked" in window,
        foreign: [...document.querySelectorAll("script, img, svg[onload], [onerror]")]
          .filter((element) => !(element instanceof HTMLScriptElement && element.src.startsWith(location.origin)))
          .map((element) => element.outerHTML),
        links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")]
          .map((link) => link.href)
          .filter((href) => !href.startsWith(location.origin)),
        targets: [...document.forms].map((form) => form.action).filter((action) => !action.startsWith(location.origin)),
      }));
      expect(found, address).toEqual({ hacked: false, foreign: [], links: [], targets: [] });
    }
  }
  expect(await page.context().cookies()).toEqual([]);
});
