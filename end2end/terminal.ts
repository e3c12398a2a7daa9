// What somebody types into the router's own terminal: commands over its API, as a person with all rights.
import { connect, type Socket } from "node:net";
import type { Stack } from "./stack.ts";

/** A word with its length before it, as the protocol wants it. */
function word(text: string): Buffer {
  const body = Buffer.from(text);
  const length = body.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([length]), body]);
  if (length < 0x4000) return Buffer.concat([Buffer.from([(length >> 8) | 0x80, length & 0xff]), body]);
  throw new Error("this word is too long for a test");
}

function sentence(words: string[]): Buffer {
  return Buffer.concat([...words.map(word), Buffer.from([0])]);
}

/** The words of the first whole sentence in `bytes`, and how long it is; undefined while it is not whole. */
function firstSentence(bytes: Buffer): { words: string[]; length: number } | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    let length = bytes[at] ?? 0;
    at += 1;
    if (length === 0) return { words, length: at };
    if (length >= 0x80) {
      length = ((length & 0x3f) << 8) | (bytes[at] ?? 0);
      at += 1;
    }
    if (at + length > bytes.length) return undefined;
    words.push(bytes.subarray(at, at + length).toString());
    at += length;
  }
  return undefined;
}

/** Sends one sentence and waits until it is done. */
async function ask(socket: Socket, words: string[]): Promise<void> {
  socket.write(sentence(words));
  let bytes = Buffer.alloc(0);
  await new Promise<void>((done, fail) => {
    const ended = (how: () => void): void => {
      socket.removeAllListeners("data").removeAllListeners("close");
      how();
    };
    socket.once("close", () => fail(new Error(`the router hung up at ${words[0]}`)));
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let next = firstSentence(bytes); next !== undefined; next = firstSentence(bytes)) {
        bytes = bytes.subarray(next.length);
        const [reply] = next.words;
        if (reply === "!done") return ended(done);
        if (reply === "!trap" || reply === "!fatal") {
          return ended(() => fail(new Error(`the router refused ${words[0]}: ${next.words.join(" ")}`)));
        }
      }
    });
  });
}

/** One command, such as `/ip/hotspot/ip-binding/add` with `=mac-address=…`. */
export async function inTerminal(stack: Stack, ...command: string[]): Promise<void> {
  const [host, port] = stack.routeros.split(":");
  const socket = connect({ host: host ?? "127.0.0.1", port: Number(port) });
  try {
    await ask(socket, ["/login", "=name=admin", "=password=bando"]);
    await ask(socket, command);
  } finally {
    socket.destroy();
  }
}
