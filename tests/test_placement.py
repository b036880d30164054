"""Where cells run: the first way that fits, and never one that does not."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import experiments
from ablate.memory import peak_memory
from ablate.placement import HEADROOM, NEVER, WORKER, Machine, Share, host_memory, place, share
from ablate.rehearsal import rehearsed
from ablate.sizes import size_row
from ablate.spec import Cell, Execution, Format, Init, Strategy
from ablate.speed import ON_GPU, as_probed, keep_speeds
from ablate.store import RunStore
from experiments.baseline_tiny import BASE

HERE = Machine(cores=2, memory=23e9)
SCRATCH = Cell(BASE, size_row("100K"), 9600, 0, data="d", eval_data="e", towers="t")
SMOLLM2 = dataclasses.replace(SCRATCH, size=size_row("135M"))
REHEARSALS = rehearsed(experiments.load("consistency"), ("0.5B",)).cells("d", "e", init=Init.RANDOM)
REAL = experiments.load("consistency").cells("d", "e", sizes=("0.5B", "7B"))


def test_small_rows_run_whole_batches_in_single_precision_one_thread_each() -> None:
    for machine in (HERE, Machine(16, 100e9, gpus=1, gpu_memory=80e9)):
        assert place(SCRATCH, [machine], Execution()) == Execution()
    assert place(SMOLLM2, [HERE], Execution()) == Execution()


def test_rehearsals_fit_a_machine_of_24_gib_one_at_a_time_with_all_cores() -> None:
    for cell in REHEARSALS:
        how = place(cell, [HERE], Execution())
        assert how.device == "cpu" and how.threads == 2
        assert host_memory(cell, how) < 16e9
        assert how.checkpoint_seconds == NEVER


def test_rehearsals_run_in_half_precision_with_one_conversation_at_a_time() -> None:
    assert [cell.design.schedule.trains_vision for cell in REHEARSALS].count(True) == 1
    for cell in REHEARSALS:
        how = place(cell, [HERE], Execution())
        assert set(dataclasses.astuple(how.precision)) == {Format.BF16}
        assert (how.micro_batch, how.checkpointing) == (1, True)


def test_published_rows_multiply_in_bf16_where_the_cpu_can() -> None:
    able = dataclasses.replace(HERE, bf16=True)
    assert set(dataclasses.astuple(place(SMOLLM2, [able], Execution()).precision)) == {Format.MIXED}
    assert place(SCRATCH, [able], Execution()) == Execution()


@given(
    st.sampled_from([SCRATCH, SMOLLM2, *REHEARSALS, *REAL]),
    st.floats(1e9, 1e12), st.integers(0, 8), st.floats(1e9, 2e11), st.integers(1, 64),
)  # fmt: skip
def test_what_is_placed_fits(cell, memory: float, gpus: int, gpu_memory: float, cores) -> None:
    machine = Machine(cores, memory, gpus, gpu_memory)
    try:
        how = place(cell, [machine], Execution(weights="w"))
    except ValueError as error:
        text = str(error)
        assert cell.size.name in text and "at least" in text and "\n" not in text
        return
    room = gpu_memory if how.device == "cuda" else memory - WORKER
    assert HEADROOM * peak_memory(cell, how).total <= room
    assert 1 <= how.threads <= cores and how.weights == "w"
    assert (how.device == "cuda") == (gpus > 0 and cell.size.weights is not None)


def test_a_gpu_takes_the_largest_micro_batch_that_fits_in_mixed_precision() -> None:
    cell = next(c for c in REAL if c.size.name == "0.5B" and not c.design.schedule.trains_vision)
    found = []
    for gpu_memory in (320e9, 80e9, 40e9):
        how = place(cell, [Machine(8, 1e11, 1, gpu_memory)], Execution())
        assert how.device == "cuda" and how.micro_batch is not None
        assert set(dataclasses.astuple(how.precision)) == {Format.MIXED}
        found.append(how.micro_batch)
    assert found == sorted(found, reverse=True) and found[0] > found[-1]


def test_a_gpu_takes_no_larger_micro_batch_than_a_probe_found_to_fit(tmp_path) -> None:
    cell = next(c for c in REAL if c.size.name == "0.5B" and not c.design.schedule.trains_vision)
    machine, store = Machine(8, 1e11, 1, 320e9), RunStore(tmp_path)
    largest = place(cell, [machine], as_probed(Execution(), cell, store)).micro_batch
    assert largest is not None and largest > 8
    keep_speeds(store, {"0.5B": dataclasses.replace(ON_GPU, micro_batch=8)})
    assert place(cell, [machine], as_probed(Execution(), cell, store)).micro_batch == 8


def test_a_cell_that_fits_nowhere_says_what_it_takes() -> None:
    with pytest.raises(ValueError, match=r"size 0\.5B, .*takes 1\d(\.\d)? GB .* 1\.3 GB are free"):
        place(REHEARSALS[0], [Machine(2, 2e9)], Execution())


def _shared(cells, machines, **base) -> Share:
    return share([(cell, place(cell, machines, Execution(**base))) for cell in cells], machines)


def test_cells_of_a_row_take_the_same_whatever_their_design() -> None:
    cells = experiments.load("consistency").cells("d", "e", sizes=("1M",))
    memory = {host_memory(cell, Execution()) for cell in cells}
    assert len(memory) > 1
    assert _shared(cells, [HERE]) == Share(1, math.ceil(max(memory)))


def test_cells_that_leave_room_share_a_gpu() -> None:
    cell = next(c for c in REAL if c.size.name == "0.5B" and not c.design.schedule.trains_vision)
    small = dataclasses.replace(cell, size=dataclasses.replace(cell.size, batch=2))
    machine = Machine(8, 1e11, 2, 80e9)
    taken = _shared([small], [machine])
    need = HEADROOM * peak_memory(small, place(small, [machine], Execution())).total
    together = round(1 / taken.gpus)
    assert together > 1 and together * need <= 80e9 < (together + 1) * need
    assert taken.gpu_kind == "" and taken.cores == 4
    assert _shared([cell], [machine]).gpus == 1


def test_several_processes_take_as_many_gpus() -> None:
    cell = next(c for c in REAL if c.size.name == "7B" and not c.design.schedule.trains_vision)
    base = {"processes": 4, "strategy": Strategy.FSDP}
    machine = Machine(32, 4e11, 4, 80e9)
    assert _shared([cell], [machine], **base) == Share(32, math.ceil(4 * WORKER), 4)
    with pytest.raises(ValueError, match="--processes: 4 are more than 2 GPUs here"):
        place(cell, [Machine(32, 4e11, 2, 80e9)], Execution(**base))


def test_a_cell_goes_to_the_nodes_that_can_hold_it() -> None:
    cell = next(c for c in REAL if c.size.name == "7B" and not c.design.schedule.trains_vision)
    small = Machine(8, 1e11, 8, 24e9, gpu_kind="accelerator_type:A10")
    large = Machine(8, 1e11, 1, 320e9, gpu_kind="accelerator_type:B300")
    taken = _shared([cell], [HERE, small, large])
    assert taken.gpu_kind == large.gpu_kind and taken.gpus == 1
    assert taken.fits(large) and not taken.fits(small) and not taken.fits(HERE)
    assert _shared([cell], [large]).gpu_kind == ""
    with pytest.raises(ValueError, match=r"size 7B, .* GB are free"):
        place(cell, [small], Execution())


@given(
    st.lists(st.sampled_from([SCRATCH, SMOLLM2, *REHEARSALS, *REAL]), min_size=1, max_size=4),
    st.lists(
        st.builds(
            Machine, st.integers(1, 64), st.floats(1e9, 1e12), st.integers(0, 8),
            st.floats(1e9, 2e11), st.booleans(), st.sampled_from(["", "kind"]),
        ), min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_what_is_asked_for_some_machine_can_give(cells, machines) -> None:
    row = [cell for cell in cells if cell.size.name == cells[0].size.name]
    try:
        taken = _shared(row, machines)
    except ValueError as error:
        assert cells[0].size.name in str(error) and "\n" not in str(error)
        return
    assert any(taken.fits(machine) for machine in machines)


# === several processes for one cell ===


def test_processes_that_a_machine_has_not_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"--processes: 4 are more than 2 times 1 cores here"):
        place(SCRATCH, [HERE], Execution(processes=4))
    one = Machine(16, 200e9, gpus=1, gpu_memory=80e9)
    with pytest.raises(ValueError, match="--processes: 2 are more than 1 GPUs here"):
        place(REAL[0], [one], Execution(processes=2))
    with pytest.raises(ValueError, match="3 cannot share a batch of"):
        place(SCRATCH, [Machine(4, 23e9)], Execution(processes=3))


def test_processes_that_spread_a_model_fit_where_one_does_not() -> None:
    largest = next(cell for cell in REAL if cell.size.name == "7B")
    small = Machine(64, 900e9, gpus=8, gpu_memory=40e9)
    with pytest.raises(ValueError, match="training takes"):
        place(largest, [small], Execution())
    with pytest.raises(ValueError, match="training takes"):
        place(largest, [small], Execution(processes=8, strategy="ddp"))
    how = place(largest, [small], Execution(processes=8, strategy="fsdp"))
    assert how.device == "cuda" and how.micro_batch <= how.share(largest.size.batch) == 32
    assert HEADROOM * peak_memory(largest, how).total <= small.gpu_memory


def test_each_process_takes_memory_of_its_own() -> None:
    alone, together = Execution(), Execution(processes=2)
    assert 1 < host_memory(SCRATCH, together) / host_memory(SCRATCH, alone) <= 2
    assert host_memory(SCRATCH, together) > 2 * WORKER
