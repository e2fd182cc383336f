// The texts that generate.mjs writes, as functions of the op schemas.

const banner = '// Written by scripts/generate.mjs (pnpm gen); do not edit.'

const snake = (name) => name.replace(/-/g, '_').replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
const pascal = (name) => name.replace(/(^|-)([a-z])/g, (_, __, c) => c.toUpperCase())

/** Operands in ABI order. `field` is null for a result that updates an input: it is the input's storage. */
function operandsOf({ inputs, outputs }) {
  const taken = new Set(Object.keys(inputs))
  return [
    ...Object.entries(inputs).map(([name, operand]) => ({
      name,
      operand,
      output: false,
      field: snake(name),
    })),
    ...Object.entries(outputs).map(([name, operand]) => {
      if (!taken.has(name)) return { name, operand, output: true, field: snake(name) }
      return { name, operand, output: true, field: operand.updates === name ? null : `${snake(name)}_out` }
    }),
  ]
}

export function opsModule(ops) {
  const imports = ops.map(
    ({ folder, exportName }) => `import { ${exportName} } from '../ops/${folder}/${folder}.op.js'`,
  )
  return `${banner}
${imports.join('\n')}
import type { OpSchema } from './define-op.js'

/** Every op, by the name it has in TypeScript. */
export const ops = {
${ops.map(({ exportName }) => `  ${exportName},`).join('\n')}
} as const

const byName = new Map<string, OpSchema>(Object.values(ops).map((op) => [op.name, op]))

/** The op with this schema name (\`rms-norm\`), or undefined. */
export const opByName = (name: string): OpSchema | undefined => byName.get(name)
`
}

export function opArgs(ops) {
  return `${banner}
#pragma once
#include "../core/kernel.h"

// Typed views of an OpCall, one per op. An absent optional operand is !present(). A result that updates an input is
// that input; another result that shares an input's name ends in _out.
// HAZARD: compiled once per ISA, hence always inlined.
namespace trtllm {

${ops.map(argsStruct).join('\n')}
}  // namespace trtllm
`
}

function argsStruct({ folder, schema }) {
  const operands = operandsOf(schema)
  const attributes = Object.entries(schema.attributes)
  const name = `${pascal(folder)}Args`
  const fields = operands.flatMap(({ field }) => (field ? [field] : []))
  const cType = (kind) => (kind === 'i32' ? 'int32_t' : 'float')
  const lines = [
    ...fields.map((field) => `  TensorRef ${field};`),
    ...attributes.map(([attribute, kind]) => `  ${cType(kind)} ${snake(attribute)};`),
  ]
  const body = [
    ...operands.flatMap(({ field }, i) => (field ? [`    a.${field} = call.operands[${i}];`] : [])),
    ...attributes.map(
      ([attribute, kind], i) =>
        `    a.${snake(attribute)} = static_cast<${cType(kind)}>(call.attributes[${i}]);`,
    ),
  ]
  return `struct ${name} {
${lines.join('\n')}

  [[gnu::always_inline]] static ${name} from(const OpCall& call) {
    ${name} a;
${body.join('\n')}
    return a;
  }
};
`
}

export function opList(ops) {
  return `${banner}
#pragma once

// X(ident, name) for every op.
#define TRTLLM_OPS(X) \\
${ops.map(({ folder }) => `  X(${snake(folder)}, "${folder}")`).join(' \\\n')}
`
}

export function opSchemas(ops) {
  const most = Math.max(...ops.map(({ schema }) => operandsOf(schema).length))
  return `${banner}
#pragma once
#include <cstdint>

// What a plan checks of a node before it runs.
namespace trtllm {

constexpr int kMaxOperands = ${most};

struct OperandRule {
  const char* name;
  bool optional;
  bool is_weight;   // may be in panel layout
  int8_t updates;   // operand whose storage this result is; -1: its own
  int8_t rank;
  int8_t dims[5];   // per axis: number of the op's named size
  int32_t fixed[5]; // per axis: the size, or -1 where it is named
  const char* dtype;  // "f32", ..., "float", "cache" (a float or f8), "=name" of an operand; "|f32" after it allows f32
};

struct OpRule {
  const char* name;
  int num_inputs;
  int num_outputs;
  int num_attributes;
  OperandRule operands[kMaxOperands];
};

inline constexpr OpRule kOpRules[] = {
${ops.map(opRule).join('\n')}
};

}  // namespace trtllm
`
}

function opRule({ folder, schema }) {
  const operands = operandsOf(schema)
  const numbers = new Map()
  const numberOf = (dim) => {
    if (!numbers.has(dim)) numbers.set(dim, numbers.size)
    return numbers.get(dim)
  }
  const pad = (list, filler) => [...list, ...Array(5 - list.length).fill(filler)].join(', ')
  const rows = operands.map(({ name, operand }) => {
    const dims = operand.dims.map((dim) => (typeof dim === 'number' ? -1 : numberOf(dim)))
    const fixed = operand.dims.map((dim) => (typeof dim === 'number' ? dim : -1))
    const updates = operand.updates ? Object.keys(schema.inputs).indexOf(operand.updates) : -1
    const dtype = typeof operand.dtype === 'string' ? operand.dtype : `=${operand.dtype.like}`
    const flags = `${operand.optional === true}, ${operand.role === 'weight'}, ${updates}`
    const type = `"${dtype}${operand.orF32 ? '|f32' : ''}"`
    return `      {"${name}", ${flags}, ${dims.length}, {${pad(dims, -1)}}, {${pad(fixed, -1)}}, ${type}},`
  })
  const counts = [schema.inputs, schema.outputs, schema.attributes].map((o) => Object.keys(o).length)
  return `    {"${folder}", ${counts.join(', ')}, {\n${rows.join('\n')}\n    }},`
}

export function samplingHeader(sampling) {
  const constants = (object) =>
    Object.entries(object)
      .map(([name, value]) => `constexpr int ${snake(name)} = ${value};`)
      .join('\n')
  return `${banner}
#pragma once

// Layout of the per-slot sampling record and lists, in i32 words; src/sampling-words.ts says what each means.
namespace trtllm {

namespace words {
${constants(sampling.samplingWords)}
constexpr int per_slot = ${sampling.samplingWordsPerSlot};
}  // namespace words

namespace lists {
${constants(sampling.listWords)}
constexpr int per_slot = ${sampling.listWordsPerSlot};
}  // namespace lists

namespace list_capacity {
${constants(sampling.listCapacity)}
}  // namespace list_capacity

namespace row_task {
${constants(sampling.rowTasks)}
}  // namespace row_task

constexpr int kMaxLogprobs = ${sampling.maxLogprobs};

}  // namespace trtllm
`
}
