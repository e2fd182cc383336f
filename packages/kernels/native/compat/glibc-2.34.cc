// Stands in for two functions of newer C libraries that the static libstdc++ and libgcc of newer compilers ask for, so
// that binaries built there load wherever glibc 2.34 is. Hidden: only this binary sees them.
#include <cstdint>

#if defined(__linux__) && defined(__GLIBC__) && __SIZEOF_POINTER__ == 8
#include <link.h>
#include <sys/random.h>

namespace {

// struct dl_find_object of <dlfcn.h> since 2.35, for machines without dlfo_eh_dbase (x86-64, arm64).
struct FoundObject {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  link_map* map;
  void* eh_frame;
  unsigned long long reserved[7];
};

struct Search {
  uintptr_t pc;
  FoundObject* found;
};

int look_into(dl_phdr_info* object, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  const ElfW(Phdr)* eh_frame = nullptr;
  uintptr_t start = 0, end = 0;
  bool inside = false;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)& header = object->dlpi_phdr[i];
    if (header.p_type == PT_GNU_EH_FRAME) eh_frame = &header;
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t from = object->dlpi_addr + header.p_vaddr, to = from + header.p_memsz;
    if (start == 0 || from < start) start = from;
    if (to > end) end = to;
    inside = inside || (search->pc >= from && search->pc < to);
  }
  if (!inside || eh_frame == nullptr) return 0;
  *search->found = FoundObject{};
  search->found->map_start = reinterpret_cast<void*>(start);
  search->found->map_end = reinterpret_cast<void*>(end);
  search->found->eh_frame = reinterpret_cast<void*>(object->dlpi_addr + eh_frame->p_vaddr);
  return 1;
}

}  // namespace

// The unwinder's way from an address to its frame tables.
extern "C" __attribute__((visibility("hidden"))) int trtllm_find_object(void* pc, FoundObject* found) __asm__(
    "_dl_find_object");
extern "C" int trtllm_find_object(void* pc, FoundObject* found) {
  Search search{reinterpret_cast<uintptr_t>(pc), found};
  return dl_iterate_phdr(look_into, &search) == 1 ? 0 : -1;
}

extern "C" __attribute__((visibility("hidden"))) uint32_t trtllm_random_word() __asm__("arc4random");
extern "C" uint32_t trtllm_random_word() {
  uint32_t word = 0;
  while (getrandom(&word, sizeof word, 0) != static_cast<ssize_t>(sizeof word)) {
  }
  return word;
}
#endif
