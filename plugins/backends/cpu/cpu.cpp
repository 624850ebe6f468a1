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
  std::string precision = "float32";
  std::optional<std::string> device;

  void declare(Declaration& d) {
    d.details(
        "The default: oneDNN's convolutions and matrix products, own vectorised loops for all else, channels last in memory. "
        "The same number of threads gives the same bits.");
    d.optional("threads", threads, "[0, 1024]", "threads that compute; 0: one per core that this process may use");
    d.optional("precision", precision, "float32 | float64", "type of all real tensors; this backend has float32 only");
    d.optional("device", device, "the processor: \"0\", \"cpu\" or part of its name; there is only one");
    d.example(R"({"threads": 2})");
  }

  static std::vector<Device> devices() {
    Device d;
    d.name = cpu::processor_name(), d.type = "cpu", d.driver = "oneDNN " + cpu::onednn_version() + ", " + cpu::kernels().isa;
    d.memory = uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE));
    d.threads = uint32_t(omp_get_num_procs());
    return {d};
  }

  std::unique_ptr<cpu::Session> open() const {
    if (precision != "float32")
      throw Error("the backend 'cpu' computes in float32; for \"precision\": \"" + precision + "\" choose the backend 'reference'");
    if (device && !names_processor(*device))
      throw Error("there is no device \"" + *device + "\"; the device is 0: " + cpu::processor_name());
    const int allowed = omp_get_thread_limit();
    if (threads > allowed) throw Error(describe(threads, " threads are wanted, but OMP_THREAD_LIMIT allows ", allowed));
    return std::make_unique<cpu::Session>(threads ? int(threads) : std::min(omp_get_num_procs(), allowed));
  }
};

}  // namespace

LAMINA_BACKEND(Cpu, "cpu", "fast training on any processor: oneDNN and vectorised loops, float32")
