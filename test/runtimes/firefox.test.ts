// Firefox lacks module service workers, so a service worker has to be bundled. A page must allow WebAssembly ('wasm-unsafe-eval'), or
// the plain-JavaScript kernels answer. The clock is coarse (1 ms, 20 µs where a page is isolated).

import { describeBrowser } from "./browser.ts";
import { browserTests } from "./browser-tests.ts";

describeBrowser("firefox", () => browserTests("firefox", "once"));
