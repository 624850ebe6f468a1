"""From an installed Lamina and an empty folder to a trained network, for every kind of plugin: what an author does, in the author's order.

new_plugins.py BUILD SOURCE: installs what is built in BUILD, moves the installation, and works with that alone. SOURCE is only read to learn
what there is to install."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

build, source = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)


def run(*command, code=0, folder=None):
    """Output and errors of a command, which must end with `code`."""
    done = subprocess.run([str(word) for word in command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(done.returncode == code, f"{' '.join(map(str, command))}: exit code {done.returncode}, wanted {code}\n{done.stdout}")
    return done.stdout


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def build_with(compiler, folder, *more):
    """Configures and builds a project without a warning."""
    run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror", *more)
    run("cmake", "--build", folder / "build")


def prove(project, folders):
    """Lamina's own check of each plugin, through the build's target."""
    text = run("cmake", "--build", project / "build", "--target", "check")
    for folder in folders:
        kind = folder.name.removeprefix("my_")
        check(f"passed: {kind} {folder.name} " in text, f"{folder.name} passes its check: {text}")


def train(folder, plugins):
    text = run("lamina", "run", folder / "experiment.json", "--plugin-path", plugins, "--out", folder / "runs", "--set", "training.steps=12", "-q")
    check("\ntest  " in text, f"{folder.name} trains: {text}")


def together(name, folders):
    """A project of several plugins, which costs one configuration."""
    lines = ["cmake_minimum_required(VERSION 3.25)", f"project({name} LANGUAGES CXX)"]
    lines += [f"add_subdirectory({folder} {folder.name})" for folder in folders]
    write(empty / name / "CMakeLists.txt", "\n".join(lines) + "\n")
    return empty / name


with tempfile.TemporaryDirectory(prefix="lamina-author-") as scratch:
    scratch = pathlib.Path(scratch)
    prefix, empty = scratch / "moved" / "lamina", scratch / "empty"
    empty.mkdir()
    environment = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(scratch), "XDG_CACHE_HOME": str(scratch / "cache"), "LC_ALL": "C.UTF-8"}

    # Installed, moved, and nothing in it but what belongs there.
    run("cmake", "--install", build, "--prefix", scratch / "first")
    prefix.parent.mkdir()
    (scratch / "first").rename(prefix)
    os.chdir(empty)
    installed = {str(file.relative_to(prefix)) for file in prefix.rglob("*") if file.is_file()}
    wanted = {"bin/lamina"}
    wanted |= {f"include/lamina/{file.name}" for file in (source / "framework/include/lamina").iterdir()}
    package = ("LaminaConfig.cmake", "LaminaConfigVersion.cmake", "LaminaPlugin.cmake", "CheckExports.cmake", "EmbedText.cmake", "plugin.exports")
    wanted |= {f"lib/cmake/Lamina/{file}" for file in package}
    for folder in (source / "plugins").iterdir():
        if folder.is_dir():
            stems = {entry.stem for entry in folder.iterdir() if entry.suffix == ".cpp" or (entry / "CMakeLists.txt").exists()}
            wanted |= {f"lib/lamina/plugins/{folder.name}/{stem}.so" for stem in stems}
    check(installed == wanted, f"what is installed and what belongs: {sorted(installed ^ wanted)}")
    for file in installed:
        if file.endswith((".cmake", ".hpp", ".h")):
            text = (prefix / file).read_text()
            check(str(source) not in text and str(build) not in text, f"{file} names the source tree")
    check(str(prefix / "lib/lamina/plugins") in run("lamina", "plugins", "list"), "the moved program finds its plugins")

    # A project for every kind, from an empty folder.
    kinds = re.search(r"there are: (.*)\.", run("lamina", "plugins", "new", "nothing", "x", code=2)).group(1).split(", ")
    check(sorted(kinds) == sorted(t.name[: -len(".cpp.in")] for t in (source / "framework/templates").glob("*.cpp.in")), f"kinds {kinds}")
    for kind in kinds:
        text = run("lamina", "plugins", "new", kind, f"my_{kind}")
        check(f"lamina run my_{kind}/experiment.json --plugin-path my_{kind}/build/plugins" in text, f"the next commands: {text}")
        check("@" not in "".join(file.read_text() for file in (empty / f"my_{kind}").iterdir()), f"a place is left open in my_{kind}")
        lines = (empty / f"my_{kind}" / f"my_{kind}.cpp").read_text().count("\n")
        check(kind == "backend" or lines <= 40, f"my_{kind}.cpp has {lines} lines")

    # Built by GCC, each as its author builds it or several at once; the same by Clang.
    alone = [empty / f"my_{kind}" for kind in ("layer", "optimizer", "dataset", "backend")]
    rest = [empty / f"my_{kind}" for kind in kinds if empty / f"my_{kind}" not in alone]
    for folder in alone:
        build_with("g++", folder)
        prove(folder, [folder])
        train(folder, folder / "build/plugins")
    several = together("several", rest)
    build_with("g++", several)
    prove(several, rest)
    for folder in rest:
        train(folder, several / "build/plugins")
    if shutil.which("clang++"):
        clang = together("clang", alone)
        path, environment["PATH"] = environment["PATH"], "/usr/bin:/bin"  # the program is not in it: the package is named
        build_with("clang++", clang, f"-DCMAKE_PREFIX_PATH={prefix}")
        environment["PATH"] = path
        for folder in alone:
            train(folder, clang / "build/plugins")
    described = run("lamina", "plugins", "describe", "my_layer", "--plugin-path", alone[0] / "build/plugins")
    tutorial = (source / "docs/writing-plugins.md").read_text()
    page = re.search("```\n(swish2, a layer\n.*?)```", tutorial, re.DOTALL).group(1)
    check(described.startswith(page.replace("swish2", "my_layer")), f"the tutorial shows what describe prints: {described}")

    # Put beside Lamina's own, a plugin needs no search path, and its name is taken.
    run("cmake", "--install", alone[0] / "build", "--prefix", prefix)
    run("lamina", "check", alone[0] / "experiment.json")
    taken = run("lamina", "plugins", "new", "layer", "my_layer", "--dir", "my_optimizer", code=2)
    check('The layer "my_layer" exists already' in taken and "optimizer/README.md" in taken, f"every objection is told: {taken}")
    before = sorted(file.name for file in (empty / "my_optimizer").iterdir())
    for name in ("Swish", "2swish", "swish-2", "", "../swish"):
        check("no name for a plugin" in run("lamina", "plugins", "new", "layer", name, code=2), f'"{name}" is refused')
    write(empty / "file", "")
    run("lamina", "plugins", "new", "layer", "x", "--dir", "file/x", code=1)
    long = "x" * 253  # as a folder it can be made, with .cpp it cannot
    run("lamina", "plugins", "new", "layer", long, code=1)
    check(not (empty / long).exists(), "nothing is left of a project that could not be written")
    check(before == sorted(file.name for file in (empty / "my_optimizer").iterdir()), "what was there is as it was")

    # Libraries that are not what a plugin is do not pass the build, and it says why.
    entry = 'extern "C" __attribute__((visibility("default"))) const void* lamina_plugin_v1() { return nullptr; }\n'
    faulty = {
        "exports_nothing": ("int answer = 42;\n", "exports nothing"),
        "exports_two": (entry + entry.replace("v1", "v2"), "exports lamina_plugin_v1, lamina_plugin_v2"),
        "imports": ("namespace lamina { int answer(int); }\n" + entry.replace("nullptr", 'lamina::answer(1) ? "" : nullptr'),
                    "needs lamina::answer(int), which none of its libraries has"),
    }
    lines = ["cmake_minimum_required(VERSION 3.25)", "project(faulty LANGUAGES CXX)", "find_package(Lamina REQUIRED)"]
    for name, (text, _) in faulty.items():
        write(empty / "faulty" / f"{name}.cpp", text)
        lines.append(f"lamina_add_plugin({name} KIND layer SOURCES {name}.cpp)")
    write(empty / "faulty/CMakeLists.txt", "\n".join(lines) + "\n")
    run("cmake", "-S", "faulty", "-B", "faulty/build", "-G", "Ninja")
    text = " ".join(run("cmake", "--build", "faulty/build", "--", "-k", "0", code=1).split())
    for name, (_, sentence) in faulty.items():
        check(f"{name}.so {sentence}" in text, f"{name}: {text}")
        check(not (empty / f"faulty/build/plugins/layers/{name}.so").exists(), f"{name}.so does not stay")

sys.exit(f"{len(failures)} checks failed" if failures else 0)
