// M-Pesa's side of the money, by the Daraja simulator: payments by hand and the statement of the organisation portal.
import { chargesOf, international } from "./control.ts";
import { expect, type Stack } from "./stack.ts";

/** The number customers pay to. */
const SHORTCODE = "174379";

async function tell<T>(stack: Stack, path: string, body: unknown): Promise<T> {
  const answer = await fetch(`${stack.daraja}/__sim/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  expect(answer.ok, `${path}: ${answer.status}`).toBe(true);
  return (await answer.json()) as T;
}

/** Pays by hand, as from the M-Pesa menu; gives the receipt. */
export async function payByHand(stack: Stack, phone: string, amount: number, account: string): Promise<string> {
  const body = { msisdn: international(phone), number: SHORTCODE, amount, account };
  return (await tell<{ receipt: string }>(stack, "pay", body)).receipt;
}

/** Pays by hand, and the server is never told of it; gives the receipt. */
export async function payUnheard(stack: Stack, phone: string, amount: number, account: string): Promise<string> {
  await tell(stack, "settings", { c2b_loss_percent: 100 });
  try {
    const receipt = await payByHand(stack, phone, amount, account);
    // The money has moved when it is in the books; what is sent about it is decided by then.
    await expect.poll(async () => (await chargesOf(stack, phone)).map((charge) => charge.receipt)).toContain(receipt);
    return receipt;
  } finally {
    await tell(stack, "settings", { c2b_loss_percent: 0 });
  }
}

/** The statement of everything so far, as the organisation portal exports it. */
export async function statement(stack: Stack): Promise<string> {
  const answer = await fetch(`${stack.daraja}/__sim/statement.csv`);
  expect(answer.ok).toBe(true);
  return answer.text();
}
