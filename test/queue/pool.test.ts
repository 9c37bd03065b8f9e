// The lanes of a queue on their own: lanes that do nothing but live and die.

import { describe, expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { createPool, type LaneSource, type RemoteLane } from "../../src/queue/pool.ts";

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

function mortal() {
  let die: (cause?: unknown) => void = () => {};
  const closed = new Promise<unknown>((settle) => {
    die = settle;
  });
  const lane: RemoteLane = { closed, run: () => new Promise(() => {}), dispose: () => die(null) };
  return { lane, die };
}

/** A pool, and what it said: `opened`, or the code of why nothing is left. */
function pooled(lanes: LaneSource | LaneSource[]) {
  const heard: string[] = [];
  const pool = createPool(lanes, { opened: () => heard.push("opened"), died: ({ code, message }) => heard.push(`${code}: ${message}`) });
  return { pool, heard };
}

describe("a lane that dies", () => {
  test("is made again at once when it was asked something", async () => {
    const made: ReturnType<typeof mortal>[] = [];
    const { pool, heard } = pooled(() => {
      made.push(mortal());
      return made[made.length - 1].lane;
    });
    await settled();
    const living = pool.free();
    expect(living?.lane).toBe(made[0].lane);
    if (living) living.wasAsked = living.isBusy = true;
    made[0].die();
    await settled();
    expect(heard).toEqual(["opened", "opened"]);
    // free, although the one before never answered
    expect(pool.free()?.lane).toBe(made[1].lane);
  });

  test("without having been asked is not made again before somebody asks for one", async () => {
    let made = 0;
    const { pool, heard } = pooled(() => {
      made++;
      const { lane, die } = mortal();
      setImmediate(() => die(new SlonnError("worker", "worker: died (a test)")));
      return lane;
    });
    for (let i = 0; i < 10; i++) await settled();
    expect(made).toBe(1);
    expect(pool.isDead()).toBe(true);
    expect(heard).toEqual(["opened", "worker: worker: died (a test)"]);
    pool.open();
    expect(pool.isDead()).toBe(false);
    for (let i = 0; i < 10; i++) await settled();
    expect(made).toBe(2);
    expect(pool.free()).toBeUndefined();
  });

  test("and is given again by its function, dead as it is, does not keep the pool busy", async () => {
    let made = 0;
    const { lane, die } = mortal();
    const { pool } = pooled(() => {
      if (++made > 20) throw new Error("enough");
      return lane;
    });
    await settled();
    const living = pool.free();
    if (living) living.wasAsked = true;
    die();
    await settled();
    expect(made).toBe(2);
    expect(pool.isDead()).toBe(true);
  });

  test("because the pool is closed is not made again, though it was asked", async () => {
    let made = 0;
    const { pool } = pooled(() => {
      made++;
      return mortal().lane;
    });
    await settled();
    const living = pool.free();
    if (living) living.wasAsked = true;
    pool.close();
    await settled();
    pool.open();
    await settled();
    expect([made, pool.free()]).toEqual([1, undefined]);
  });

  test("and is the only one is tried whenever somebody asks, however often it could not be made", async () => {
    let tried = 0;
    const { pool } = pooled(() => {
      tried++;
      throw new Error("no lane (a test)");
    });
    await settled();
    for (let asked = 1; asked <= 6; asked++) {
      pool.open();
      await settled();
      expect(tried).toBe(1 + asked);
    }
  });

  test("and was made elsewhere cannot be made again, asked or not", async () => {
    const { lane, die } = mortal();
    const { pool, heard } = pooled(lane);
    const living = pool.free();
    if (living) living.wasAsked = true;
    die();
    await settled();
    expect(heard).toEqual([expect.stringContaining("no lane that is alive")]);
    pool.open();
    await settled();
    expect([pool.isDead(), heard.length]).toEqual([true, 1]);
  });

  test("by a rejection is dead as well", async () => {
    const { pool, heard } = pooled({ ...mortal().lane, closed: Promise.reject(new Error("odd")) });
    await settled();
    expect(pool.isDead()).toBe(true);
    expect(heard).toEqual([expect.stringContaining("no lane that is alive")]);
  });
});

test("while one lane lives, others that die or cannot be made end nothing", async () => {
  const [lives, dies] = [mortal(), mortal()];
  const { pool, heard } = pooled([
    lives.lane,
    dies.lane,
    () => {
      throw new Error("no lane (a test)");
    },
  ]);
  await settled();
  dies.die();
  await settled();
  expect(heard).toEqual([]);
  expect(pool.free()?.lane).toBe(lives.lane);
  lives.die();
  await settled();
  expect(heard).toEqual([expect.stringContaining("no lane that is alive")]);
});

test.each(["before", "after"])("a closed pool disposes what it made %s, and makes no more", async (when) => {
  const [given, made] = [mortal(), mortal()];
  const { pool, heard } = pooled([given.lane, () => made.lane]);
  if (when === "before") await settled();
  pool.close();
  await settled();
  pool.open();
  await settled();
  expect(heard).toEqual(when === "before" ? ["opened"] : []);
  expect(await Promise.race([made.lane.closed, settled().then(() => "alive")])).toBeNull();
  expect(await Promise.race([given.lane.closed, settled().then(() => "alive")])).toBe("alive");
});

test("beside one that lives, one that cannot be made is tried ever more seldom, until it could", async () => {
  let tries = 0;
  let isBroken = true;
  const made: ReturnType<typeof mortal>[] = [];
  const { pool } = pooled([
    mortal().lane,
    () => {
      tries++;
      if (isBroken) throw new Error("no memory (a test)");
      made.push(mortal());
      return made[made.length - 1].lane;
    },
  ]);
  await settled();
  const asked: number[] = [];
  for (let request = 1; request <= 4000; request++) {
    const before = tries;
    pool.open();
    await settled();
    if (tries > before) asked.push(request);
  }
  expect(asked).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 3071]);
  isBroken = false;
  for (let request = 0; request < 1024; request++) pool.open();
  await settled();
  expect(made).toHaveLength(1);
  // it was asked something, so it failed for another reason
  const [first, second] = [pool.free(), made[0]];
  if (first) first.isBusy = true;
  const living = pool.free();
  expect(living?.lane).toBe(second.lane);
  if (living) living.wasAsked = true;
  isBroken = true;
  second.die();
  await settled();
  const after = tries;
  pool.open();
  await settled();
  expect(tries).toBe(after + 1);
});

test("a lane that throws when it is disposed keeps no other from being disposed", async () => {
  const [throws, made] = [mortal(), mortal()];
  throws.lane.dispose = () => {
    throw new Error("kept (a test)");
  };
  const { pool } = pooled([() => throws.lane, () => made.lane]);
  await settled();
  expect(() => pool.close()).toThrow("kept (a test)");
  expect(await Promise.race([made.lane.closed, settled().then(() => "alive")])).toBeNull();
});

test("a lane that comes after the end and throws when it is disposed leaves no rejection behind", async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): number => unheard.push(reason);
  process.on("unhandledRejection", hear);
  const dispose = (): never => {
    throw new Error("stuck (a test)");
  };
  createPool(async () => ({ run: () => ({}) as never, dispose }), { opened() {}, died() {} }).close();
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  process.off("unhandledRejection", hear);
  expect(unheard).toEqual([]);
});

test("a lane is made once, however often it is asked for", async () => {
  let made = 0;
  const { pool, heard } = pooled(() => {
    made++;
    return mortal().lane;
  });
  pool.open();
  await settled();
  pool.open();
  await settled();
  expect([made, heard]).toEqual([1, ["opened"]]);
});

test("a function that throws what has no text is told like any other", async () => {
  const { heard } = pooled(() => {
    throw Object.create(null);
  });
  await settled();
  expect(heard).toEqual(["worker: queue: no lane could be made (undefined)"]);
});
