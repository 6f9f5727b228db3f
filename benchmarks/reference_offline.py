"""The offline side of the reference's benchmark: the models without a server.

A process of its own, so that neither side shares an interpreter or a pool of threads
with the other. It answers jobs over a local socket until it is sent None.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

from reference_work import BATCH, TOKENS

from aios_conformance.reference_impl.packaged import DEFAULTS
from aios_conformance.reference_impl.pull import place


@dataclass
class Offline:
    """The other process, from here."""

    connection: Any

    def rates(self, job: str, inputs: Sequence[str]) -> tuple[float, float]:
        """Tokens or texts per second, and per second of CPU time."""
        self.connection.send((job, inputs))
        rate, per_cpu = self.connection.recv()
        return rate, per_cpu


@contextmanager
def offline_process(cache: Path, threads: int | None) -> Iterator[Offline]:
    """Start the other process and stop it again."""
    with Listener(family="AF_UNIX") as listener:
        command = [sys.executable, __file__, str(listener.address), str(cache)]
        command += [str(threads)] if threads else []
        with subprocess.Popen(command) as process:
            with listener.accept() as connection:
                yield Offline(connection)
                connection.send(None)
            process.wait(60)


def offline(address: str, cache: Path, threads: int | None) -> None:
    """Answer the parent's jobs with their rates, per second and per CPU second."""
    import torch  # noqa: PLC0415 - in this process only
    from transformers import (  # noqa: PLC0415
        AutoModel,
        AutoModelForCausalLM,
        AutoTokenizer,
    )

    if threads:
        torch.set_num_threads(threads)
    chat, vectors = (place(package, cache) for package in DEFAULTS.values())
    tokenizer = AutoTokenizer.from_pretrained(chat, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(chat, dtype=torch.float32)
    reader = AutoTokenizer.from_pretrained(vectors)
    encoder = AutoModel.from_pretrained(vectors, dtype=torch.float32)

    def generate(chats: Sequence[str]) -> int:
        prompts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": text}],
                tokenize=False,
                add_generation_prompt=True,
            )
            for text in chats
        ]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True)
        output = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
        new = output[:, inputs["input_ids"].shape[1] :]
        return int((new != tokenizer.pad_token_id).sum())

    def embed(texts: Sequence[str]) -> int:
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            inputs = reader(batch, return_tensors="pt", padding=True)
            hidden = encoder(**inputs).last_hidden_state
            mask = inputs["attention_mask"][..., None]
            mean = (hidden * mask).sum(1) / mask.sum(1)
            torch.nn.functional.normalize(mean).numpy()
        return len(texts)

    jobs = {"generate": generate, "embed": embed}
    with Client(address) as parent, torch.inference_mode():
        while (job := parent.recv()) is not None:
            started, spent = time.perf_counter(), time.process_time()
            done = jobs[job[0]](job[1])
            used = time.process_time() - spent
            parent.send((done / (time.perf_counter() - started), done / used))


if __name__ == "__main__":
    where, folder, *asked = sys.argv[1:]
    offline(where, Path(folder), int(asked[0]) if asked else None)
