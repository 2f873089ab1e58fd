import pytest

from ml.precision import choose_precision, processor_flags

ZEN3 = {"fma", "avx2"}
SAPPHIRE_RAPIDS = {"fma", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"}


@pytest.mark.parametrize(
    ("flags", "machine", "has_int8", "expected"),
    [
        (ZEN3, "x86_64", True, "int8"),
        (ZEN3, "AMD64", True, "int8"),
        (ZEN3, "x86_64", False, "f32"),
        (set(), "arm64", True, "f32"),
        (SAPPHIRE_RAPIDS, "x86_64", True, "bf16"),
        (SAPPHIRE_RAPIDS, "x86_64", False, "bf16"),
        ({"avx512_bf16"}, "x86_64", True, "bf16"),
    ],
)
def test_auto_takes_what_the_processor_is_good_at(flags, machine, has_int8, expected):
    assert choose_precision("auto", has_int8=has_int8, flags=flags, machine=machine) == expected


@pytest.mark.parametrize("wanted", ["f32", "bf16", "int8"])
def test_a_precision_can_be_asked_for(wanted):
    assert choose_precision(wanted, has_int8=True, flags=SAPPHIRE_RAPIDS, machine="x86_64") == wanted


def test_int8_of_a_model_without_it_is_refused():
    with pytest.raises(ValueError, match="this model has no such form"):
        choose_precision("int8", has_int8=False, flags=ZEN3, machine="x86_64")


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision must be auto, f32, bf16, int8, not int4"):
        choose_precision("int4", has_int8=True, flags=ZEN3, machine="x86_64")


def test_flags_are_those_of_the_first_processor(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu avx2\nbugs\t: spectre\n\nprocessor\t: 1\nflags\t\t: fpu\n")

    assert processor_flags(cpuinfo) == {"fpu", "avx2"}


def test_a_system_without_cpuinfo_has_no_flags(tmp_path):
    assert processor_flags(tmp_path / "cpuinfo") == frozenset()
