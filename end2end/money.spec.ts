// Money that needs a person: what the owner sees of it, decides about it, and what follows for the customer.
import { payByHand, payUnheard, statement } from "./books.ts";
import { chargesOf, client, packages, payByApi, setScenario } from "./control.ts";
import {
  approvePrompt,
  cancelPrompt,
  expectHeading,
  expectToldToCheckPhone,
  getOnline,
  newCustomer,
  openAnyPage,
  pay,
} from "./customer.ts";
import { inspect } from "./inspect.ts";
import { addCashier, confirm, openPayment, openTodo, ownerAtWork, said, taskOf, tasks, typeLogin, waiting } from "./owner.ts";
import { expect, test } from "./stack.ts";

test("another amount than the price waits for the owner, who decides, and the customer is let on", async ({
  page,
  browser,
  stack,
}) => {
  const owner = await ownerAtWork(browser, stack);
  const before = await tasks(owner);
  await expect.poll(() => waiting(owner)).toBe(before);
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "wrong_amount");
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "Your payment is being checked");
  const [charge] = await chargesOf(stack, customer.phone);

  await expect.poll(() => waiting(owner)).toBe(before + 1);
  await owner.getByRole("radio", { name: "Needs you" }).check();
  await expect(owner).toHaveURL(/status=review/);
  await expect(owner.getByRole("link", { name: customer.phone })).toBeVisible();
  await openTodo(owner);
  await taskOf(owner, customer.phone).getByRole("link", { name: "Look and decide" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "KES 10 for 1 hour" })).toBeVisible();
  const badge = owner.locator(".title .badge");
  await expect(badge).toHaveText("Needs you");
  // Everything that was said about it, with what arrived as it arrived.
  const callback = owner.getByRole("listitem").filter({ hasText: "M-Pesa reported" }).last();
  await callback.getByText("What arrived").click();
  await expect(callback.locator("pre")).toContainText(charge?.receipt ?? "no receipt");

  await owner.getByRole("button", { name: "It was paid", exact: true }).click();
  const dialog = owner.getByRole("dialog", { name: "Was this payment made?" });
  await dialog.getByRole("button", { name: "It was paid" }).click();
  // Without a reason nothing happens.
  await expect(dialog.getByLabel("Reason")).toBeFocused();
  await owner.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(owner.getByRole("button", { name: "It was paid", exact: true })).toBeFocused();
  await owner.keyboard.press("Enter");
  expect(await confirm(owner, "It was paid", "On the statement of today")).not.toBe("");
  await expect(said(owner)).toBeFocused();
  await expect(badge).toHaveText("Paid");
  await expect(owner.getByRole("listitem").filter({ hasText: "An admin decided" })).toContainText("On the statement of today");
  await expectHeading(page, "You are online");
  expect((await client(stack, customer.mac)).state).toBe("online");
  await expect.poll(() => waiting(owner)).toBe(before);
  await owner.context().close();
});

test("what was not paid ends as not paid", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "wrong_amount");
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "Your payment is being checked");
  await openPayment(owner, customer.phone);
  await owner.getByRole("button", { name: "It was not paid" }).click();
  await confirm(owner, "It was not paid", "Not on the statement");
  await expect(owner.locator(".title .badge")).toHaveText("Failed");
  await expect(owner.getByRole("button", { name: "It was paid", exact: true })).toHaveCount(0);
  expect((await client(stack, customer.mac)).state).toBe("portal");
  await owner.context().close();
});

test("money under a wrong account is placed by the owner, and the customer is let on", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await owner.getByRole("link", { name: "Check with M-Pesa" }).click();
  await owner.getByRole("button", { name: "Tell M-Pesa" }).click();
  expect(await confirm(owner, "Tell M-Pesa", "")).not.toBe("");

  const customer = newCustomer();
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await expectToldToCheckPhone(page);
  await cancelPrompt(browser, stack, customer.phone);
  await expectHeading(page, "Let’s try that again");
  // A friend pays for them, and mistypes the account.
  const friend = newCustomer();
  const receipt = await payByHand(stack, friend.phone, 10, "wifi please");

  await owner.getByRole("link", { name: /Notifications/ }).click();
  await taskOf(owner, receipt).getByRole("link", { name: "Open the list" }).click();
  const task = taskOf(owner, receipt);
  await expect(task).toContainText("wifi please");
  await openPayment(owner, customer.phone);
  const account = await owner.locator("dt:text-is('Account') + dd").innerText();
  await openTodo(owner);
  await task.getByRole("button", { name: "Assign" }).click();
  const dialog = owner.getByRole("dialog", { name: "Whose money is this?" });
  await dialog.getByLabel("Account number of the payment").fill("WF000000");
  await dialog.getByLabel("Reason").fill("The friend showed me the message");
  await dialog.getByRole("button", { name: "Assign" }).click();
  // An error says why and loses nothing.
  await expect(dialog.getByRole("alert")).not.toBeEmpty();
  await expect(dialog.getByLabel("Account number of the payment")).toHaveValue("WF000000");
  await expect(dialog.getByLabel("Reason")).toHaveValue("The friend showed me the message");
  await dialog.getByLabel("Account number of the payment").fill(account.toLowerCase());
  expect(await confirm(owner, "Assign", "The friend showed me the message")).not.toBe("");
  await expect(task).toHaveCount(0);

  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("online");
  await openPayment(owner, customer.phone);
  await expect(owner.locator(".title .badge")).toHaveText("Paid");
  await expect(owner.getByRole("region", { name: "Money received" })).toContainText(receipt);
  await owner.context().close();
});

test("money that is not for WiFi leaves the list, and money of a customer becomes their credit", async ({ browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await owner.getByRole("link", { name: "Check with M-Pesa" }).click();
  await owner.getByRole("button", { name: "Tell M-Pesa" }).click();
  await confirm(owner, "Tell M-Pesa", "");
  const known = newCustomer();
  const [cheapest] = await packages(stack);
  await payByApi(stack, cheapest?.id ?? "", known.phone, known.mac);
  const stranger = newCustomer();
  const [rent, gift] = [
    await payByHand(stack, stranger.phone, 1200, "rent"),
    await payByHand(stack, stranger.phone, 35, "for a friend"),
  ];
  await openTodo(owner);
  await taskOf(owner, rent).getByRole("button", { name: "Not for WiFi" }).click();
  await confirm(owner, "Not for WiFi", "It is the rent of room 4");
  await expect(taskOf(owner, rent)).toHaveCount(0);
  await taskOf(owner, gift).getByRole("button", { name: "Assign" }).click();
  const dialog = owner.getByRole("dialog");
  await dialog.getByRole("radio", { name: "A customer" }).check();
  await dialog.getByLabel("Phone number of the customer").fill(known.phone);
  await confirm(owner, "Assign", "Both stood here");
  await expect(taskOf(owner, gift)).toHaveCount(0);
  await owner.context().close();
});

test("a customer shows a code that nobody knows; the owner has seen the money, and the customer is let on", async ({
  page,
  browser,
  stack,
}) => {
  const owner = await ownerAtWork(browser, stack);
  const [honest, liar] = [newCustomer(), newCustomer()];
  const receipt = await payUnheard(stack, honest.phone, 10, "hotspot");
  for (const [customer, code] of [
    [honest, receipt],
    [liar, "UKM0NEVER1"],
  ] as const) {
    await openAnyPage(page, stack, customer);
    await pay(page, "1 hour", customer.phone);
    await expectToldToCheckPhone(page);
    await cancelPrompt(browser, stack, customer.phone);
    await expectHeading(page, "Let’s try that again");
    await page.getByText("I have paid already").click();
    await page.getByLabel("M-Pesa message or code").fill(code);
    await page.getByRole("button", { name: "Find my payment" }).click();
    await expectHeading(page, "We are looking for your payment");
  }
  await openTodo(owner);
  await expect(taskOf(owner, receipt)).toContainText(honest.mac);
  await taskOf(owner, "UKM0NEVER1").getByRole("button", { name: "Refuse" }).click();
  await confirm(owner, "Refuse", "Not on the statement");
  await expect(taskOf(owner, "UKM0NEVER1")).toHaveCount(0);
  await taskOf(owner, receipt).getByRole("button", { name: "I have seen it" }).click();
  const dialog = owner.getByRole("dialog");
  await dialog.getByLabel(/^Amount you have seen/).fill("10");
  expect(await confirm(owner, "I have seen it", "On the statement of today")).not.toBe("");
  await expect(taskOf(owner, receipt)).toHaveCount(0);
  await expect.poll(async () => (await client(stack, honest.mac)).state).toBe("online");
  expect((await client(stack, liar.mac)).state).toBe("portal");
  await owner.context().close();
});

test("a cashier places money, but what is the owner’s stays the owner’s", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 hour");
  await owner.context().close();
  const cashier = await (await browser.newContext()).newPage();
  await addCashier(stack, "till.one", "a long password for the till");
  await cashier.goto(stack.admin);
  await typeLogin(cashier, "till.one", "a long password for the till");
  await openTodo(cashier);
  await openPayment(cashier, customer.phone);
  await expect(cashier.getByRole("button", { name: "Record a refund" })).toHaveCount(0);
  await cashier.getByRole("link", { name: "Check with M-Pesa" }).click();
  await expect(cashier.getByText("Only the owner compares with M-Pesa.")).toBeVisible();
  await expect(cashier.getByRole("button", { name: "Compare" })).toHaveCount(0);
  await cashier.context().close();
});

test("a recorded refund ends the paid time", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  const customer = newCustomer();
  await getOnline(page, stack, customer, "1 day");
  await openPayment(owner, customer.phone);
  await owner.getByRole("button", { name: "Record a refund" }).click();
  expect(await confirm(owner, "Record a refund", "Given back in cash: paid twice")).not.toBe("");
  await expect(owner.locator(".title .badge")).toHaveText("Refunded");
  await expect(owner.getByRole("region", { name: "Money received" })).toContainText("Given back in cash: paid twice");
  await expect.poll(async () => (await client(stack, customer.mac)).state).toBe("portal");
  await expect(owner.getByRole("button", { name: "Record a refund" })).toHaveCount(0);
  await owner.context().close();
});

test("a statement is compared, adds up, and what is missing here is settled from it", async ({ page, browser, stack }) => {
  const owner = await ownerAtWork(browser, stack);
  await owner.getByRole("link", { name: "Check with M-Pesa" }).click();
  await owner.getByRole("button", { name: "Tell M-Pesa" }).click();
  await confirm(owner, "Tell M-Pesa", "");
  // One payment that both know, and one that only M-Pesa knows.
  const paid = newCustomer();
  const buyer = await browser.newContext();
  await getOnline(await buyer.newPage(), stack, paid, "1 hour");
  await buyer.close();
  const unheard = newCustomer();
  await openAnyPage(page, stack, unheard);
  await pay(page, "1 hour", unheard.phone);
  await expectToldToCheckPhone(page);
  await cancelPrompt(browser, stack, unheard.phone);
  await expectHeading(page, "Let’s try that again");
  await openPayment(owner, unheard.phone);
  const account = await owner.locator("dt:text-is('Account') + dd").innerText();
  const receipt = await payUnheard(stack, unheard.phone, 10, account);

  await owner.getByRole("link", { name: "Check with M-Pesa" }).click();
  const file = owner.getByLabel("Statement (CSV)");
  const upload = { name: "november.csv", mimeType: "text/csv", buffer: Buffer.from(await statement(stack)) };
  await file.setInputFiles({ ...upload, name: "large.csv", buffer: Buffer.alloc(8 * 1024 * 1024 + 1, "x") });
  await owner.getByRole("button", { name: "Compare" }).click();
  await expect(owner.getByRole("alert").filter({ hasText: "larger than 8 MB" })).toBeVisible();
  await file.setInputFiles(upload);
  await owner.getByRole("button", { name: "Compare" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "november.csv" })).toBeVisible();
  await expect(owner.getByText("The four add up to the money in, to the cent.")).toBeVisible();

  await owner.getByRole("link", { name: "Here as well" }).click();
  const matched = (await chargesOf(stack, paid.phone))[0]?.receipt ?? "no receipt";
  await expect(owner.getByRole("row").filter({ hasText: matched })).toContainText("KES 10");
  await owner.getByRole("link", { name: "Missing here" }).click();
  const line = owner.getByRole("row").filter({ hasText: receipt });
  await line.getByRole("button", { name: "Settle" }).click();
  expect(await confirm(owner, "Settle", "On the statement of today")).not.toBe("");
  await expect(line).toHaveCount(0);
  await expect.poll(async () => (await client(stack, unheard.mac)).state).toBe("online");
  await expect(owner.getByText("The four add up to the money in, to the cent.")).toBeVisible();

  // The same file once more changes nothing and says so.
  await owner.getByRole("link", { name: "Check with M-Pesa" }).click();
  await file.setInputFiles(upload);
  await owner.getByRole("button", { name: "Compare" }).click();
  await expect(owner.getByText("You have sent this very file before.")).toBeVisible();
  await owner.context().close();
});

test("the pages of money shut nobody out", async ({ page, browser, stack }) => {
  test.setTimeout(240_000);
  const owner = await ownerAtWork(browser, stack);
  const customer = newCustomer();
  await setScenario(stack, customer.phone, "wrong_amount");
  await openAnyPage(page, stack, customer);
  await pay(page, "1 hour", customer.phone);
  await approvePrompt(browser, stack, customer.phone);
  await expectHeading(page, "Your payment is being checked");
  await owner.getByRole("link", { name: "Check with M-Pesa" }).click();
  await inspect(owner, "admin-statements");
  await owner
    .getByLabel("Statement (CSV)")
    .setInputFiles({ name: "today.csv", mimeType: "text/csv", buffer: Buffer.from(await statement(stack)) });
  await owner.getByRole("button", { name: "Compare" }).click();
  await owner.getByRole("link", { name: "Amount differs" }).or(owner.getByRole("link", { name: "Here as well" })).first().click();
  await expect(owner.getByRole("table")).toBeVisible();
  await inspect(owner, "admin-statement");
  await openTodo(owner);
  await expect(taskOf(owner, customer.phone)).toBeVisible();
  await inspect(owner, "admin-todo");
  await openPayment(owner, customer.phone);
  await owner.getByText("What arrived").first().click();
  await inspect(owner, "admin-payment");
  await owner.getByRole("button", { name: "It was paid", exact: true }).click();
  await expect(owner.getByRole("dialog")).toBeVisible();
  await inspect(owner, "admin-ask");
  await owner.context().close();
});
