// The playground as a person uses it, in Chromium and Firefox: by keyboard, by pointer's clicks, light and dark. Its pictures in
// docs/images come from here: PLAYGROUND_IMAGES=docs/images npx vitest run test/runtimes/playground.test.ts

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, type BrowserName, describeBrowser, launch, type Tab } from "./browser.ts";

const images = process.env.PLAYGROUND_IMAGES ?? "build/playground";
const patienceMs = 45_000;

let server: ChildProcess;
let origin: string;

beforeAll(async () => {
  mkdirSync(images, { recursive: true });
  server = spawn(process.execPath, ["examples/playground/serve.js", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  origin = await new Promise((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`playground: ended with ${code}`)));
    server.stdout?.on("data", (text) => {
      const [url] = /http:\S+(?=\/)/.exec(String(text)) ?? [];
      if (url) resolve(url);
    });
  });
}, 120_000);
afterAll(() => void server?.kill());

function playgroundTests(name: BrowserName): void {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(name);
  });
  afterAll(() => browser?.close());

  const said: string[] = [];
  const elsewhere: string[] = [];
  async function open(): Promise<Tab> {
    if (!browser.open) throw new Error(`${name}: got a browser without tabs`);
    const tab = await browser.open();
    tab.on("console", (message) => said.push(message.text()));
    tab.on("pageerror", (error) => said.push(String(error)));
    tab.on("request", (request) => {
      if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(origin)) elsewhere.push(request.url());
    });
    const size = { width: 1180, height: 1100 };
    await (tab.setViewportSize ?? tab.setViewport)?.call(tab, size);
    await tab.goto(`${origin}/`, { waitUntil: "domcontentloaded", timeout: patienceMs });
    return tab;
  }
  const text = (tab: Tab, selector: string): Promise<string> => tab.$eval(selector, (element) => element.textContent ?? "");
  /** Waits until an element's text is as expected. */
  async function until(tab: Tab, selector: string, expected: RegExp): Promise<void> {
    const end = Date.now() + patienceMs;
    while (true) {
      const now = await text(tab, selector).catch(() => "");
      if (expected.test(now)) return;
      if (Date.now() > end) throw new Error(`${selector}: got ${JSON.stringify(now)}, expected ${expected}\n${said.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const says = (tab: Tab, words: string): Promise<void> => until(tab, "#answer", new RegExp(`^${words}`));
  /** Numbers of "31 of 1,024 nodes". */
  const lit = async (tab: Tab, layer: number): Promise<number[]> =>
    ((await text(tab, `#layers figure:nth-child(${layer}) figcaption`)).match(/[\d,]+(?= of| nodes)/g) ?? []).map((n) =>
      Number(n.replaceAll(",", "")),
    );
  const label = (tab: Tab, selector: string): Promise<string> => tab.$eval(selector, (element) => element.getAttribute("aria-label") ?? "");
  const select = (tab: Tab): Promise<string> =>
    tab.$eval("#definition", (element) => {
      (element as HTMLTextAreaElement).select();
      return "";
    });
  const slide = async (tab: Tab, to: number): Promise<void> => {
    await tab.focus("#amount");
    await tab.keyboard.press("Home");
    for (let i = 0; i < to; i++) await tab.keyboard.press("ArrowRight");
  };

  test("reads an example, and lights the nodes it took", async () => {
    const tab = await open();
    await says(tab, "This is a 7");
    const [computed, all] = await lit(tab, 1);
    expect(all).toBe(1024);
    expect(computed).toBeGreaterThan(0);
    expect(computed).toBeLessThan(512);
    expect(await label(tab, "#layers canvas")).toMatch(/^hidden layer 1: \d+ of 1,024 nodes$/);
    await until(tab, "#asked-right", /%/);
    await until(tab, "#footer", /^Kernels: (relaxed|simd).*\d+ levels of effort/);
    expect(Number.parseFloat(await text(tab, "#asked-right"))).toBeGreaterThan(95);
    expect(Number.parseFloat(await text(tab, "#asked-same"))).toBeGreaterThan(98);
    const macs = async (id: string): Promise<number> => Number((await text(tab, id)).replaceAll(",", ""));
    expect(await macs("#asked-macs")).toBeLessThan((await macs("#dense-macs")) / 4);
    await new Promise((resolve) => setTimeout(resolve, 3_000)); // a chart with something in it, for the picture
    await tab.screenshot({ path: join(images, `playground-digit-${name}.png`) as `${string}.png`, fullPage: true });
    await tab.close();
  });

  test("is drawn on with the keyboard alone", async () => {
    const tab = await open();
    await says(tab, "This is a");
    await tab.focus("#pad");
    await tab.keyboard.press("Delete");
    await says(tab, "Draw a digit");
    await tab.keyboard.press("Enter");
    for (let i = 0; i < 16; i++) await tab.keyboard.press("ArrowDown");
    await says(tab, "This is a 1");
    await tab.keyboard.press("Delete");
    await says(tab, "Draw a digit");
    await tab.click("#example");
    await says(tab, "This is a");
    await tab.close();
  });

  test("every control is reached by tabbing, and has a name", async () => {
    const tab = await open();
    await says(tab, "This is a");
    const names: string[] = [];
    for (let i = 0; i < 12; i++) {
      await tab.keyboard.press("Tab");
      names.push(
        await tab.evaluate(() => {
          const element = document.activeElement as HTMLInputElement;
          if (element === (document.body as Element)) return "";
          return (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "").trim();
        }),
      );
    }
    const reached = names.filter((label) => label !== "");
    for (const part of [
      "a digit you draw",
      "accuracy, but for",
      "How much",
      "Make this machine busy",
      "Digit, 28 by 28",
      "Clear",
      "Show an example",
    ])
      expect(
        reached.some((label) => label.startsWith(part)),
        `${part} in ${reached.join(" | ")}`,
      ).toBe(true);
    await tab.close();
  });

  test("computes as many nodes as the slider allows", async () => {
    const tab = await open();
    await says(tab, "This is a 7");
    await tab.click('input[value="nodes"]');
    await slide(tab, 0);
    await until(tab, "#amount-text", /^at most 100 % of hidden nodes$/);
    await until(tab, "#layers figcaption", /1,024 of 1,024/);
    await slide(tab, 8);
    await until(tab, "#amount-text", /^at most 2 % of hidden nodes$/);
    await until(tab, "#layers figcaption", /: \d\d? of 1,024/);
    expect(await tab.$eval("#amount", (element) => element.getAttribute("aria-valuetext") ?? "")).toBe("at most 2 % of hidden nodes");
    await tab.close();
  });

  test("shows deadlines, and makes the machine busy and lets it rest", async () => {
    const tab = await open();
    await says(tab, "This is a 7");
    await tab.click('input[value="latencyMs"]');
    await until(tab, "#asked-kept", /%$/);
    expect(await tab.$eval("#kept", (element) => String((element as HTMLElement).hidden))).toBe("false");
    await tab.click("#busy");
    expect(await tab.$eval("#busy", (element) => element.getAttribute("aria-pressed") ?? "")).toBe("true");
    await until(tab, "#busy-text", /^\d+ Workers/);
    // still answering, however busy
    await tab.$eval("#asked-p50", (element) => (element.textContent = ""));
    await until(tab, "#asked-p50", /ms$/);
    await tab.click("#busy");
    expect(await text(tab, "#busy-text")).toBe("");
    await tab.close();
  });

  test("tells what a definition is a kind of, in the dark where that can be had", async () => {
    const tab = await open();
    await tab.emulateMedia?.({ colorScheme: "dark" });
    await says(tab, "This is a 7");
    await tab.click('input[value="words"]');
    await says(tab, "A kind of");
    await until(tab, "#layers figure:nth-child(2) figcaption", /^outputs: [\d,]+ of 11,708 nodes$/);
    const [computed, all] = await lit(tab, 2);
    expect(all).toBe(11_708);
    expect(computed).toBeLessThan(all / 4);
    await tab.focus("#definition");
    await select(tab);
    await tab.keyboard.type("qqqq xyzzy");
    await says(tab, "No word of this is known");
    expect(await text(tab, "#unknown")).toBe("never seen: qqqq, xyzzy");
    await select(tab);
    await tab.keyboard.type("a large natural stream of flowing water");
    await says(tab, "A kind of");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await tab.screenshot({ path: join(images, `playground-definition-${name}.png`) as `${string}.png`, fullPage: true });
    await tab.close();
  });

  test("asked nothing of anybody else, and complained of nothing", () => {
    expect(elsewhere).toEqual([]);
    expect(said).toEqual([]);
  });
}

describe("the playground", () => {
  describeBrowser("chromium", () => playgroundTests("chromium"));
  describeBrowser("firefox", () => playgroundTests("firefox"));
});
