// A page in Chromium, served from this process and driven by a package that is installed with the peers.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ensurePeers, peersFolder } from "./peers/install.ts";

/** Where Debian puts it; elsewhere an installed Chrome serves. */
export const chromiumPath = "/usr/bin/chromium";

export interface Tab {
  waitForFunction(test: string): Promise<unknown>;
  evaluate<T>(code: string): Promise<T>;
}

export interface ChromiumPage {
  tab: Tab;
  browser: {
    version(): string;
    startTracing(tab: Tab, options: { categories: string[] }): Promise<void>;
    stopTracing(): Promise<Uint8Array>;
  };
  close(): Promise<void>;
}

/**
 * Opens `page`, whose other requests are answered by files.
 * @param fileOf the file of a URL's path
 * @param args further arguments of Chromium's
 * @throws Error where neither Chromium nor Chrome is installed, SlonnError `unreadable` when npm fails.
 */
export async function openPage(page: string, fileOf: (path: string) => string, args: readonly string[] = []): Promise<ChromiumPage> {
  await ensurePeers(console.error);
  const { chromium } = createRequire(join(peersFolder(), "package.json"))("playwright-core");
  const browser = await chromium.launch({
    ...(existsSync(chromiumPath) ? { executablePath: chromiumPath } : { channel: "chrome" }),
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", ...args],
    timeout: 300_000,
  });
  const server = createServer(({ url = "/" }, response) => {
    const path = url === "/" ? null : fileOf(url);
    if (path !== null && !existsSync(path)) return response.writeHead(404).end();
    const type = path === null ? "text/html" : /\.m?js$/.test(url) ? "text/javascript" : "application/octet-stream";
    response.writeHead(200, { "content-type": type });
    response.end(path === null ? page : readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const tab = await browser.newPage();
  tab.setDefaultTimeout(600_000);
  await tab.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  return {
    tab,
    browser,
    async close() {
      await browser.close();
      server.close();
    },
  };
}
