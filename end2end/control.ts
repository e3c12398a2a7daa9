// The simulators' control planes and the server's records, as the tests read and move them.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Stack } from "./stack.ts";

const run = promisify(execFile);

/** Money that really moved, by the books of the Daraja simulator. */
export interface Charge {
  receipt: string;
  msisdn: string;
  amount: number;
  account_reference: string;
  checkout_request_id: string;
}

/** A payment request on a phone. */
export interface Prompt {
  id: number;
  msisdn: string;
  amount: number;
  account_reference: string;
  state: string;
}

/** A device as its owner would see it. */
export interface Client {
  mac: string;
  ip: string;
  state: "off" | "portal" | "online" | "bypassed" | "blocked";
  user: string | null;
  seconds_left: number | null;
  /** Upload and download limit, `up/down`. */
  rate_limit: string | null;
}

/** A record as the router prints it. */
export type Row = Record<string, string>;

/** A package on sale, by the server's API. */
export interface Package {
  id: string;
  name: string;
  price_kes: number;
}

async function ask<T>(url: string, method = "GET", body?: unknown): Promise<T> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** `2547…` from a number as people write it. */
export function international(phone: string): string {
  return phone.replaceAll(/\D/g, "").replace(/^0/, "254");
}

export async function chargesOf(stack: Stack, phone: string): Promise<Charge[]> {
  const { charges } = await ask<{ charges: Charge[] }>(`${stack.daraja}/__sim/charges`);
  return charges.filter((charge) => charge.msisdn === international(phone));
}

export async function promptsOf(stack: Stack, phone: string): Promise<Prompt[]> {
  const { prompts } = await ask<{ prompts: Prompt[] }>(`${stack.daraja}/__sim/prompts`);
  return prompts.filter((prompt) => prompt.msisdn === international(phone));
}

/** How every payment of this number ends, by the simulator's table of scenarios. */
export async function setScenario(stack: Stack, phone: string, scenario: string): Promise<void> {
  await ask(`${stack.daraja}/__sim/scenario`, "POST", { msisdn: international(phone), scenario });
}

export async function routerUser(stack: Stack, mac: string): Promise<Row | undefined> {
  const { users } = await ask<{ users: Row[] }>(`${stack.gateway}/users`);
  return users.find((user) => user["name"] === mac);
}

export async function routerSession(stack: Stack, mac: string): Promise<Row | undefined> {
  const { active } = await ask<{ active: Row[] }>(`${stack.gateway}/active`);
  return active.find((session) => session["user"] === mac);
}

export async function routerProfile(stack: Stack, name: string): Promise<Row | undefined> {
  const { rows } = await ask<{ rows: Row[] }>(`${stack.gateway}/rows?path=/ip/hotspot/user/profile`);
  return rows.find((profile) => profile["name"] === name);
}

/** What stands in one menu of the router, such as `/ip/hotspot`. */
export async function routerRows(stack: Stack, path: string): Promise<Row[]> {
  return (await ask<{ rows: Row[] }>(`${stack.gateway}/rows?path=${path}`)).rows;
}

/** How often the router has logged a device out, by its log. */
export async function logouts(stack: Stack, mac: string): Promise<number> {
  const lines = await routerRows(stack, "/log");
  return lines.filter(({ message }) => message?.startsWith(mac) && message.includes("logged out")).length;
}

export async function client(stack: Stack, mac: string): Promise<Client> {
  return ask(`${stack.gateway}/clients/${mac}`);
}

/** A device comes on the air. */
export async function join(stack: Stack, mac: string): Promise<Client> {
  return ask(`${stack.gateway}/clients`, "POST", { mac });
}

/** The router's clock goes on, with everything that falls due on the way. */
export async function advanceRouter(stack: Stack, secs: number): Promise<void> {
  await ask(`${stack.gateway}/advance`, "POST", { secs });
}

/** The router refuses everything about its hotspot until `healRouter`. */
export async function breakRouter(stack: Stack): Promise<void> {
  const rule = { fault: "trap", message: "failure: not now", command: "/ip/hotspot", times: 0 };
  await ask(`${stack.gateway}/faults`, "POST", rule);
}

export async function healRouter(stack: Stack): Promise<void> {
  await ask(`${stack.gateway}/faults`, "DELETE");
}

export async function packages(stack: Stack): Promise<Package[]> {
  return (await ask<{ packages: Package[] }>(`${stack.portal}/api/packages`)).packages;
}

/** Presses pay without a browser: for lists that need many payments. */
export async function payByApi(stack: Stack, packageId: string, phone: string, mac: string): Promise<void> {
  await ask(`${stack.portal}/api/pay`, "POST", { package_id: packageId, phone, mac, router: "main" });
}

/** The server stands still meanwhile, as when it has crashed or lost its power. */
export async function withServerStopped(stack: Stack, meanwhile: () => Promise<void>): Promise<void> {
  process.kill(stack.server_pid, "SIGSTOP");
  try {
    await meanwhile();
  } finally {
    process.kill(stack.server_pid, "SIGCONT");
  }
}

/**
 * A device's paid time lies so many seconds further back. The server's clock is the machine's and cannot be moved,
 * so its records are: to the server it is the same.
 */
export async function agePaidTime(stack: Stack, mac: string, secs: number): Promise<void> {
  const device = mac.replaceAll(":", "");
  if (!/^[0-9A-F]{12}$/.test(device)) throw new Error(`not a MAC address: ${mac}`);
  const back = `- interval ${Math.trunc(secs)} second`;
  await sql(
    stack,
    `update sessions set created_at = created_at ${back}, starts_at = starts_at ${back}, ends_at = ends_at ${back}
     where mac = unhex('${device}') and ended_at is null`,
  );
}

async function sql(stack: Stack, statement: string): Promise<void> {
  const url = new URL(stack.database_url);
  const where = ["--no-defaults", "--protocol=tcp", `--host=${url.hostname}`, `--port=${url.port}`];
  const what = [`--user=${url.username}`, `--database=${url.pathname.slice(1)}`, "--execute", statement];
  await run("mariadb", [...where, ...what], { env: { ...process.env, MYSQL_PWD: url.password } });
}
