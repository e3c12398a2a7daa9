// The fixture `stack`: a whole Bando of its own for each worker, by scripts/stack, ended with the worker.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { test as base } from "@playwright/test";

/** Addresses and secrets of one running stack; URLs without a slash at the end. */
export interface Stack {
  portal: string;
  admin: string;
  /** Daraja simulator with its control plane under /__sim. */
  daraja: string;
  /** The virtual phone. */
  phone: string;
  /** host:port of the simulated router's API. */
  routeros: string;
  /** The hotspot gateway page and the router's control plane. */
  gateway: string;
  admin_username: string;
  admin_password: string;
  database_url: string;
  server_pid: number;
  /** The server's log. */
  log: string;
}

export interface Options {
  /** Environment of the server, and STACK_SIMULATOR_ARGUMENTS for bando-sim. */
  settings: Record<string, string>;
}

const root = resolve(import.meta.dirname, "..");
const artifacts = resolve(import.meta.dirname, "artifacts");

export const test = base.extend<object, Options & { stack: Stack }>({
  settings: [{}, { option: true, scope: "worker" }],
  stack: [
    async ({ settings }, use, worker) => {
      mkdirSync(artifacts, { recursive: true });
      const log = resolve(artifacts, `server-${worker.workerIndex}.log`);
      const child = spawn(resolve(root, "scripts/stack"), {
        cwd: root,
        env: { ...process.env, STACK_LOG: log, ...settings },
        stdio: ["pipe", "pipe", "inherit"],
      });
      const ended = new Promise<void>((done) => child.once("exit", () => done()));
      try {
        await use(await firstLine(child));
      } finally {
        // The stack ends in order when its input closes.
        child.stdin.end();
        await ended;
      }
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

/** The line of addresses, which comes when everything is ready. */
async function firstLine(child: ChildProcessByStdio<Writable, Readable, null>): Promise<Stack> {
  for await (const line of createInterface({ input: child.stdout })) {
    return JSON.parse(line) as Stack;
  }
  throw new Error("scripts/stack ended before it was ready; its reason is printed above");
}

export { expect } from "@playwright/test";
