"""Gives every compiled shader that a test run left in its cache to spirv-val: validate_shaders.py CACHE_FOLDER"""
import pathlib
import struct
import subprocess
import sys
import tempfile

MAGIC = b"lamina cache 1\n"
shaders = sorted(pathlib.Path(sys.argv[1]).glob("lamina/vulkan/*.spv"))
failed = 0
with tempfile.TemporaryDirectory() as folder:
    module = pathlib.Path(folder) / "shader.spv"
    for file in shaders:
        data = file.read_bytes()
        assert data.startswith(MAGIC), file
        key_bytes, code_bytes, _ = struct.unpack_from("<QQQ", data, len(MAGIC))
        start = len(MAGIC) + 24 + key_bytes
        assert len(data) == start + code_bytes, file
        module.write_bytes(data[start:])
        result = subprocess.run(["spirv-val", "--target-env", "vulkan1.2", str(module)], capture_output=True, text=True)
        if result.returncode:
            failed += 1
            print(file.name, result.stdout, result.stderr, data[len(MAGIC) + 24 : start].decode(), sep="\n")
print(f"{len(shaders)} shaders, {failed} refused by spirv-val")
sys.exit(failed or len(shaders) < 20)
