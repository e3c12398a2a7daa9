// Looks at one state of a page as people with small and large screens, in light and dark, see it: keeps a picture of
// each under artifacts/screens, and lets axe look for what shuts people out.
import { resolve } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect } from "./stack.ts";

const screens = resolve(import.meta.dirname, "artifacts/screens");
const sizes = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
];

export async function inspect(page: Page, name: string): Promise<void> {
  for (const size of sizes) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const look = `${name}-${size.width}-${colorScheme}`;
      await page.screenshot({ path: resolve(screens, `${look}.png`), fullPage: true, animations: "disabled" });
      // Every rule of axe, and the size of what fingers touch, which axe leaves out unless asked.
      const options = { resultTypes: ["violations" as const], rules: { "target-size": { enabled: true } } };
      // These pages have no frames, for which axe would open a page of its own.
      const { violations } = await new AxeBuilder({ page }).options(options).setLegacyMode().analyze();
      const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
      expect.soft(found, look).toEqual([]);
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(overflow, `${name} at ${size.width} px is wider than the screen`).toBeLessThanOrEqual(0);
    // On a small screen tables are cards, and a card that is cut off does not make the page wider.
    const cut = page.locator(".scroll:has(> .rows)").filter({ visible: true });
    for (const table of size.width < 720 ? await cut.all() : []) {
      const inside = await table.evaluate((box) => box.scrollWidth - box.clientWidth);
      expect.soft(inside, `${name}: something is cut off at ${size.width} px`).toBeLessThanOrEqual(0);
    }
  }
}
