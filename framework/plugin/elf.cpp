#include "plugin/elf.hpp"

#include <elf.h>

#include <bit>
#include <cstring>
#include <stdexcept>

namespace lamina {
namespace {

#if defined(__x86_64__)
constexpr uint16_t this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t this_machine = EM_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr uint16_t this_machine = EM_RISCV;
#else
#error "Plugins are loaded on 64-bit x86, ARM and RISC-V."
#endif
constexpr uint8_t this_order = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

const char* machine_name(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "64-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_PPC64:
      return "64-bit PowerPC";
    default:
      return nullptr;
  }
}
std::string in_words(uint16_t machine) {
  const char* name = machine_name(machine);
  return name ? name : "machine number " + std::to_string(machine);
}

/// The file, read only where it has bytes.
class Image {
 public:
  explicit Image(std::string_view bytes) : bytes_(bytes) {}
  bool holds(uint64_t offset, uint64_t count) const { return offset <= bytes_.size() && count <= bytes_.size() - offset; }
  /// A copy, because nothing says that the file aligns its structs.
  template <class T>
  T at(uint64_t offset, const char* what) const {
    if (!holds(offset, sizeof(T))) cut(what);
    T t;
    std::memcpy(&t, bytes_.data() + offset, sizeof t);
    return t;
  }
  std::string_view part(uint64_t offset, uint64_t count, const char* what) const {
    if (!holds(offset, count)) cut(what);
    return bytes_.substr(offset, count);
  }

 private:
  [[noreturn]] void cut(const char* what) const {
    refuse(std::string("is cut off or damaged: its ") + what + " lies outside of its " + std::to_string(bytes_.size()) + " bytes");
  }
  std::string_view bytes_;
};

Elf64_Ehdr checked_header(const Image& file, std::string_view bytes) {
  if (bytes.substr(0, SELFMAG) != std::string_view(ELFMAG, SELFMAG)) refuse("is no shared library (no ELF file)");
  const auto head = file.at<Elf64_Ehdr>(0, "header");
  if (head.e_ident[EI_CLASS] != ELFCLASS64) refuse("is no 64-bit library");
  if (head.e_ident[EI_DATA] != this_order) refuse("is made for a machine with another byte order");
  if (head.e_machine != this_machine) refuse("is made for " + in_words(head.e_machine) + ", this machine is " + in_words(this_machine));
  if (head.e_ident[EI_VERSION] != EV_CURRENT || head.e_version != EV_CURRENT) refuse("has an unknown ELF version");
  if (head.e_type != ET_DYN) refuse("is no shared library (another type of ELF file)");
  return head;
}

void check_segments(const Image& file, const Elf64_Ehdr& head) {
  if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum == 0) refuse("is damaged: it has no readable segments");
  file.part(head.e_phoff, uint64_t(head.e_phnum) * sizeof(Elf64_Phdr), "segment table");
  bool loads = false, dynamic = false;
  for (uint64_t i = 0; i < head.e_phnum; ++i) {
    const auto segment = file.at<Elf64_Phdr>(head.e_phoff + i * sizeof(Elf64_Phdr), "segment table");
    if (segment.p_type == PT_NULL) continue;
    file.part(segment.p_offset, segment.p_filesz, "segment");
    if (segment.p_type == PT_LOAD && segment.p_filesz > segment.p_memsz)
      refuse("is damaged: a segment is larger in the file than in memory");
    loads |= segment.p_type == PT_LOAD, dynamic |= segment.p_type == PT_DYNAMIC;
  }
  if (!loads || !dynamic) refuse("is damaged: it has nothing to load");
}

}  // namespace

std::vector<std::string> exported_symbols(std::string_view bytes) {
  const Image file(bytes);
  const Elf64_Ehdr head = checked_header(file, bytes);
  check_segments(file, head);

  if (head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shnum == 0)
    refuse("has no section table, so its symbols cannot be checked before loading");
  file.part(head.e_shoff, uint64_t(head.e_shnum) * sizeof(Elf64_Shdr), "section table");
  std::vector<Elf64_Shdr> sections;
  for (uint64_t i = 0; i < head.e_shnum; ++i) {
    sections.push_back(file.at<Elf64_Shdr>(head.e_shoff + i * sizeof(Elf64_Shdr), "section table"));
    const Elf64_Shdr& s = sections.back();
    if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL) file.part(s.sh_offset, s.sh_size, "section");
  }
  std::vector<std::string> names;
  for (const Elf64_Shdr& table : sections) {
    if (table.sh_type != SHT_DYNSYM) continue;
    if (table.sh_entsize != sizeof(Elf64_Sym) || table.sh_link >= sections.size()) refuse("is damaged: its symbol table is not readable");
    const Elf64_Shdr& text = sections[table.sh_link];
    if (text.sh_type != SHT_STRTAB) refuse("is damaged: its symbols have no names");
    const std::string_view texts = file.part(text.sh_offset, text.sh_size, "symbol names");
    for (uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = file.at<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym), "symbol table");
      const auto binding = ELF64_ST_BIND(symbol.st_info), visibility = ELF64_ST_VISIBILITY(symbol.st_other);
      if (symbol.st_shndx == SHN_UNDEF || (binding != STB_GLOBAL && binding != STB_WEAK) || visibility != STV_DEFAULT) continue;
      const size_t end = texts.find('\0', symbol.st_name);
      if (symbol.st_name >= texts.size() || end == std::string_view::npos) refuse("is damaged: a symbol's name lies outside of the names");
      names.emplace_back(texts.substr(symbol.st_name, end - symbol.st_name));
    }
  }
  return names;
}

}  // namespace lamina
