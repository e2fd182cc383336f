// Preloaded by tests: makes one call of the addon's fail, an allocation, a file call or the start of a thread. Which one
// says a file of words that both sides map, TRTLLM_FAULT_FILE:
//   [0] the call that fails, counted from 1; 0 = none   [1] calls so far   [2] calls that were made to fail
// Calls of anyone but the addon are not counted: it is told by where the call returns to.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

std::atomic<uint32_t>* words = nullptr;
std::atomic<uintptr_t> addon_begin{0}, addon_end{0};

__attribute__((constructor)) void map_words() {
  const char* path = getenv("TRTLLM_FAULT_FILE");
  const int file = path == nullptr ? -1 : ::open(path, O_RDWR);
  if (file < 0) return;
  void* map = ::mmap(nullptr, 12, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) words = static_cast<std::atomic<uint32_t>*>(map);
}

int note_addon(dl_phdr_info* info, size_t, void*) {
  if (strstr(info->dlpi_name, "trtllm_kernels.node") == nullptr) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    addon_begin = info->dlpi_addr + part.p_vaddr;
    addon_end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
  }
  return 1;
}

bool fails(void* caller, int error) {
  const auto at = reinterpret_cast<uintptr_t>(caller);
  if (at < addon_begin || at >= addon_end || words == nullptr) return false;
  const uint32_t number = ++words[1];
  if (number != words[0]) return false;
  words[2]++;
  errno = error;
  return true;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define FAILS(error) fails(__builtin_return_address(0), error)

extern "C" {

void* dlopen(const char* path, int flags) {
  static const auto real = next<void* (*)(const char*, int)>("dlopen");
  void* handle = real(path, flags);
  if (path != nullptr && strstr(path, "trtllm_kernels.node") != nullptr) dl_iterate_phdr(note_addon, nullptr);
  return handle;
}

void* malloc(size_t size) { return FAILS(ENOMEM) ? nullptr : __libc_malloc(size); }

void* calloc(size_t count, size_t size) { return FAILS(ENOMEM) ? nullptr : __libc_calloc(count, size); }

void* realloc(void* pointer, size_t size) { return FAILS(ENOMEM) ? nullptr : __libc_realloc(pointer, size); }

void* aligned_alloc(size_t alignment, size_t size) {
  return FAILS(ENOMEM) ? nullptr : __libc_memalign(alignment, size);
}

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  static const auto real = next<void* (*)(void*, size_t, int, int, int, off_t)>("mmap");
  return FAILS(ENOMEM) ? MAP_FAILED : real(address, length, protection, flags, file, offset);
}

int open(const char* path, int flags, ...) {
  static const auto real = next<int (*)(const char*, int, ...)>("open");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return FAILS(EMFILE) ? -1 : real(path, flags, mode);
}

ssize_t read(int file, void* into, size_t bytes) {
  static const auto real = next<ssize_t (*)(int, void*, size_t)>("read");
  return FAILS(EIO) ? -1 : real(file, into, bytes);
}

int fstat(int file, struct stat* into) {
  static const auto real = next<int (*)(int, struct stat*)>("fstat");
  return FAILS(EIO) ? -1 : real(file, into);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  static const auto real =
      next<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  return FAILS(EAGAIN) ? EAGAIN : real(thread, attributes, run, argument);
}

}  // extern "C"
