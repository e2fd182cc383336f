#pragma once
#include "../../core/kernel.h"

// Registration of a CPU kernel, once in each ops/<op>/<op>.cpu.cc, inside namespace trtllm::ISA_NS:
//   TRTLLM_CPU_KERNEL(rms_norm, "rms-norm", launch_rms_norm)
//   TRTLLM_CPU_KERNEL(linear, "linear", launch_linear, linear_workspace)
// The file is compiled once per ISA (scalar, avx2, avx512, avx512bf16). HAZARD: nothing in it may be an inline function
// or template that other objects share (std:: ones above all): the linker keeps one copy, perhaps the AVX-512 one.
#ifndef ISA_NS
#error "define ISA_NS: kernels are compiled once per ISA"
#endif

#define TRTLLM_FIRST_OF(first, ...) first
#define TRTLLM_TEXT_OF(name) #name
#define TRTLLM_TEXT(name) TRTLLM_TEXT_OF(name)

// Fourth argument: the kernel's workspace function, when it has one. Bits are fixed on this backend (decision 0002).
#define TRTLLM_CPU_KERNEL(ident, op_name, launch_function, ...)                                            \
  extern const KernelEntry ident##_kernel;                                                                 \
  const KernelEntry ident##_kernel = {op_name, op_name "." TRTLLM_TEXT(ISA_NS), 0,                         \
                                      nullptr, TRTLLM_FIRST_OF(__VA_ARGS__ __VA_OPT__(, ) nullptr), launch_function, \
                                      RowBits::fixed};
