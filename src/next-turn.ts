// Waiting for the event loop's next turn, so that messages that have arrived are delivered. A timer would wait longer.

/** Resolves in the next turn: by `setImmediate` where there is one, else by a message to itself. */
export function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (then: () => void) => unknown };
  return new Promise((resolve) => {
    try {
      if (setImmediate) return void setImmediate(resolve);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } catch {
      setTimeout(resolve); // Next.js's edge runtime has both, but they throw when called
    }
  });
}
