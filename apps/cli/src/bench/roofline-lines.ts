import type { RooflineReport } from './bench-plan.js'

/** The bound of a cell and our share of it as people read them. */
export function rooflineLines(roofline: RooflineReport): string {
  const memory = `${(roofline.copy_bytes_per_s / 1e9).toFixed(1)} GB/s`
  const products = `${(roofline.float_flops_per_s / 1e12).toFixed(2)} TFLOP/s`
  const bound = `${roofline.bound_output_throughput_tok_s.toFixed(1)} tokens/s in ${roofline.bound_steps} steps`
  return `bound       ${bound} at ${memory} and ${products}; reached ${(100 * roofline.share_of_bound).toFixed(1)} %\n`
}
