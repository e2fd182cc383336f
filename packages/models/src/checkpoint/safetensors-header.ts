import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { badCheckpoint } from '../bad-input.js'
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../strict-json.js'
import { elementBits, isSafetensorsDType, type SafetensorsDType } from './safetensors-dtype.js'

/** A tensor as a checkpoint stores it. */
export interface StoredTensor {
  readonly name: string
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  /** Path of the file that holds it. */
  readonly file: string
  /** First byte in that file. */
  readonly offset: number
  readonly bytes: number
}

/** Largest header the format allows. */
export const maxHeaderBytes = 100_000_000

const lengthBytes = 8

/**
 * Reads and checks the header of one safetensors file; no tensor data is read. Refused: a truncated file, a header
 * beyond the cap, duplicate keys, unknown dtypes, sizes that disagree, overlaps, holes, misaligned floats.
 * @returns the tensors in the order of their bytes.
 * @throws TrtllmError bad_checkpoint naming file, tensor, expected and found.
 */
export function readSafetensorsHeader(file: string): StoredTensor[] {
  const { text, dataStart, fileBytes } = readHeaderText(file)
  let header: JsonValue
  try {
    header = parseStrictJson(text)
  } catch (error) {
    throw badCheckpoint(`${file}: the header is not valid JSON: ${(error as Error).message}`)
  }
  if (!isJsonObject(header)) throw badCheckpoint(`${file}: the header must be a JSON object`)
  checkMetadata(file, header)
  const tensors = Object.keys(header)
    .filter((name) => name !== '__metadata__')
    .map((name) => storedTensor(file, name, header[name]!, dataStart))
    .sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)
  checkCoverage(file, tensors, dataStart, fileBytes)
  return tensors
}

function readHeaderText(file: string): { text: string; dataStart: number; fileBytes: number } {
  const handle = openForReading(file)
  try {
    const stat = fstatSync(handle)
    if (stat.isDirectory()) throw badCheckpoint(`${file}: is a directory, expected a safetensors file`)
    const fileBytes = stat.size
    refuseLfsPointer(file, handle, fileBytes)
    if (fileBytes < lengthBytes) {
      throw badCheckpoint(`${file}: ${fileBytes} bytes are too few for a safetensors file; download it again`)
    }
    const lengthField = Buffer.alloc(lengthBytes)
    readSync(handle, lengthField, 0, lengthBytes, 0)
    const length = lengthField.readBigUInt64LE()
    if (length > BigInt(maxHeaderBytes)) {
      throw badCheckpoint(
        `${file}: the header claims ${length} bytes; the format allows at most ${maxHeaderBytes}: not a safetensors file, or damaged`,
      )
    }
    const headerBytes = Number(length)
    if (lengthBytes + headerBytes > fileBytes) {
      throw badCheckpoint(
        `${file}: the header claims ${headerBytes} bytes but the file has ${fileBytes}: truncated; download it again`,
      )
    }
    const bytes = Buffer.alloc(headerBytes)
    readSync(handle, bytes, 0, headerBytes, lengthBytes)
    return { text: decode(file, bytes), dataStart: lengthBytes + headerBytes, fileBytes }
  } finally {
    closeSync(handle)
  }
}

const lfsPointer = 'version https://git-lfs.github.com/spec/'

/** A clone without Git LFS has small text files where the weights should be. */
function refuseLfsPointer(file: string, handle: number, fileBytes: number): void {
  if (fileBytes > 1024) return
  const start = Buffer.alloc(lfsPointer.length)
  readSync(handle, start, 0, start.length, 0)
  if (start.toString('latin1') === lfsPointer) {
    throw badCheckpoint(`${file}: is a Git LFS pointer, not the weights; run "git lfs pull" in its folder`)
  }
}

function openForReading(file: string): number {
  try {
    return openSync(file, 'r')
  } catch (error) {
    throw badCheckpoint(`${file}: cannot be read: ${(error as Error).message}`)
  }
}

function decode(file: string, bytes: Uint8Array): string {
  if (bytes[0] !== 0x7b) throw badCheckpoint(`${file}: the header must begin with "{"`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw badCheckpoint(`${file}: the header is not valid UTF-8`)
  }
}

function checkMetadata(file: string, header: JsonObject): void {
  const metadata = header.__metadata__
  if (metadata === undefined) return
  if (!isJsonObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw badCheckpoint(`${file}: __metadata__ must map strings to strings`)
  }
}

function storedTensor(file: string, name: string, entry: JsonValue, dataStart: number): StoredTensor {
  const where = `${file}: tensor ${name}`
  if (!isJsonObject(entry)) throw badCheckpoint(`${where}: expected {dtype, shape, data_offsets}`)
  const { dtype, shape, data_offsets: offsets } = entry
  if (typeof dtype !== 'string' || !isSafetensorsDType(dtype)) {
    throw badCheckpoint(`${where}: unknown dtype ${JSON.stringify(dtype) ?? 'nothing'}`)
  }
  if (!isSizeList(shape)) {
    throw badCheckpoint(`${where}: shape must be a list of whole numbers below 2^53, found ${show(shape)}`)
  }
  if (!isSizeList(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw badCheckpoint(
      `${where}: data_offsets must be two ascending whole numbers below 2^53, found ${show(offsets)}`,
    )
  }
  const [begin, end] = offsets as [number, number]
  const bits = shape.reduce((product, size) => product * BigInt(size), BigInt(elementBits(dtype)))
  if (bits !== BigInt(end - begin) * 8n) {
    const expected = bits % 8n === 0n ? `${bits / 8n} bytes` : `${bits} bits`
    throw badCheckpoint(
      `${where}: ${dtype} [${shape.join(', ')}] needs ${expected}, data_offsets span ${end - begin} bytes`,
    )
  }
  const offset = dataStart + begin
  // Rows are read in place through a mapping, so elements must lie at multiples of their size.
  const elementBytes = elementBits(dtype) / 8
  if (elementBytes > 1 && offset % elementBytes !== 0) {
    throw badCheckpoint(
      `${where}: begins at byte ${offset}, which is not a multiple of its ${elementBytes}-byte elements; save the file again with a current safetensors`,
    )
  }
  return { name, dtype, shape, file, offset, bytes: end - begin }
}

function isSizeList(value: JsonValue | undefined): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)
  )
}

function show(value: JsonValue | undefined): string {
  if (!Array.isArray(value)) return value === undefined ? 'nothing' : typeof value
  return `[${value.map((item) => (isJsonObject(item) ? '{}' : String(item))).join(', ')}]`
}

/** Tensors must tile the data exactly: no overlap, no hole, nothing left over, nothing beyond the end. */
function checkCoverage(
  file: string,
  tensors: readonly StoredTensor[],
  dataStart: number,
  fileBytes: number,
): void {
  let covered = dataStart
  let previous = 'the header'
  for (const { name, offset, bytes } of tensors) {
    if (offset < covered) {
      throw badCheckpoint(
        `${file}: tensor ${name} begins at byte ${offset} inside ${previous}, which ends at ${covered}`,
      )
    }
    if (offset > covered) {
      throw badCheckpoint(
        `${file}: ${offset - covered} bytes between ${previous} and tensor ${name} belong to no tensor`,
      )
    }
    covered = offset + bytes
    previous = `tensor ${name}`
    if (covered > fileBytes) {
      throw badCheckpoint(
        `${file}: tensor ${name} ends at byte ${covered} but the file has ${fileBytes}: truncated, ${covered - fileBytes} or more bytes are missing; download it again`,
      )
    }
  }
  if (covered < fileBytes) {
    throw badCheckpoint(`${file}: ${fileBytes - covered} bytes after ${previous} belong to no tensor`)
  }
}
