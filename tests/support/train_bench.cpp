#include "support/train_bench.hpp"

namespace lamina::test {

Registry& all_plugins() {
  static Registry registry({LAMINA_PLUGINS, LAMINA_TEST_PLUGINS});
  return registry;
}

}  // namespace lamina::test
