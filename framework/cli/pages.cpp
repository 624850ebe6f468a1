#include "cli/pages.hpp"

#include <stdexcept>

namespace lamina::cli {

const std::vector<std::pair<std::string, Page>>& pages() {
  static const std::vector<std::pair<std::string, Page>> all = {
      {"run",
       {"lamina run EXPERIMENT.json [options]", "Train an experiment in a new run folder.",
        "Trains an experiment in a new run folder. Ctrl-C stops it after a checkpoint, --max-steps after a step; `lamina resume` goes on.",
        "lamina run experiments/fashion_mnist/lenet5.json\n"
        "lamina run lenet5.json --seed 2 --backend reference\n"
        "lamina run lenet5.json --set optimizer.learning_rate=0.05 --set 'network.layers[c1].filters=8'\n"
        "lamina run lenet5.json --overfit-batches 2 --set training.epochs=100     does it learn two batches by heart?\n"
        "lamina run lenet5.json --set 'dataset.validation={\"folds\": 5}' --fold all     cross-validation\n"
        "lamina run lenet5.json --profile\n"
        "lamina run lenet5.json --json > events.jsonl"}},
      {"resume",
       {"lamina resume RUN [options]", "Go on with a stopped run, to the same bits.",
        "Goes on with a run from its newest sound checkpoint. What follows is, to the bit, what would have followed without the "
        "stop; on another backend, which --backend names for this once, the bits may differ.",
        "lamina resume runs/lenet5-1\n"
        "lamina resume runs/lenet5-1 --backend vulkan"}},
      {"check",
       {"lamina check EXPERIMENT.json [options]", "Tell every fault of an experiment without training.",
        "Does everything that a run does before its first step, and tells every fault of the file at once.",
        "lamina check lenet5.json\n"
        "lamina check lenet5.json --set training.epochs=3 --print-resolved"}},
      {"summary",
       {"lamina summary EXPERIMENT.json [options]", "Show layers, shapes, parameters, work and memory.",
        "Shows the layers, their shapes, parameters and work, the memory of a step, and what the backend runs itself. -v lists the ops.",
        "lamina summary lenet5.json\n"
        "lamina summary lenet5.json --set training.batch_size=256 -v"}},
      {"evaluate",
       {"lamina evaluate RUN [options]", "Loss and metrics of a trained network on a split.",
        "Loss and metrics of a run on a split of its data, with its best weights where it keeps them, else with the newest; kept in the "
        "run's run.h5. With --set dataset.… the data are others, and nothing is kept.",
        "lamina evaluate runs/lenet5-1\n"
        "lamina evaluate runs/lenet5-1 --weights last\n"
        "lamina evaluate runs/lenet5-1 --split validation\n"
        "lamina evaluate runs/wine-mlp-1 --set dataset.test=vintage.csv"}},
      {"predict",
       {"lamina predict RUN [IN.h5] OUT.h5 [options]", "Outputs of a trained network for an HDF5 file or a split.",
        "Runs a trained network on the arrays of an HDF5 file (one per column that it reads, samples along the first axis), or with "
        "--split on samples of its own data, and writes the outputs of layers to another. New samples in the form of the data set (a "
        "table, texts, pictures) come in as its test split, by a setting like dataset.test: they are read as the training samples were, "
        "vocabulary and scales included, so they need a target too, though any will do. OUT.h5 replaces no file but its own kind.",
        "lamina predict runs/lenet5-1 pictures.h5 answers.h5\n"
        "lamina predict runs/lenet5-1 pictures.h5 features.h5 --layer c1 --layer logits\n"
        "lamina predict runs/lenet5-1 answers.h5 --split test\n"
        "lamina predict runs/wine-mlp-1 answers.h5 --split test --set dataset.test=vintage.csv"}},
      {"compare-backends",
       {"lamina compare-backends EXPERIMENT.json [options]", "The same training steps on several backends, layer by layer.",
        "Trains the same steps on the same batches on several backends, each step from the first backend's weights, and shows for each "
        "layer how far outputs, gradients and parameters are from the first's, relative to max(1, |truth|), and how long it takes. Exit "
        "code 0 when all is within the tolerance, else 1. -v lists every tensor. The first backend computes in its own precision, the "
        "reference in float64.",
        "lamina compare-backends lenet5.json\n"
        "lamina compare-backends lenet5.json --backends reference,vulkan:0,vulkan:1 --steps 5 --tolerance 1e-4\n"
        "lamina compare-backends resnet20.json --set training.batch_size=4 -v"}},
      {"bench",
       {"lamina bench EXPERIMENT.json [options]", "Time of a training step, and of each layer.",
        "Trains for some steps, keeps nothing, and shows the time of a step, the samples per second and the time of each layer, forward, "
        "backward and update together. Steps are waited for as in a run: after at most 8, or 50 ms. -v lists the ops.",
        "lamina bench lenet5.json\n"
        "lamina bench lenet5.json --backend vulkan --steps 500\n"
        "lamina bench lenet5.json --set training.batch_size=256 --json"}},
      {"plugins",
       {"lamina plugins COMMAND", "List, describe and begin layers, optimizers and all other plugins.",
        "What the plugins that can be found are, what they say of themselves, and how to begin one.",
        "lamina plugins list --kind optimizer\n"
        "lamina plugins describe conv"}},
      {"plugins list",
       {"lamina plugins list [options]", "List every plugin that can be found.",
        "Lists every plugin of the search path with version and file; one that is broken with the reason. -v adds SHA-256.",
        "lamina plugins list\n"
        "lamina plugins list --kind layer"}},
      {"plugins describe",
       {"lamina plugins describe [KIND] NAME", "The reference page of one plugin.",
        "The reference page of a plugin, from its own declaration: formula, inputs, results, parameters, example.",
        "lamina plugins describe conv\n"
        "lamina plugins describe schedule constant\n"
        "lamina plugins describe conv --markdown > conv.md"}},
      {"plugins new",
       {"lamina plugins new KIND NAME [options]", "Write a small project for a plugin of your own.",
        "Writes a folder with a plugin that is ready to build, an experiment that trains with it, and what building takes; then change it "
        "to "
        "what you have in mind. A plugin is code with your rights.",
        "lamina plugins new layer swish2\n"
        "lamina plugins new optimizer lion --dir plugins/lion"}},
      {"plugins document",
       {"lamina plugins document DIR [options]", "Write the reference pages of all plugins as Markdown.",
        "Writes a page for every plugin that can be found, DIR/<kind>s/<name>.md, and the list of them, DIR/README.md.",
        "lamina plugins document docs/plugins"}},
      {"schema",
       {"lamina schema [options]", "JSON Schema of experiment files, for editors.",
        "The JSON Schema (draft-07) of experiment files, with the settings of every plugin that can be found. An editor that knows it "
        "completes keys and names, shows what they mean, and underlines what `lamina check` would refuse.",
        "lamina schema --out experiment.schema.json\n"
        "lamina schema --plugin-path my_plugins > experiment.schema.json"}},
      {"plugins check",
       {"lamina plugins check FILE.so | [KIND] NAME", "Prove a plugin: gradients, shapes, backends, memory, parameters.",
        "Proves a plugin that Lamina may never have seen, each check in a process of its own with limits of time and memory: its "
        "declaration, every "
        "parameter, odd shapes, gradients against finite differences, every backend against the reference, repeatability, what its own "
        "kernels "
        "touch, training and evaluation; of optimizers, data sets and backends what belongs to them. Exit code 4 when a check fails.",
        "lamina plugins check build/plugins/layers/swish2.so\n"
        "lamina plugins check conv --json"}},
      {"backends",
       {"lamina backends [options]", "List the devices to train on.",
        "Lists the devices that each backend can train on. -v adds their limits and features.",
        "lamina backends\nlamina backends --check"}},
  };
  return all;
}

const Page& page(const std::string& command) {
  for (const auto& [name, p] : pages())
    if (name == command) return p;
  throw std::logic_error("no help page for " + command);
}

}  // namespace lamina::cli
