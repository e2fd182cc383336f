import type { FloatDType } from '@trtllm/kernels'

/** How far an engine may be from a golden that was computed in f32. */
export interface Tolerances {
  /** Of a logit, times the larger of 1 and the deviation of the prompt's stored logits. */
  readonly logit: number
  /** The most likely token may differ where the stored gap to the second is below this. */
  readonly argmaxGap: number
  /** Of the logsumexp. */
  readonly logsumexp: number
  /** Of the prompt's NLL, relative. */
  readonly promptNll: number
}

/**
 * By the engine's dtype. Those of f32 are what two correct implementations keep; those of f16 and bf16 are at least twice
 * the largest difference measured on the goldens of two trained models, 24 prompts each, on the CPU: logit 0.0104 and
 * 0.100, logsumexp 0.0152 and 0.0983, prompt NLL 3.2e-4 and 4.0e-3.
 */
export const defaultTolerances: Readonly<Record<FloatDType, Tolerances>> = {
  f32: { logit: 2e-3, argmaxGap: 1e-3, logsumexp: 1e-3, promptNll: 1e-4 },
  f16: { logit: 0.02, argmaxGap: 0.05, logsumexp: 0.04, promptNll: 1e-3 },
  bf16: { logit: 0.2, argmaxGap: 0.25, logsumexp: 0.3, promptNll: 0.015 },
}
