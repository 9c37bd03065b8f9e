// A server for runtimes that fetch: the installed folder's model and images, models that are wrong in every way a network makes them,
// and whatever pages a test adds.

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { inject } from "vitest";

export interface Served {
  body: string | Uint8Array;
  headers?: Record<string, string>;
}

export interface Server {
  /** Without a slash at its end. */
  origin: string;
  close(): Promise<void>;
}

/** @param pages by path, headers by suffix of the path where absent */
export async function serve(pages: (path: string, url: URL) => Served | null): Promise<Server> {
  const model = readFileSync(join(inject("installed"), "model.slonn"));
  const images = readFileSync(join(inject("installed"), "images.bin"));
  const changed = Buffer.from(model);
  changed[changed.length - 5] ^= 1;

  const binary = { "content-type": "application/octet-stream" };
  const files: Record<string, Served> = {
    "/model.slonn": { body: model, headers: { ...binary, "content-length": String(model.length) } },
    "/images.bin": { body: images, headers: binary },
    "/wrong-type.slonn": { body: model, headers: { "content-type": "text/plain" } },
    "/page.slonn": { body: "<!doctype html><title>nothing here</title>", headers: { "content-type": "text/html; charset=utf-8" } },
    "/changed.slonn": { body: changed, headers: binary },
    "/cut.slonn": { body: model.subarray(0, 100_000), headers: binary },
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const { pathname } = url;
    const common = { "cache-control": "no-store", "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" };
    if (pathname === "/interrupted.slonn") {
      response.writeHead(200, { ...common, ...binary, "content-length": String(model.length) });
      response.write(model.subarray(0, 100_000), () => setTimeout(() => request.socket.destroy(), 50));
      return;
    }
    const page = files[pathname] ?? pages(pathname, url);
    response.writeHead(page ? 200 : 404, { ...common, "content-type": typeOf(pathname), ...page?.headers });
    response.end(page?.body ?? "not found");
  };

  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A port nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createNetServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function typeOf(path: string): string {
  if (path.endsWith(".js") || path.endsWith(".mjs")) return "text/javascript";
  if (path.endsWith(".css")) return "text/css";
  if (path.endsWith(".wasm")) return "application/wasm";
  return "text/html; charset=utf-8";
}

/** What loading a model that is wrong in some way ends in, by its path on the server. */
export const wrongModels: readonly [path: string, code: string, message: RegExp][] = [
  ["/nowhere.slonn", "unreadable", /got status 404, expected 200/],
  ["/page.slonn", "unreadable", /got an HTML page, expected a model file/],
  ["/changed.slonn", "checksum", /./],
  ["/cut.slonn", "bad-file", /./],
  ["/interrupted.slonn", "unreadable", /./],
];
