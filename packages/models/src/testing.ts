export {
  goldensDirectory,
  goldenValues,
  goldenVariants,
  writeGoldenCheckpoint,
} from './testing/golden-checkpoint.js'
export { expectGoldenLogits, goldenOf, teacherForced } from './testing/golden-logits.js'
export { GoldenRun } from './testing/golden-run.js'
export { type TensorToWrite, writeSafetensors } from './testing/write-safetensors.js'
