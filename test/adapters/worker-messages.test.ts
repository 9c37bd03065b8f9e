import { expect, test } from "vitest";
import { errorOf, errorReply } from "../../src/adapters/worker-messages.ts";
import { SlonnError } from "../../src/errors.ts";

const over = (error: unknown): SlonnError => errorOf(structuredClone(errorReply(1, error)) as Parameters<typeof errorOf>[0]);

test("an error comes over with its code, and whatever else was thrown as what kept the Worker from answering", () => {
  expect(over(new SlonnError("bad-slo", "slo: got 5, expected an object"))).toMatchObject({
    name: "SlonnError",
    code: "bad-slo",
    message: "slo: got 5, expected an object",
  });
  expect(over(new RangeError("too deep"))).toMatchObject({ code: "worker", message: "worker: failed (RangeError: too deep)" });
  for (const odd of [undefined, null, 5, "text", Symbol("odd")]) expect(over(odd)).toMatchObject({ code: "worker" });
});
