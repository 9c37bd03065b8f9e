// WebKit (WebKitGTK, the engine of Safari). Relaxed SIMD is missing in the version Debian has. A page must allow
// WebAssembly ('wasm-unsafe-eval'): without, modules compile, but nothing can be instantiated. The clock is coarse (1 ms).

import { describeBrowser } from "./browser.ts";
import { browserTests } from "./browser-tests.ts";

describeBrowser("webkit", () => browserTests("webkit", "twice"));
