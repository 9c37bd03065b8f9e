// The playground as a person uses it, in Chromium and Firefox: by keyboard, by pointer's clicks, light and dark. Its pictures in
// docs/images come from here: PLAYGROUND_IMAGES=docs/images npx vitest run --project runtimes test/runtimes/playground.test.ts
//
// The tests of a browser use one tab, one after the other.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, type BrowserName, describeBrowser, launch, type Tab, windowSize } from "./browser.ts";

const images = process.env.PLAYGROUND_IMAGES ?? "build/playground";
const patienceMs = 45_000;

let server: ChildProcess;
let origin: string;

beforeAll(async () => {
  mkdirSync(images, { recursive: true });
  // as `npm run playground` does, but for a rebuild, which would pull build/ away from under other tests, and elsewhere, as others compile too
  await promisify(execFile)("npx", ["tsc", "-p", "tsconfig.bench.json", "--noCheck", "--outDir", "build/playground-tools"]);
  server = spawn(process.execPath, ["build/playground-tools/examples/playground/serve.js", "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
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
  let tab: Tab;
  const said: string[] = [];
  const elsewhere: string[] = [];

  beforeAll(async () => {
    browser = await launch(name);
    if (!browser.open) throw new Error(`${name}: got a browser without tabs`);
    tab = await browser.open();
    tab.on("console", (message) => said.push(message.text()));
    tab.on("pageerror", (error) => said.push(String(error)));
    tab.on("request", (request) => {
      if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(origin)) elsewhere.push(request.url());
    });
    await tab.setViewportSize?.(windowSize);
    await tab.goto(`${origin}/`, { waitUntil: "domcontentloaded", timeout: patienceMs });
  });
  afterAll(() => browser?.close());

  const text = (selector: string): Promise<string> => tab.$eval(selector, (element) => element.textContent ?? "");
  /** Waits until an element's text is as expected. */
  async function until(selector: string, expected: RegExp): Promise<string> {
    const end = Date.now() + patienceMs;
    while (true) {
      const now = await text(selector).catch(() => "");
      if (expected.test(now)) return now;
      if (Date.now() > end) throw new Error(`${selector}: got ${JSON.stringify(now)}, expected ${expected}\n${said.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const says = (words: string): Promise<string> => until("#answer", new RegExp(`^${words}`));
  const caption = (layer: number): string => `#layers figure:nth-child(${layer + 1}) figcaption span`;
  /** The numbers of "31 of 1,024 nodes". */
  const lit = async (layer: number): Promise<number[]> =>
    ((await text(caption(layer))).match(/[\d,]+(?= of| nodes)/g) ?? []).map((n) => Number(n.replaceAll(",", "")));
  const numberIn = async (selector: string): Promise<number> => Number.parseFloat((await text(selector)).replaceAll(",", ""));
  const slide = async (to: number): Promise<void> => {
    await tab.focus("#amount");
    await tab.keyboard.press("Home");
    for (let i = 0; i < to; i++) await tab.keyboard.press("ArrowRight");
  };
  const replaceDefinition = async (by: string): Promise<void> => {
    await tab.focus("#definition");
    await tab.$eval("#definition", (element) => {
      (element as HTMLTextAreaElement).select();
      return "";
    });
    await tab.keyboard.type(by);
  };
  /** Waits for a chart with so many answers in it. */
  const answers = (least: RegExp): Promise<string> => until("#live-text", least);
  const picture = (what: string): Promise<unknown> =>
    tab.screenshot({ path: join(images, `playground-${what}-${name}.png`) as `${string}.png`, fullPage: true });

  test("reads an example, lights the nodes it took, and races the whole network", async () => {
    await says("This is a 7");
    await until(caption(1), /^\d+ of 1,024 nodes$/);
    const [computed] = await lit(1);
    expect(computed).toBeGreaterThan(0);
    expect(computed).toBeLessThan(512);
    expect(await text("#layers figure:nth-child(2)")).toMatch(/^hidden layer 1\d+ of 1,024 nodesfrom \d+ pixels$/);
    expect(await text("#plan")).toMatch(/Certified: loss at most 0\.\d\d % at 95 % confidence, from [\d,]+ held-out rows\.$/);
    expect(await text("#footer")).toMatch(/^Kernels: (relaxed|simd).*\d+ levels of effort.*steps of \d+/);
    await answers(/^The latest 500 /);
    expect(await numberIn("#asked-right")).toBeGreaterThan(95);
    expect(await numberIn("#asked-same")).toBeGreaterThan(98);
    expect(await numberIn("#asked-macs")).toBeLessThan((await numberIn("#dense-macs")) / 4);
    await picture("digit");
  });

  test("is drawn on with the keyboard alone", async () => {
    await tab.focus("#pad");
    await tab.keyboard.press("Delete");
    await says("Draw a digit");
    await tab.keyboard.press("Enter");
    for (let i = 0; i < 16; i++) await tab.keyboard.press("ArrowDown");
    await says("This is a 1");
    await tab.keyboard.press("Delete");
    await says("Draw a digit");
    // nothing is left of the answer before
    expect([await text("#plan"), await text("#layers")]).toEqual(["", ""]);
    await tab.evaluate(() => {
      document
        .querySelector("#pad")
        ?.dispatchEvent(new PointerEvent("pointerdown", { button: 2, isPrimary: true, clientX: 0, clientY: 0 }));
    });
    await says("Draw a digit");
    await tab.click("#example");
    await says("This is a 2");
  });

  test("is drawn on by mouse, until its button is let go; keys go on from there and show where", async () => {
    const shown = (): Promise<string> => tab.evaluate(() => (document.querySelector("#pad") as HTMLCanvasElement).toDataURL());
    const [left, top] = await tab.evaluate(() => {
      const box = document.querySelector("#pad")?.getBoundingClientRect() as DOMRect;
      return [box.left, box.top];
    });
    await tab.click("#clear");
    const empty = await shown();
    await tab.mouse.move(left + 60, top + 60);
    await tab.mouse.down();
    await tab.mouse.move(left + 60, top + 120);
    // as where a menu takes the release
    await tab.mouse.down({ button: "right" });
    await tab.mouse.up();
    const drawn = await shown();
    expect(drawn).not.toBe(empty);
    await tab.mouse.move(left + 200, top + 200);
    expect(await shown()).toBe(drawn);
    await tab.mouse.up({ button: "right" });
    await tab.keyboard.press("ArrowLeft");
    expect(await shown()).not.toBe(drawn);
    await tab.keyboard.press("Delete");
    await says("Draw a digit");
    await tab.click("#example");
    await says("This is a 1");
  });

  test("every control is reached by tabbing, and has a name", async () => {
    await tab.focus('input[value="digits"]');
    const names: string[] = [];
    for (let i = 0; i < 8; i++) {
      names.push(
        await tab.evaluate(() => {
          const element = document.activeElement as HTMLInputElement;
          return (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "").trim();
        }),
      );
      await tab.keyboard.press("Tab");
    }
    expect(names).toEqual([
      "a digit you draw",
      "accuracy",
      "How much",
      "Make this machine busy",
      expect.stringMatching(/^Digit, 28 by 28 pixels/),
      "Clear",
      "Show an example",
      "Pause",
    ]);
  });

  test("computes as many nodes as the slider allows", async () => {
    await tab.click('input[value="nodes"]');
    await slide(0);
    await until(caption(1), /^1,024 of 1,024/);
    await slide(8);
    await until(caption(1), /^\d\d? of 1,024/);
    expect(await text("#amount-text")).toBe("at most 2 % of nodes, where any are left out");
    expect(await tab.$eval("#amount", (slider) => slider.getAttribute("aria-valuetext") ?? "")).toBe(await text("#amount-text"));
  });

  test("shows deadlines kept or not, makes the machine busy and lets it rest, pauses and goes on", async () => {
    await tab.click('input[value="latencyMs"]');
    await until("#asked-kept", /%$/);
    await tab.click("#busy");
    expect(await text("#busy")).toBe("Let it rest");
    expect(await text("#busy-text")).toMatch(/^\d+ Workers/);
    // still answering, however busy
    await answers(process.env.PLAYGROUND_IMAGES ? /^The latest 500 / : /^The latest \d/);
    if (process.env.PLAYGROUND_IMAGES) await picture("busy");
    await tab.click("#busy");
    expect(await text("#busy-text")).toBe("");
    // brings it into view, so that nothing moves while it is clicked
    await tab.focus("#pause");
    await tab.click("#pause");
    await until("#pause", /^Go on$/);
    await slide(2);
    // what was raced under another objective is gone
    expect([await text("#asked-macs"), await text("#dense-p50"), await text("#live-text")]).toEqual(["", "", "Paused."]);
    await tab.click("#pause");
    expect(await text("#pause")).toBe("Pause");
    await answers(/^The latest/);
    expect(await numberIn("#asked-macs")).toBeGreaterThan(0);
  });

  test("offers every amount of what is chosen also when the browser brings the page back as it was left", async () => {
    await tab.reload({ waitUntil: "domcontentloaded", timeout: patienceMs });
    await says("This is a 7");
    const kind = await tab.evaluate(() => String(new FormData(document.querySelector("form") ?? undefined).get("kind")));
    await tab.focus("#amount");
    await tab.keyboard.press("End");
    expect(await text("#amount-text")).toBe({ loss: "at most 10 points of it lost", latencyMs: "done within 0.03 ms" }[kind]);
  });

  test("tells what a definition is a kind of, in the dark where that can be had", async () => {
    await tab.emulateMedia?.({ colorScheme: "dark" });
    await tab.click('input[value="loss"]');
    await slide(3); // 0.3 points: what may lose ten may answer a sixth of all otherwise
    // at once, as an answer may be there by the next look
    const left = await tab.evaluate(() => {
      document.querySelector<HTMLElement>('input[value="words"]')?.click();
      return ["#best", "#plan", "#layers"].map((selector) => document.querySelector(selector)?.textContent);
    });
    expect(left).toEqual(["", "", ""]);
    await says("This is a kind of");
    await until(caption(2), /^[\d,]+ of 11,708 nodes$/);
    const [computed, all] = await lit(2);
    expect(computed).toBeLessThan(all / 4);
    await replaceDefinition("qqqq xyzzy");
    await says("No word of this is known");
    await until("#unknown", /^never seen: qqqq, xyzzy$/);
    await replaceDefinition("q".repeat(200));
    await until("#unknown", /q{200}$/);
    await tab.setViewportSize?.({ width: 320, height: 600 });
    expect(await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await tab.setViewportSize?.(windowSize);
    await replaceDefinition("a large natural stream of flowing water");
    await says("This is a kind of");
    await answers(/^The latest (\d{3}) /);
    expect(await numberIn("#asked-same")).toBeGreaterThan(90);
    await picture("definition");
  });

  test("keeps its width on a phone whose letters are twice as large", async () => {
    await tab.click('input[value="latencyMs"]');
    await until("#asked-kept", /%$/);
    await tab.setViewportSize?.({ width: 320, height: 600 });
    const over = await tab.evaluate(() => {
      const { style } = document.documentElement;
      const widths = ["1.25rem", "2rem"].map((size) => {
        style.fontSize = size;
        return document.documentElement.scrollWidth - innerWidth;
      });
      style.fontSize = "";
      return widths;
    });
    await tab.setViewportSize?.(windowSize);
    for (const width of over) expect(width).toBeLessThanOrEqual(0);
  });

  test("goes on with what was chosen and typed when the browser goes back to it", async () => {
    await replaceDefinition("a large natural stream of flowing water");
    await tab.focus("#amount");
    await tab.keyboard.press("End");
    await until("#amount-text", /^done within 0\.03 ms$/);
    await tab.goto(`${origin}/?elsewhere`, { waitUntil: "domcontentloaded", timeout: patienceMs });
    // once the page has answered: a page that is left while it does answers with an error
    await tab.evaluate(() => void setTimeout(() => history.back()));
    await says("This is a kind of");
    expect(await text("#amount-text")).toBe("done within 0.03 ms");
    expect(await text("#unknown")).toBe("");
    await answers(/^The latest/);
  });

  test("asked nothing of anybody else, and complained of nothing", () => {
    expect(elsewhere).toEqual([]);
    expect(said).toEqual([]);
  });
}

describe("the playground", () => {
  test("is served whatever else is asked for", async () => {
    const statuses: number[] = [];
    for (const path of ["//", "/nowhere", "/%", "/?//", "/"]) statuses.push((await fetch(origin + path)).status);
    expect(statuses).toEqual([404, 404, 404, 200, 200]);
  });

  describeBrowser("chromium", () => playgroundTests("chromium"));
  describeBrowser("firefox", () => playgroundTests("firefox"));
});
