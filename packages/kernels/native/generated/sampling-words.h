// Written by scripts/generate.mjs (pnpm gen); do not edit.
#pragma once

// Layout of the per-slot sampling record and lists, in i32 words; src/sampling-words.ts says what each means.
namespace trtllm {

namespace words {
constexpr int temperature = 0;
constexpr int top_k = 1;
constexpr int top_p = 2;
constexpr int min_p = 3;
constexpr int repetition_penalty = 4;
constexpr int presence_penalty = 5;
constexpr int frequency_penalty = 6;
constexpr int seed_low = 7;
constexpr int seed_high = 8;
constexpr int prompt_length = 9;
constexpr int min_tokens = 10;
constexpr int num_end_ids = 11;
constexpr int num_biases = 12;
constexpr int num_bad_word_words = 13;
constexpr int num_logprobs = 14;
constexpr int num_prompt_logprobs = 15;
constexpr int processes = 16;
constexpr int prompt_ignore_length = 17;
constexpr int no_repeat_ngram_size = 18;
constexpr int top_p_min = 19;
constexpr int top_p_decay = 20;
constexpr int top_p_reset_id = 21;
constexpr int num_candidates = 22;
constexpr int per_slot = 32;
}  // namespace words

namespace lists {
constexpr int end_ids = 0;
constexpr int bias_ids = 64;
constexpr int bias_values = 1088;
constexpr int bad_words = 2112;
constexpr int per_slot = 3136;
}  // namespace lists

namespace list_capacity {
constexpr int end_ids = 64;
constexpr int biases = 1024;
constexpr int bad_words = 1024;
}  // namespace list_capacity

namespace row_task {
constexpr int none = 0;
constexpr int sample = 1;
constexpr int score = 2;
constexpr int candidates = 3;
}  // namespace row_task

constexpr int kMaxLogprobs = 20;

}  // namespace trtllm
