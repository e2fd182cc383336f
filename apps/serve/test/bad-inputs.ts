import { type DamagedModel, firstShard } from './damaged-model.js'

/** What is wrong, how it comes about, the exit code and the whole of what the command says. */
type BadStart = [what: string, damage: (model: DamagedModel) => void, code: number, message: string]
type BadFlags = [flags: string, code: number, message: string]
type BadRequest = [
  what: string,
  path: string,
  body: object,
  code: string,
  param: string | null,
  message: string,
]

const index = 'model.safetensors.index.json'
const query = 'model.layers.0.self_attn.q_proj.weight'
const shard = `<model>/${firstShard}`
const weightMap = (model: DamagedModel, entries: Record<string, string>) =>
  model.json(index, (value) => void Object.assign(value.weight_map as object, entries))

/** Checkpoints whose files are damaged. */
export const badCheckpoints: BadStart[] = [
  [
    'a shard is missing',
    (model) => model.remove(firstShard),
    65,
    `<model>/${index}: 1 of 2 shards are missing: ${firstShard}; the download is incomplete`,
  ],
  [
    'a shard is truncated',
    (model) => model.bytes(firstShard, (bytes) => bytes.subarray(0, bytes.length - 1000)),
    65,
    `${shard}: tensor model.layers.3.self_attn.v_proj.weight ends at byte 14952296 but the file has 14951296: ` +
      'truncated, 1000 or more bytes are missing; download it again',
  ],
  [
    'a shard is an error page',
    (model) => model.write(firstShard, '<html>Not found</html>'),
    65,
    `${shard}: the header claims 8020416621807167548 bytes; the format allows at most 100000000: not a safetensors ` +
      'file, or damaged',
  ],
  [
    'the index names the wrong shard',
    (model) => weightMap(model, { [query]: 'model-00002-of-00002.safetensors' }),
    65,
    `${shard}: tensor ${query} is here, but ${index} says model-00002-of-00002.safetensors`,
  ],
  [
    'the index lists what is not there',
    (model) => weightMap(model, { ghost: firstShard }),
    65,
    `${shard}: tensor ghost is absent, though ${index} lists it`,
  ],
  [
    'the index leaves the folder',
    (model) => weightMap(model, { [query]: '../../etc/passwd' }),
    65,
    `<model>/${index}: weight_map["${query}"] must be a .safetensors file name, found "../../etc/passwd"`,
  ],
  [
    'a tensor has another type',
    (model) =>
      model.header((tensors) => {
        tensors[query]!.dtype = 'I32'
      }),
    65,
    `${shard}: tensor ${query}: I32 [384, 384] needs 589824 bytes, data_offsets span 294912 bytes`,
  ],
  [
    'a tensor has another shape',
    (model) =>
      model.header((tensors) => {
        tensors[query]!.shape = [192, 768]
      }),
    65,
    `${shard}: tensor ${query}: expected shape [384, 384], found [192, 768]`,
  ],
  [
    'two tensors overlap',
    (model) =>
      model.header((tensors) => {
        tensors[query]!.data_offsets = tensors[query]!.data_offsets.map((at) => at - 2) as [number, number]
      }),
    65,
    `${shard}: tensor ${query} begins at byte 5903718 inside tensor model.layers.0.self_attn.o_proj.weight, which ends ` +
      'at 5903720',
  ],
  [
    'there is no tokenizer',
    (model) => model.remove('tokenizer.json'),
    65,
    '<model>/tokenizer.json: not found; download it with the model, or name a directory that has it as the tokenizer',
  ],
]

const config = (change: object) => (model: DamagedModel) => model.json('config.json', { ...change })

/** Configurations that are wrong, or contradict themselves, the weights or what this version can do. */
export const badConfigs: BadStart[] = [
  [
    'it is missing',
    (model) => model.remove('config.json'),
    65,
    '<model>/config.json: not found; a model directory needs config.json',
  ],
  [
    'it is no JSON',
    (model) => model.write('config.json', '{"a":'),
    65,
    '<model>/config.json: not valid JSON: unexpected end at character 5',
  ],
  [
    'an unknown architecture',
    config({ architectures: ['LlamaForCasualLM'] }),
    65,
    '<model>/config.json: architecture LlamaForCasualLM is not supported; nearest supported: LlamaForCausalLM (its ' +
      'config has no key that class does not know, so only the name differs); supported: <all>',
  ],
  [
    'a size is missing',
    config({ num_hidden_layers: undefined }),
    65,
    '<model>/config.json: num_hidden_layers is missing; expected an integer',
  ],
  [
    'a size is negative',
    config({ hidden_size: -1 }),
    78,
    '<model>/config.json: hidden_size must be at least 1, found -1',
  ],
  [
    'more layers than weights',
    config({ num_hidden_layers: 40 }),
    65,
    '<model>: tensor model.layers.6.input_layernorm.weight is missing; expected [384]',
  ],
  [
    'another vocabulary than the weights',
    config({ vocab_size: 99 }),
    65,
    `${shard}: tensor model.embed_tokens.weight: expected shape [99, 384], found [4096, 384]`,
  ],
  [
    'an unknown rope scaling',
    config({ rope_scaling: { rope_type: 'spiral', factor: 2 } }),
    65,
    '<model>/config.json: rope_scaling.rope_type "spiral" is not supported; expected default, linear, dynamic, yarn, ' +
      'longrope, llama3',
  ],
  [
    'a quantization',
    config({ quantization_config: { quant_method: 'awq' } }),
    65,
    '<model>/config.json: weights stored with quant_method "awq" are not supported; expected plain f32, f16 or bf16, or fp8 of modelopt (FP8), compressed-tensors (float-quantized), fbgemm_fp8 or fp8 (128 x 128 blocks or a scale for each tensor)',
  ],
  [
    'an end id beyond the vocabulary',
    (model) => model.json('generation_config.json', { eos_token_id: 999999 }),
    78,
    '<model>/generation_config.json: eos_token_id 999999 is outside the vocabulary of 4096',
  ],
]

/** Command lines. */
export const badFlags: BadFlags[] = [
  ['--max_batch_sise 4', 64, 'There is no flag --max-batch-sise; did you mean --max-batch-size?'],
  ['--port http', 64, '--port must be an integer from 0 to 65535; got "http".'],
  [
    '--dtype int8',
    64,
    '--dtype must be one of auto, f32, float32, bf16, bfloat16, f16, float16; got "int8".',
  ],
  ['--device tpu', 64, '--device must be auto, cpu, cuda or cuda:N; got "tpu".'],
  ['--tp_size 2', 64, '--tp-size 2 is not supported in this version, which runs on one device; use 1.'],
  ['--config missing.yaml', 64, '--config missing.yaml cannot be read (ENOENT).'],
  [
    '--host 0.0.0.0',
    64,
    '--host 0.0.0.0 would offer this server to other machines without a key; set --api-key (or TRTLLM_API_KEY), or say ' +
      '--allow-unauthenticated if that is meant.',
  ],
  ['/nonexistent/model', 65, '/nonexistent/model: no such directory, and not a hub id (expected "org/name")'],
  [
    '--max-seq-len 4096',
    78,
    "--max-seq-len 4096 is beyond the 2048 positions that the model's config.json allows; lower it",
  ],
  [
    '--max-batch-size 64 --max-num-tokens 32',
    78,
    '--max-batch-size 64 is above --max-num-tokens 32, but each sequence needs a token of a step; lower the first or ' +
      'raise the second',
  ],
]

const chat = '/v1/chat/completions'
const text = '/v1/completions'
const messages = [{ role: 'user', content: 'hi' }]

/** Requests to the embedded model: all are answered with 400. */
export const badRequests: BadRequest[] = [
  ['no messages', chat, {}, 'invalid_request', 'messages', "'messages' is missing."],
  [
    'a hot temperature',
    chat,
    { messages, temperature: 2.1 },
    'out_of_range',
    'temperature',
    "'temperature' must be a number from 0 to 2; got 2.1.",
  ],
  [
    'a text for a number',
    chat,
    { messages, max_tokens: 'many' },
    'invalid_type',
    'max_tokens',
    '\'max_tokens\' must be an integer from 1 to 2147483647; got "many".',
  ],
  [
    'a bias beyond the vocabulary',
    chat,
    { messages, logit_bias: { 4096: 1 } },
    'out_of_range',
    'logit_bias',
    "'logit_bias' has token id 4096; the vocabulary ends at 4095.",
  ],
  [
    'a prompt id beyond the vocabulary',
    text,
    { prompt: [5, 4096] },
    'out_of_range',
    'prompt',
    "'prompt' has token id 4096; the vocabulary ends at 4095.",
  ],
  [
    'an answer beyond the context',
    text,
    { prompt: [5, 6, 7], max_tokens: 2046 },
    'context_length_exceeded',
    'prompt',
    "This model's context is 2048 tokens; the prompt has 3 and the answer may need 2046. Shorten the prompt, lower " +
      'max_tokens or set truncate_prompt_tokens.',
  ],
  [
    'bad words beyond what a row holds',
    text,
    { prompt: 'x', bad_words: Array.from({ length: 256 }, (_, at) => `word${at}`.repeat(4)) },
    'out_of_range',
    'bad_words',
    'bad_words need 7824 words (their ids and one each), at most 1024 fit; give fewer or shorter ones',
  ],
  [
    'stop ids beyond what a row holds',
    text,
    { prompt: 'x', stop_token_ids: Array.from({ length: 64 }, (_, at) => at + 100) },
    'out_of_range',
    'stop_token_ids',
    "stop_token_ids and the model's end ids are 66, at most 64 fit",
  ],
  [
    'an image',
    chat,
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y' } }] }] },
    'unsupported',
    'messages[0].content[0]',
    "'messages[0].content[0]' is of type image_url; this model reads text only.",
  ],
  [
    'a grammar',
    chat,
    { messages, response_format: { type: 'json_schema' } },
    'unsupported',
    'response_format',
    "'response_format' is not supported by this server; leave it out.",
  ],
]
