#!/bin/sh
# Builds chain-bench from the repository's root: sh cuda/bench/chain-bench.sh OUT
set -e
cd packages/kernels
backend=native/backend/cuda
ops=""
for op in linear linear-f8 rms-norm add-rms-norm add gather-rows rope-kv-write paged-attention silu-mul; do ops="$ops ops/$op/$op.cuda.cu"; done
nvcc -std=c++17 -O2 -gencode=arch=compute_90a,code=sm_90a -DTRTLLM_SM90A -I ../../cuda -I ../../cuda/include -I native \
  ../../cuda/bench/chain-bench.cu $ops $backend/chain-bf16.cu $backend/chain-f16.cu $backend/status.cc $backend/cublaslt.cc \
  $backend/cublaslt-api.cc $backend/chain.cc $backend/chain-builder.cc $backend/chain-values.cc $backend/chain-memory.cc \
  native/backend/system-libraries.cc -o "$1" -ldl
