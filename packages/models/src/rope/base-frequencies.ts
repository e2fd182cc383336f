import type { RopeShape } from './rope.js'

const { fround } = Math

/**
 * base^(2i / rotaryDim) for i < rotaryDim / 2. Rounded to f32 after every operation, as PyTorch computes it: at
 * position 100,000 a frequency that is off by 1e-7 turns by 0.01 rad.
 */
export function wavelengths({ rotaryDim, base }: RopeShape): Float32Array {
  return Float32Array.from({ length: rotaryDim / 2 }, (_, i) => base ** fround((2 * i) / rotaryDim))
}

/** The unscaled inverse frequencies. */
export function baseFrequencies(shape: RopeShape): Float32Array {
  return wavelengths(shape).map((value) => 1 / value)
}

/** Base of dynamic NTK for a text of `tokens` tokens; equal to `base` up to the original `length`. */
export function dynamicBase(shape: RopeShape, factor: number, length: number, tokens: number): number {
  const stretch = (factor * Math.max(tokens, length)) / length - (factor - 1)
  return shape.base * stretch ** (shape.rotaryDim / (shape.rotaryDim - 2))
}
