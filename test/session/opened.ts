import { onTestFinished } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { createSession, type Session, type SessionOptions } from "../../src/session/session.ts";

/** A session that goes when the test that asked for it is over. */
export async function opened(model: Model, options?: SessionOptions): Promise<Session> {
  const session = await createSession(model, options);
  onTestFinished(session.dispose);
  return session;
}
