export {
  goldensDirectory,
  goldenValues,
  goldenVariants,
  writeGoldenCheckpoint,
} from './testing/golden-checkpoint.js'
export { type TensorToWrite, writeSafetensors } from './testing/write-safetensors.js'
