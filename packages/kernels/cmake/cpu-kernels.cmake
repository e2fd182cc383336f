# Every ops/*/*.cpu.cc once per ISA -> TRTLLM_CPU_OBJECTS. The ISA is chosen at run time (native/backend/cpu/isa.cc).
file(GLOB cpu_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/ops/*/*.cpu.cc)

# The ops that have a CPU kernel, for kernel-table.cc.
set(cpu_ops "")
foreach(source ${cpu_sources})
  get_filename_component(ident ${source} NAME)
  string(REPLACE ".cpu.cc" "" ident ${ident})
  string(REPLACE "-" "_" ident ${ident})
  string(APPEND cpu_ops " \\\n  X(${ident})")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/cpu-ops.h CONTENT "#pragma once\n#define TRTLLM_CPU_OPS(X)@cpu_ops@\n" @ONLY)

set(isas scalar)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND isas avx2 avx512 avx512bf16)
  set(flags_avx2 -mavx2 -mfma -mf16c)
  set(flags_avx512 ${flags_avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni)
  set(flags_avx512bf16 ${flags_avx512} -mavx512bf16)
endif()

set(TRTLLM_CPU_OBJECTS "")
foreach(isa ${isas})
  add_library(cpu_${isa} OBJECT ${cpu_sources} native/backend/cpu/kernel-table.cc)
  target_include_directories(cpu_${isa} PRIVATE ${CMAKE_BINARY_DIR}/generated)
  target_compile_definitions(cpu_${isa} PRIVATE ISA_NS=isa_${isa})
  # No contraction and no fast math: a result's bits depend on the ISA and on the reduction length alone.
  target_compile_options(cpu_${isa} PRIVATE -O3 -ffp-contract=off -fvisibility=hidden ${TRTLLM_WARNINGS} ${flags_${isa}})
  list(APPEND TRTLLM_CPU_OBJECTS $<TARGET_OBJECTS:cpu_${isa}>)
endforeach()
