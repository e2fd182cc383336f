export {
  goldensDirectory,
  goldenValues,
  goldenVariants,
  llamaTensorShapes,
  writeGoldenCheckpoint,
} from './testing/golden-checkpoint.js'
export { type TensorToWrite, writeSafetensors } from './testing/write-safetensors.js'
