"""Files of Debian packages that need not be installed: they are downloaded by apt and read out of the archive."""
import fnmatch
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile


def need(modules):
    """Ends with the one line that installs what is missing; modules: {"h5py": "python3-h5py"}."""
    missing = []
    for module, package in modules.items():
        try:
            __import__(module)
        except ImportError:
            missing.append(package)
    if missing:
        sys.exit("missing: apt-get install " + " ".join(missing))


def files(package, pattern):
    """Yields path and content of each file of the package whose path matches the pattern ("*/data/DNA.rda"), in the archive's order."""
    with tempfile.TemporaryDirectory() as folder:
        if not shutil.which("apt-get"):
            sys.exit("this reads Debian packages and needs apt-get")
        got = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True)
        archives = list(pathlib.Path(folder).glob("*.deb"))
        if got.returncode or len(archives) != 1:
            sys.exit(f"apt-get download {package} failed: {got.stderr.strip()}")
        print(f"reading {archives[0].name}", file=sys.stderr)
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archives[0]], stdout=subprocess.PIPE) as unpacked:
            with tarfile.open(fileobj=unpacked.stdout, mode="r|") as archive:
                for member in archive:
                    if member.isfile() and fnmatch.fnmatch(member.name, pattern):
                        yield member.name, archive.extractfile(member).read()


def r_data(content):
    """The objects of an .rda file by name."""
    import warnings

    import rdata
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wonders at every text without a stated encoding
        return rdata.conversion.convert(rdata.parser.parse_data(content))


def write(path, arrays):
    """An HDF5 file with these arrays by name; it appears whole or not at all."""
    import h5py
    path = pathlib.Path(path)
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip", shuffle=True)
    part = path.with_suffix(".part")
    part.write_bytes(content.getvalue())
    part.rename(path)
    print(f"wrote {path}: " + ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items()))
