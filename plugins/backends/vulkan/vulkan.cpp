// Any vendor's GPU through Vulkan compute; without one, Mesa's lavapipe on the processor.
#include <lamina/backend.hpp>

#include "executable.hpp"

using namespace lamina;

namespace {

struct Vulkan {
  std::optional<std::string> device;
  std::string precision = "float32", kernels = "auto", data = "device", tuning = "tune", bounds = "ignore", validation = "off";
  int64_t threads = 0;

  void declare(Declaration& d) {
    d.details(
        "Whole steps as compute shaders, recorded once. Runs on NVIDIA, AMD and Intel, and without a GPU on Mesa's lavapipe. "
        "docs/vulkan.md says more.");
    d.optional(
        "device", device,
        "which of the devices that `lamina backends` lists: a number, part of a name (\"nvidia\"), or a type (discrete, integrated, cpu); "
        "without it the first discrete one, else integrated, else a processor");
    d.optional("precision", precision, "float32 | bfloat16 | float16",
               "of activations and their gradients in memory; weights, sums and all computing are float32; for float64 "
               "there is the backend 'reference'");
    d.optional("threads", threads, "[0, 1024]", "accepted so that experiments can change backends; the driver decides");
    d.optional("kernels", kernels, "auto | lanes | tiled",
               "which products and convolutions: lanes for processors, tiled for GPUs; auto goes by the device");
    d.optional("data", data, "device | host", "where data sets that fit stay: on the device, or in the host's memory from batch to batch");
    d.optional(
        "tuning", tuning, "off | read | tune",
        "which of several equal kernels runs: the first, the one that an earlier run found the fastest, or the one that is found now");
    d.optional(
        "bounds", bounds, "ignore | report",
        "what kernels of plugins may do outside of their tensors: reads there give 0 and writes do nothing, or they end the run with a "
        "sentence, as do elements of their results that they never write; reporting costs time");
    d.optional(
        "validation", validation, "off | sync | gpu",
        "lets Vulkan's validation layers watch; whatever they say ends the run. The environment's LAMINA_VULKAN_VALIDATION, where it is "
        "set, decides instead");
    d.example(R"({"device": "discrete", "precision": "float16"})");
  }
  static std::vector<Device> devices() { return vulkan::list_devices(); }
  std::unique_ptr<vulkan::Session> open() const {
    vulkan::Settings s;
    s.device = device.value_or("");
    const char* watch = std::getenv("LAMINA_VULKAN_VALIDATION");
    s.validation = vulkan::validation_named(watch ? watch : validation);
    if (kernels != "auto") s.lanes = kernels == "lanes";
    s.keep_data = data == "device", s.report_faults = bounds == "report";
    s.storage = precision == "bfloat16" ? DType::bfloat16 : precision == "float16" ? DType::float16 : DType::float32;
    s.tuning = tuning == "off" ? vulkan::Tuning::off : tuning == "read" ? vulkan::Tuning::read : vulkan::Tuning::tune;
    return std::make_unique<vulkan::Session>(s);
  }
};

}  // namespace

LAMINA_BACKEND(Vulkan, "vulkan", "training on any vendor's GPU through Vulkan compute shaders, float32 or 16 bits in memory")
