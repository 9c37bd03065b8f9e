// Chromium lacks nothing the package uses. A page must allow WebAssembly in its Content-Security-Policy ('wasm-unsafe-eval'), or the
// plain-JavaScript kernels answer; a service worker has no Workers; the clock is coarse (0.1 ms, 5 µs where a page is isolated).

import { describeBrowser } from "./browser.ts";
import { browserTests } from "./browser-tests.ts";

describeBrowser("chromium", () => browserTests("chromium", "once"));
