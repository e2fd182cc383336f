import { z } from 'zod'

/** One option of the server: a flag in both spellings, and a key of the configuration file. */
export interface ServeOption {
  kind: 'string' | 'integer' | 'number' | 'boolean' | 'list'
  schema: z.ZodType
  /** Completes "must be ...". */
  expects: string
  help: string
  /** Whether the flag appears in --help. */
  hidden?: boolean
}

const integer = (low: number, high: number, help: string): ServeOption => ({
  kind: 'integer',
  schema: z.int().min(low).max(high),
  expects: `an integer from ${low} to ${high}`,
  help,
})
const fraction = (help: string): ServeOption => ({
  kind: 'number',
  schema: z.number().gt(0).max(1),
  expects: 'a number above 0 and at most 1',
  help,
})
const text = (expects: string, help: string): ServeOption => ({
  kind: 'string',
  schema: z.string().min(1).max(4096),
  expects,
  help,
})
const choice = (values: string[], help: string): ServeOption => ({
  kind: 'string',
  schema: z.enum(values),
  expects: `one of ${values.join(', ')}`,
  help,
})
const flag = (help: string): ServeOption => ({
  kind: 'boolean',
  schema: z.boolean(),
  expects: 'true or false',
  help,
})

const million = 1_000_000

/** Every option, by its configuration key; the flag is the same name with dashes (or underscores). */
export const optionTable = {
  host: text('a host name or address', 'address to listen on (default localhost)'),
  port: integer(0, 65_535, 'port to listen on; 0 picks a free one (default 8000)'),
  tokenizer: text('a folder or model id', 'folder or model id of the tokenizer (default: the model)'),
  served_model_name: text('a name', 'name of the model in requests and answers'),
  revision: text('a branch, tag or commit', 'revision of a hub model'),
  device: {
    kind: 'string',
    schema: z.string().regex(/^(auto|cpu|null|cuda(:\d{1,2})?)$/),
    expects: 'auto, cpu, cuda or cuda:N',
    help: 'where to run: auto, cpu, cuda or cuda:N (default auto)',
  } satisfies ServeOption,
  dtype: choice(
    ['auto', 'f32', 'float32', 'bf16', 'bfloat16', 'f16', 'float16'],
    'precision of weights and activations (default auto)',
  ),
  quant: choice(['none', 'fp8', 'int8'], 'format of the weights; none keeps --dtype (default none)'),
  kv_cache_dtype: choice(
    ['auto', 'fp8', 'f32', 'float32', 'bf16', 'bfloat16', 'f16', 'float16'],
    'format of the KV cache; auto keeps --dtype (default auto)',
  ),
  deterministic: flag('the same bits for a request whatever runs beside it (default false)'),
  load_format: choice(['auto', 'dummy'], 'auto reads the checkpoint; dummy fills random weights'),
  max_batch_size: integer(1, 4096, 'sequences run at once'),
  max_num_tokens: integer(1, million, 'tokens of one step'),
  max_seq_len: integer(2, 10 * million, 'longest prompt plus answer, in tokens'),
  max_output_len: integer(1, 10 * million, 'longest answer, in tokens'),
  max_queue: integer(0, million, 'sequences that may wait (default 4 x batch)'),
  kv_cache_free_gpu_memory_fraction: fraction('share of free GPU memory for the KV cache (default 0.9)'),
  kv_cache_max_tokens: integer(32, 1_000 * million, 'tokens in the KV cache at most'),
  capacity_scheduler_policy: choice(
    ['RESERVE_AND_GROW', 'GUARANTEED_NO_EVICT', 'MAX_UTILIZATION', 'STATIC_BATCH'],
    'who may run when the KV cache is full (default RESERVE_AND_GROW)',
  ),
  reserve_tokens: integer(1, million, 'tokens that a request without a limit reserves (default 2048)'),
  context_chunking_policy: choice(
    ['FIRST_COME_FIRST_SERVED', 'EQUAL_PROGRESS'],
    'how prompts share a step (default FIRST_COME_FIRST_SERVED)',
  ),
  batch_wait_timeout_ms: integer(0, 60_000, 'milliseconds to wait for a fuller batch (default 0)'),
  batch_wait_timeout_iters: integer(0, 10_000, 'steps to wait for a fuller batch (default 0)'),
  batch_wait_max_tokens_ratio: {
    kind: 'number',
    schema: z.number().min(0).max(1),
    expects: 'a number from 0 to 1',
    help: 'share of a step that is worth no further wait (default 1)',
  } satisfies ServeOption,
  prefix_aware_scheduling: flag('wait for a prefix that another request computes (default true)'),
  disable_overlap_scheduler: flag('schedule a step only when the last one is read'),
  enable_block_reuse: flag('reuse cached prefixes (default true)'),
  enable_partial_reuse: flag('reuse parts of cached pages too (default true)'),
  copy_on_partial_reuse: flag('reuse parts by copying them (default true)'),
  event_buffer_max_size: integer(0, million, 'KV cache events kept (default 0)'),
  chat_template: text('a file', 'file with a chat template that replaces the model’s own'),
  api_key: {
    kind: 'list',
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{1,512}$/)
      .array()
      .min(1),
    expects: 'a key of 1 to 512 printable characters without spaces',
    help: 'key that requests must carry; repeatable; also TRTLLM_API_KEY',
  } satisfies ServeOption,
  allow_unauthenticated: flag('listen beyond loopback without a key'),
  drain_timeout: integer(0, 3600, 'seconds for running requests after SIGTERM (default 30)'),
  log_level: choice(
    ['trace', 'debug', 'verbose', 'info', 'warning', 'warn', 'error', 'internal_error', 'silent'],
    'least important log line written (default info)',
  ),
  log_format: choice(['auto', 'text', 'json'], 'text or json lines (default: text on a terminal)'),
  tp_size: integer(1, 1024, 'tensor-parallel GPUs; only 1 in this version'),
  pp_size: integer(1, 1024, 'pipeline-parallel GPUs; only 1 in this version'),
  enable_chunked_prefill: flag('accepted; chunked prefill is always on'),
} satisfies Record<string, ServeOption>

/** An option's key in the configuration file. */
export type OptionKey = keyof typeof optionTable

/** Values as the table's schemas let them through; an option that was not given is absent. */
export type OptionValues = {
  [Key in OptionKey]?: (typeof optionTable)[Key] extends { kind: 'boolean' }
    ? boolean
    : (typeof optionTable)[Key] extends { kind: 'list' }
      ? string[]
      : unknown
}

/** Flags of TensorRT-LLM and wished-for ones that this version refuses, unless they ask for nothing. */
export const unsupportedOptions: Record<string, string[]> = {
  backend: ['pytorch', 'trtllm', 'auto'],
  custom_tokenizer: [],
  trust_remote_code: ['false'],
  cp_size: ['1'],
  ep_size: ['1'],
  gpus_per_node: ['1'],
  cluster_size: ['1'],
  max_beam_width: ['1'],
  tokens_per_block: ['32'],
  enable_attention_dp: ['false'],
  fail_fast_on_attention_window_too_large: ['false'],
  reasoning_parser: [],
  tool_parser: ['auto', 'hermes'],
  allow_request_chat_template: ['false'],
  num_postprocess_workers: ['0'],
  num_serve_frontends: ['1'],
  server_role: [],
  metadata_server_config_file: [],
  disagg_cluster_uri: [],
  media_io_kwargs: [],
  video_pruning_rate: [],
  otlp_traces_endpoint: [],
  middleware: [],
  custom_module_dirs: [],
  quantization: ['none'],
  cors: [],
  ssl_keyfile: [],
  ssl_certfile: [],
  root_path: [],
  uds: [],
  daemon: [],
  grpc: [],
}
