// Real browsers, as far as tests need them: visit a page, wait until it says it is done, read what it wrote. Chromium is driven by
// playwright-core, Firefox by puppeteer-core (playwright's protocol needs a Firefox of its own), WebKitGTK over plain WebDriver.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { describe } from "vitest";
import { requireHere } from "./run-program.ts";
import { freePort } from "./serve.ts";

export interface Browser {
  /**
   * Opens a page in a tab of its own and resolves with the text of `#out` once that has the attribute `data-done`.
   * @throws Error with what the page wrote to its console when it takes longer than a minute and a half
   */
  visit(url: string): Promise<string>;
  /** A tab that stays open, for a test to use as a person would; WebKit's driver has none. */
  open?(): Promise<Tab>;
  close(): Promise<void>;
}

export type BrowserName = "chromium" | "firefox" | "webkit";

/** As Debian's packages chromium, firefox-esr, webkit2gtk-driver and xvfb install them. */
const programs: Record<BrowserName, string[]> = {
  chromium: ["/usr/bin/chromium"],
  firefox: ["/usr/bin/firefox-esr"],
  webkit: ["/usr/bin/WebKitWebDriver", "/usr/bin/xvfb-run", "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"],
};

const patienceMs = 90_000;

/** `describe`, or where the browser is missing a loud skip, which is a failure in continuous integration. */
export function describeBrowser(name: BrowserName, body: () => void): void {
  const missing = programs[name].filter((path) => !existsSync(path));
  if (missing.length === 0) return void describe(name, body);
  const hint = `${name}: got no ${missing.join(", ")}; apt-get install chromium firefox-esr webkit2gtk-driver xvfb`;
  if (process.env.CI) throw new Error(hint);
  console.warn(`SKIPPED ${hint}`);
  describe.skip(name, body);
}

/** Starts a browser; a second time where the first fails. */
export async function launch(name: BrowserName): Promise<Browser> {
  const start = { chromium: launchChromium, firefox: launchFirefox, webkit: launchWebKit }[name];
  return start().catch((error) => {
    console.warn(`${name}: did not start (${error instanceof Error ? error.message : error}), trying once more`);
    return start();
  });
}

/** Of a page that is looked at, in pixels. */
export const windowSize = { width: 1180, height: 900 };

/** What playwright's and puppeteer's pages share. */
export interface Tab {
  on(event: "request", listener: (request: { url(): string }) => void): unknown;
  on(event: "console", listener: (message: { text(): string }) => void): unknown;
  on(event: "pageerror", listener: (error: Error) => void): unknown;
  goto(url: string, options: { waitUntil: "commit" | "domcontentloaded"; timeout: number }): Promise<unknown>;
  reload(options: { waitUntil: "domcontentloaded"; timeout: number }): Promise<unknown>;
  waitForSelector(selector: string, options: { state?: "attached"; timeout: number }): Promise<unknown>;
  $eval(selector: string, read: (element: Element) => string): Promise<string>;
  /** A function, since a page's policy may forbid code from strings. */
  evaluate<T>(read: () => T): Promise<T>;
  click(selector: string): Promise<void>;
  focus(selector: string): Promise<void>;
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  readonly mouse: {
    move(x: number, y: number): Promise<void>;
    down(options?: { button: "right" }): Promise<void>;
    up(options?: { button: "right" }): Promise<void>;
  };
  screenshot(options: { path: `${string}.png`; fullPage: boolean }): Promise<unknown>;
  /** Playwright's; Firefox starts in that size, as its extended-support release lacks a command that puppeteer sends with a viewport. */
  setViewportSize?(size: { width: number; height: number }): Promise<void>;
  emulateMedia?(media: { colorScheme: "dark" | "light" }): Promise<void>;
  close(): Promise<void>;
}

async function visit(tab: Tab, url: string): Promise<string> {
  const said: string[] = [];
  tab.on("console", (message) => said.push(message.text()));
  tab.on("pageerror", (error) => said.push(String(error)));
  try {
    await tab.goto(url, { waitUntil: "domcontentloaded", timeout: patienceMs });
    await tab.waitForSelector("#out[data-done]", { state: "attached", timeout: patienceMs });
    return await tab.$eval("#out", (element) => element.textContent ?? "");
  } catch (cause) {
    throw new Error(`${url}: ${cause instanceof Error ? cause.message : cause}\n${said.join("\n")}`, { cause });
  } finally {
    await tab.close().catch(() => {});
  }
}

/** With `--no-sandbox`, since continuous integration runs as root; nothing but this repository's own pages is visited. */
async function launchChromium(): Promise<Browser> {
  const { chromium } = requireHere("playwright-core");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"];
  const browser = await chromium.launch({ executablePath: programs.chromium[0], args, timeout: patienceMs });
  return {
    visit: async (url) => visit(await browser.newPage(), url),
    open: () => browser.newPage(),
    close: () => browser.close(),
  };
}

async function launchFirefox(): Promise<Browser> {
  const puppeteer = requireHere("puppeteer-core");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: programs.firefox[0],
    args: [`--width=${windowSize.width}`, `--height=${windowSize.height}`],
    defaultViewport: null,
    timeout: patienceMs,
    protocolTimeout: patienceMs,
  });
  return {
    visit: async (url) => visit(await browser.newPage(), url),
    open: () => browser.newPage(),
    close: () => browser.close(),
  };
}

async function launchWebKit(): Promise<Browser> {
  const [driver, xvfb, binary] = programs.webkit;
  const port = await freePort();
  const child = spawn(xvfb, ["-a", driver, `--port=${port}`, "--host=127.0.0.1"], { stdio: "ignore", detached: true });
  const end = (): Promise<void> => endGroup(child);
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body === undefined ? null : JSON.stringify(body) });
    const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  try {
    await until(() => call("GET", "/status"), 30_000);
    const options = { binary, args: ["--automation"] };
    const { sessionId } = await call<{ sessionId: string }>("POST", "/session", {
      capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } },
    });
    const session = `/session/${sessionId}`;
    return {
      async visit(url) {
        await call("POST", `${session}/url`, { url });
        const element = await until(
          () => call<Record<string, string>>("POST", `${session}/element`, { using: "css selector", value: "#out[data-done]" }),
          patienceMs,
        );
        return call<string>("GET", `${session}/element/${Object.values(element)[0]}/property/textContent`);
      },
      async close() {
        await call("DELETE", session).catch(() => {});
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function until<T>(attempt: () => Promise<T>, withinMs: number): Promise<T> {
  const end = Date.now() + withinMs;
  while (true)
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

/** Ends a process started with `detached`, and its own children. */
async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  try {
    process.kill(-child.pid, "SIGTERM");
  } catch {
    return;
  }
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5_000))]);
}
