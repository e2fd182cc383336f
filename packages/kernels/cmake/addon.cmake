# The addon: native/** and the CPU kernels in one trtllm_kernels.node that needs only libc.

# cmake-js passes CMAKE_JS_INC (package.json has binary.napi_versions, so nothing is downloaded); a plain
# `cmake -S . -B build` finds the same two npm packages itself.
if(NOT CMAKE_JS_INC)
  execute_process(
    COMMAND node -p "require('node-api-headers').include_dir + ';' + require('node-addon-api').include_dir"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE CMAKE_JS_INC OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endif()
find_package(Threads REQUIRED)

file(GLOB addon_sources CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/cpu/*.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/null/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/native/plan/*.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/native/step/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/native/load/*.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/native/bind/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/native/compat/*.cc)
list(FILTER addon_sources EXCLUDE REGEX "kernel-table\\.cc$")

add_library(trtllm_kernels SHARED ${addon_sources} ${TRTLLM_CPU_OBJECTS} ${CMAKE_JS_SRC})
set_target_properties(trtllm_kernels PROPERTIES PREFIX "" SUFFIX ".node"
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_include_directories(trtllm_kernels SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(trtllm_kernels PRIVATE NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS)
target_compile_options(trtllm_kernels PRIVATE -O2 ${TRTLLM_WARNINGS})
target_link_libraries(trtllm_kernels PRIVATE ${CMAKE_JS_LIB} ${CMAKE_DL_LIBS} Threads::Threads)
# nodelete: Node closes an addon with the last worker thread that loaded it, while threads of ours still wait in its code.
target_link_options(trtllm_kernels PRIVATE -Wl,-z,nodelete -static-libgcc -static-libstdc++ -Wl,--no-undefined-version
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/addon-exports.map)
