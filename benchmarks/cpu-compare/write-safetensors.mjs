import { closeSync, openSync, writeSync } from 'node:fs'
import { tensorBf16 } from './weights.mjs'

const elementsOf = ({ shape }) => shape.reduce((product, size) => product * size, 1)
const one = 0x3f80

/** bf16 bytes of tensor number `index`: ones for a norm. */
export function bf16Of(table, tensor, index) {
  const elements = elementsOf(tensor)
  return tensor.shape.length === 1 ? new Uint16Array(elements).fill(one) : tensorBf16(table, index, elements)
}

/** Writes one safetensors file, bf16. */
export function writeSafetensors(path, tensors, table) {
  const header = { __metadata__: { format: 'pt' } }
  let offset = 0
  for (const tensor of tensors) {
    const end = offset + 2 * elementsOf(tensor)
    header[tensor.name] = { dtype: 'BF16', shape: tensor.shape, data_offsets: [offset, end] }
    offset = end
  }
  const text = JSON.stringify(header)
  const head = Buffer.from(text + ' '.repeat((8 - (text.length % 8)) % 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(head.length))
  const file = openSync(path, 'w')
  writeSync(file, length)
  writeSync(file, head)
  for (const [index, tensor] of tensors.entries()) writeSync(file, bf16Of(table, tensor, index))
  closeSync(file)
}
