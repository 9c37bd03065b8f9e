/**
 * The core door: load a model, create a session, run queries. No dependencies; every runtime.
 * @module
 */

export { createSession, type Session, type SessionOptions } from "./session/session.ts";

// The session comes first so that the kernels lead a bundle and its code lies together: compressors look back 32 kB only.

export { type LoadModelOptions, loadModel } from "./adapters/load-model.ts";
export type { ReadOptions, Source } from "./adapters/read-source.ts";
export type { Clock } from "./clock.ts";
export type { Backend, EngineOptions, WasmModule } from "./engine/engine.ts";
export { type ErrorCode, SlonnError } from "./errors.ts";
export {
  type Activation,
  type AnyLayer,
  type AnyModel,
  type ByteWeights,
  type CalibrationSection,
  createModel,
  type DenseLayer,
  type Model,
  type StreamedModel,
  type StreamedWeights,
  type WriteRows,
} from "./model/model.ts";
export type { DType, NonZeros, Tensor, TensorData } from "./model/tensor.ts";
export type { LoadEstimate, LoadOptions } from "./policy/load.ts";
export type { Plan } from "./policy/plan.ts";
export type { Slo } from "./policy/slo.ts";
export type { Certificate, Cost, Ladder, LadderMetric, LayerSetting, Level, RankedSetting, Rung } from "./profile/ladder.ts";
export type { LatencyProfile, LevelLatency, ProfileOrigin, Quantiles, RungLatency } from "./profile/latency.ts";
export type { QueryInput } from "./session/input-parts.ts";
export type { Answer, BestAnswers, Output } from "./session/output.ts";
export type { Report } from "./session/report.ts";
