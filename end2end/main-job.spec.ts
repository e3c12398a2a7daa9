// The whole main job as a person does it: from the hotspot to the internet, and off again when the time is over;
// once with JavaScript, once with nothing but forms and page refresh.
import {
  advanceRouter,
  agePaidTime,
  chargesOf,
  client,
  routerProfile,
  routerSession,
  routerUser,
  withServerStopped,
} from "./control.ts";
import {
  approvePrompt,
  choosePackage,
  connectDevice,
  deviceCard,
  expectHeading,
  expectOnline,
  expectToldToCheckPhone,
  openHotspotPage,
  payButton,
  typePhone,
} from "./customer.ts";
import { cell, ownerAtWork, rowOf } from "./owner.ts";
import { expect, test } from "./stack.ts";

const THREE_HOURS_SECS = 10_800;

const people = [
  { javaScriptEnabled: true, device: "Wanjiru's phone", typed: "0712 345 678", shown: "0712 345 678" },
  { javaScriptEnabled: false, device: "Achieng's phone", typed: "+254 713-345678", shown: "0713 345 678" },
];

for (const { javaScriptEnabled, device, typed, shown } of people) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a device joins, pays, is let on, and is off when the time is over", async ({ page, browser, stack }) => {
      const owner = await ownerAtWork(browser, stack);
      const ownerRow = rowOf(owner, shown);
      await expect(ownerRow).toHaveCount(0);

      const { mac, ip } = await test.step("joins the WiFi and lands on the portal", async () => {
        const joined = await connectDevice(page, stack, device);
        const given = new URL(page.url()).searchParams;
        expect(given.get("mac")).toBe(joined.mac);
        expect(given.get("ip")).toBe(joined.ip);
        expect(given.get("dst")).toBe("http://example.com/");
        await expectHeading(page, "Get online");
        await expect(page.locator('form[action="/pay"] input[name="mac"]')).toHaveValue(joined.mac);
        expect((await client(stack, joined.mac)).state).toBe("portal");
        return joined;
      });

      await test.step("chooses a package and pays", async () => {
        await choosePackage(page, "3 hours");
        await typePhone(page, typed);
        await payButton(page).click();
        await expectToldToCheckPhone(page);
        await expect(page.getByText("KES 20")).toBeVisible();
        await expect(cell(ownerRow, "Status")).toHaveText(/Waiting for PIN/);
        await approvePrompt(browser, stack, shown, "Ksh20.00 to BANDO WIFI");
      });

      await test.step("is told to be online, with the time left", async () => {
        await expectOnline(page, /^(2 h 59 min|3 h 00 min)$/);
        await expect(page.getByRole("link", { name: "Continue to example.com" })).toBeVisible();
      });

      await test.step("the router has what was paid for", async () => {
        const user = await routerUser(stack, mac);
        expect(user).toMatchObject({ name: mac, comment: expect.stringMatching(/^bando1;/) as unknown });
        expect(user?.["limit-uptime"]).toMatch(/^(3h|2h59m\d+s)$/);
        const profile = await routerProfile(stack, user?.["profile"] ?? "");
        // The customer's upload comes first: 1 Mbit/s up, 4 Mbit/s down.
        expect(profile?.["rate-limit"]).toBe("1M/4M");
        expect(await routerSession(stack, mac)).toMatchObject({ user: mac, address: ip });
        expect((await client(stack, mac)).state).toBe("online");
      });

      await test.step("the owner sees it live, with the receipt of M-Pesa", async () => {
        const charges = await chargesOf(stack, shown);
        expect(charges).toHaveLength(1);
        expect(charges[0]?.amount).toBe(20);
        await expect(cell(ownerRow, "Status").locator(".badge")).toHaveText("Paid");
        await expect(cell(ownerRow, "Receipt")).toContainText(charges[0]?.receipt ?? "no receipt");
        await expect(cell(ownerRow, "Receipt")).toContainText(charges[0]?.account_reference ?? "no account");
        await expect(cell(ownerRow, "Amount")).toHaveText("KES 20");
        await expect(cell(ownerRow, "Package")).toHaveText("3 hours");
        await expect(cell(ownerRow, "WiFi")).toHaveText("Online");
      });

      await test.step("the hotspot lets the device through", async () => {
        await openHotspotPage(page, stack);
        await expect(deviceCard(page, device).getByText("Online", { exact: true })).toBeVisible();
        await deviceCard(page, device).getByRole("button", { name: "Open a page" }).click();
        await expectHeading(page, `${device} is on the internet`);
      });

      await test.step("when the time is over the router ends it, with no server to help", async () => {
        await withServerStopped(stack, async () => {
          await advanceRouter(stack, THREE_HOURS_SECS + 1);
          expect((await client(stack, mac)).state).toBe("portal");
          expect(await routerSession(stack, mac)).toBeUndefined();
          await agePaidTime(stack, mac, THREE_HOURS_SECS + 1);
        });
        await openHotspotPage(page, stack);
        await expect(deviceCard(page, device).getByText("At the portal", { exact: true })).toBeVisible();
      });

      await test.step("the portal offers packages again, and the owner sees that it ended", async () => {
        await deviceCard(page, device).getByRole("button", { name: "Open a page" }).click();
        await expectHeading(page, "Your time is over");
        await choosePackage(page, "1 hour");
        await expect(payButton(page)).toBeEnabled();
        await expect(cell(ownerRow, "WiFi")).toHaveText("Ended");
      });
      await owner.context().close();
    });
  });
}
