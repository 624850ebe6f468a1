// The embedded default: oneDNN's convolutions and matrix products, own vectorised loops for everything else.
#include <omp.h>
#include <unistd.h>

#include <lamina/backend.hpp>

#include <algorithm>

#include "kernels.hpp"
#include "onednn.hpp"
#include "session.hpp"

using namespace lamina;

namespace {

bool names_processor(std::string wanted) {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
  };
  wanted = lower(wanted);
  return wanted == "0" || wanted == "cpu" || (!wanted.empty() && lower(cpu::processor_name()).find(wanted) != std::string::npos);
}

struct Cpu {
  int64_t threads = 0;
  std::string precision = "float32", products = "auto";
  std::optional<std::string> device;

  void declare(Declaration& d) {
    d.details(
        "The default: oneDNN's convolutions and matrix products, own vectorised loops for all else, channels last in memory. "
        "The same number of threads gives the same bits.");
    d.optional("threads", threads, "[0, 1024]", "threads that compute; 0: one per core that this process may use");
    d.optional(
        "precision", precision, "float32 | bfloat16",
        "of activations and their gradients in memory (docs/precision.md); weights and sums are float32; for float64 there is the backend "
        "'reference'");
    d.optional("products", products, "auto | bfloat16 | float32",
               "what convolutions and large matrix products of precision bfloat16 multiply: bfloat16, which processors without "
               "instructions for it emulate slowly, or operands widened to float32; auto goes by the processor");
    d.optional("device", device, "the processor: \"0\", \"cpu\" or part of its name; there is only one");
    d.example(R"({"threads": 2})");
  }

  static std::vector<Device> devices() {
    Device d;
    d.name = cpu::processor_name(), d.type = "cpu",
    d.driver = "oneDNN " + cpu::onednn_version() + ", " + cpu::kernels().isa +
               (cpu::onednn_bfloat16() == cpu::Bfloat16::native ? ", bfloat16" : "");
    d.memory = uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE));
    d.threads = uint32_t(omp_get_num_procs());
    return {d};
  }

  std::unique_ptr<cpu::Session> open() const {
    if (device && !names_processor(*device))
      throw Error("there is no device \"" + *device + "\"; the device is 0: " + cpu::processor_name());
    const int allowed = omp_get_thread_limit();
    if (threads > allowed) throw Error(describe(threads, " threads are wanted, but OMP_THREAD_LIMIT allows ", allowed));
    cpu::Settings s;
    s.threads = threads ? int(threads) : std::min(omp_get_num_procs(), allowed);
    s.storage = precision == "bfloat16" ? DType::bfloat16 : DType::float32;
    const cpu::Bfloat16 has = cpu::onednn_bfloat16();
    if (products == "bfloat16" && has == cpu::Bfloat16::none)
      throw Error("oneDNN cannot multiply bfloat16 on this processor, which has no AVX-512; \"products\": \"float32\" widens it");
    s.narrow_products = products == "auto" ? has == cpu::Bfloat16::native : products == "bfloat16";
    return std::make_unique<cpu::Session>(s);
  }
};

}  // namespace

LAMINA_BACKEND(Cpu, "cpu", "fast training on any processor: oneDNN and vectorised loops, float32 or bfloat16")
