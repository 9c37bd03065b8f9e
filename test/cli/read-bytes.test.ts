import { expect, test } from "vitest";
import { reasonOf } from "../../src/cli/read-bytes.ts";

test("why a file cannot be read is told in words, a lack of memory too", () => {
  expect(reasonOf(Object.assign(new Error("EISDIR: illegal operation"), { code: "EISDIR" }))).toBe("a directory");
  expect(reasonOf(Object.assign(new Error("EROFS: read-only file system, access '/x'"), { code: "EROFS" }))).toBe(
    "a read-only file system",
  );
  const restricted = Object.assign(new Error("Access to this API has been restricted"), { code: "ERR_ACCESS_DENIED" });
  expect(reasonOf(restricted)).toBe("no permission under Node's --permission");
  expect(reasonOf(new RangeError("Array buffer allocation failed"))).toBe("more bytes than there is memory for");
  const tooLarge = Object.assign(new RangeError("File size is greater than 2 GiB"), { code: "ERR_FS_FILE_TOO_LARGE" });
  expect(reasonOf(tooLarge)).toBe("a file of more than 2 GiB");
});
