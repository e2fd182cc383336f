import { TrtllmError } from '@trtllm/kernels'
import { sameShape } from './dim.js'
import { type Graph, updatedBy } from './graph.js'
import { inferCall } from './infer.js'
import type { Node } from './node.js'
import type { Value } from './value.js'

/**
 * Proves that a graph can be executed in order: each value is made once and before its use, each call agrees with its
 * op's schema, and nothing reads a version of a state that a later one has replaced. Throws `internal` otherwise, for
 * then a layer or a pass is wrong.
 */
export function verifyGraph(graph: Graph): void {
  const made = new Set<Value>()
  const replaced = new Map<Value, Node>()
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input) checkReadable(node, input, made, replaced)
    }
    checkCall(node)
    for (const output of node.outputs) {
      if (made.has(output)) fail(node, `${output.path} is made twice`)
      made.add(output)
      const old = updatedBy(node, output)
      if (old) replaced.set(old, node)
    }
  }
  for (const [name, value] of [...graph.outputs, ...graph.results]) {
    if (!isMade(value, made)) throw new TrtllmError('internal', `the output ${name} is never made`)
  }
}

/** What `value` is a part of. */
function wholeOf({ origin }: Value): Value | undefined {
  return origin.kind === 'view' || origin.kind === 'section' ? origin.of : undefined
}

function checkReadable(
  node: Node,
  input: Value,
  made: ReadonlySet<Value>,
  replaced: ReadonlyMap<Value, Node>,
): void {
  for (let part: Value | undefined = input; part; part = wholeOf(part)) {
    const by = replaced.get(part)
    if (by) fail(node, `reads ${input.path} as it was before ${by.path} (${by.op.name}) changed it`)
  }
  if (!isMade(input, made)) fail(node, `reads ${input.path} before it is made`)
}

function isMade(value: Value, made: ReadonlySet<Value>): boolean {
  for (let part: Value | undefined = value; part; part = wholeOf(part)) {
    if (part.origin.kind === 'node' && !made.has(part)) return false
  }
  return true
}

function checkCall(node: Node): void {
  checkRoles(node)
  const names = Object.keys(node.op.outputs)
  const f32Results = names.filter(
    (name, i) => node.op.outputs[name]?.orF32 && node.outputs[i]?.dtype === 'f32',
  )
  const inferred = inferCall(node.path, node.op, node.inputs, node.attributes, f32Results)
  if (inferred.length !== node.outputs.length) fail(node, `has ${node.outputs.length} results`)
  inferred.forEach(({ name, dtype, shape }, i) => {
    const output = node.outputs[i]!
    if (output.dtype !== dtype || !sameShape(output.shape, shape)) {
      fail(node, `${name} should be ${dtype}[${shape.join(',')}], but is ${output}`)
    }
  })
}

function checkRoles(node: Node): void {
  Object.entries(node.op.inputs).forEach(([name, { role }], i) => {
    const kind = node.inputs[i]?.origin.kind
    if (kind === undefined || role === undefined) return
    const allowed = role === 'weight' ? ['param'] : ['state', 'section', 'cache', 'node']
    if (!allowed.includes(kind)) fail(node, `${name} is a ${role}, but gets a ${kind}`)
  })
}

function fail(node: Node, sentence: string): never {
  throw new TrtllmError('internal', `${node.path} (${node.op.name}): ${sentence}`)
}
