#include <lamina/dataset.hpp>
using namespace lamina;

struct Hdf5 {
  Path path;
  std::string train_input = "train/input", train_target = "train/target", validation_input, validation_target, test_input, test_target;
  std::vector<std::string> classes;

  void declare(Declaration& d) {
    d.details(
        "Arrays keep the type they are stored in; 64-bit integers become int32. There are as many classes as the largest class "
        "number of all splits says. Refused: what the hardened reader does not take (links to other files, filters, sizes "
        "beyond the file), an array without samples, inputs and targets whose sample counts differ.");
    d.required("path", path, "the HDF5 file");
    d.optional("train_input", train_input, "name of the array of the training inputs");
    d.optional("train_target", train_target, "name of the array of the training targets; \"\": there are none");
    d.optional("validation_input", validation_input, "name of the array of the validation inputs; \"\": there is no such split");
    d.optional("validation_target", validation_target, "name of the array of the validation targets; \"\": there are none");
    d.optional("test_input", test_input, "name of the array of the test inputs; \"\": there is no such split");
    d.optional("test_target", test_target, "name of the array of the test targets; \"\": there are none");
    d.optional("classes", classes, "names of the classes, in the order of their numbers; none: they are called by number");
    d.result("input", "array [samples, …]: […] of each sample");
    d.result("target",
             "array [samples]: of integers from 0, class numbers; else, and [samples, …], values. None where train_target is \"\"");
    d.example(R"({"path": "data.h5", "test_input": "test/input", "test_target": "test/target"})");
  }
  std::vector<Split> open(Source& s) {
    std::vector<Split> splits = {split(s, "train", train_input, train_target)};
    if (!validation_input.empty()) splits.push_back(split(s, "validation", validation_input, validation_target));
    if (!test_input.empty()) splits.push_back(split(s, "test", test_input, test_target));
    name_classes(s, splits, classes);
    return splits;
  }

 private:
  Split split(Source& s, const char* name, const std::string& input, const std::string& target) const {
    Split made{name, 0, {}};
    add(s, made, "input", input);
    if (!target.empty()) add(s, made, "target", target);
    return made;
  }
  void add(Source& s, Split& split, const char* column, const std::string& name) const {
    Array a = s.read_hdf5(path.text, name);
    if (a.shape.empty()) s.fail("the array \"", name, "\" is a single number; wanted [samples, …]");
    if (!split.columns.empty() && split.samples != a.shape[0])
      s.fail("the ", split.name, " split has ", split.samples, " inputs, but the array \"", name, "\" has ", a.shape[0], " targets");
    split.samples = a.shape[0];
    split.columns.push_back({column, a.dtype, Shape(a.shape.begin() + 1, a.shape.end()), std::move(a.bytes)});
  }
};
LAMINA_DATASET(Hdf5, "hdf5", "arrays of an HDF5 file by name")
