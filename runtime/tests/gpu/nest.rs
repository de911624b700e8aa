//! Maps and row reductions.

use sinew_codegen::kernel::{
    Access, BufferId, Class, Code, Guard, Nest, Reg, RegionId, RegionKind, RowReg, ScalarKind,
    SlotId, Stage,
};
use sinew_codegen::wgsl::{Limits, emit};
use sinew_ir::{DType, Reduction, Scalar};

use sinew_runtime::gpu::GpuSession;

use crate::support::{Build, Random, Tolerance, Writer, at, device, row_major, run, validate};

const EXTENTS: [usize; 5] = [1, 3, 17, 65, 1000];

fn map(outer: &[usize], code: Writer) -> Class {
    Class::Nest(Nest {
        outer: outer.to_vec(),
        inner: Vec::new(),
        stages: vec![Stage::Row {
            code: code.0,
            sets: Vec::new(),
        }],
        rows: Vec::new(),
        arrays: Vec::new(),
    })
}

/// `y = 2 x + 1` at the same index.
fn double(input: BufferId, output: BufferId, strides: &[i64]) -> Writer {
    let mut code = Writer::default();
    let x = code.load(at(input, strides), DType::F32);
    let two = code.number(2.0);
    let one = code.number(1.0);
    let y = code.apply(Scalar::MUL, &[x, two], DType::F32);
    let y = code.apply(Scalar::ADD, &[y, one], DType::F32);
    code.store(at(output, strides), y);
    code
}

#[test]
fn maps_of_every_extent() {
    let Some(device) = device() else { return };
    for extent in EXTENTS {
        let mut build = Build::new();
        let input = build.input(DType::F32, &Random(1).floats(extent));
        let output = build.output(DType::F32, extent);
        build.kernel(map(&[extent], double(input, output, &[1])));
        build.check(device, Tolerance::F32);
    }
}

#[test]
fn scalar_map() {
    let Some(device) = device() else { return };
    let mut build = Build::new();
    let input = build.input(DType::F32, &[3.5f32.to_bits()]);
    let output = build.output(DType::F32, 1);
    build.kernel(map(&[], double(input, output, &[])));
    build.check(device, Tolerance::F32);
}

#[test]
fn empty_map_has_no_shader() {
    let mut build = Build::new();
    let input = build.input(DType::F32, &[]);
    let output = build.output(DType::F32, 0);
    build.kernel(map(&[0], double(input, output, &[1])));
    let shaders = emit(&build.finish(), &Limits::default()).expect("emits");
    assert!(shaders.shaders.is_empty());
}

#[test]
fn transposed_and_flipped_map() {
    let Some(device) = device() else { return };
    for (m, n) in [(1, 17), (3, 65), (17, 3), (65, 33)] {
        let mut build = Build::new();
        let input = build.input(DType::F32, &Random(2).floats(m * n));
        let output = build.output(DType::F32, m * n);
        let (rows, columns) = (m as i64, n as i64);
        let mut code = Writer::default();
        // x[n - 1 - j, i] of an x that is n by m.
        let x = code.load(
            Access {
                slot: SlotId(input.0),
                offset: (columns - 1) * rows,
                strides: vec![1, -rows],
                guards: Vec::new(),
            },
            DType::F32,
        );
        code.store(at(output, &[columns, 1]), x);
        build.kernel(map(&[m, n], code));
        build.check(device, Tolerance::F32);
    }
}

#[test]
fn guards_make_padding() {
    let Some(device) = device() else { return };
    // y[i, j] = x[i - 2, j - 1] of a 3 by 5 x, in a 7 by 9 y.
    let mut build = Build::new();
    let input = build.input(DType::F32, &Random(3).floats(15));
    let output = build.output(DType::F32, 63);
    let mut code = Writer::default();
    let x = code.load(
        Access {
            slot: SlotId(input.0),
            offset: -11,
            strides: vec![5, 1],
            guards: vec![
                Guard {
                    offset: -2,
                    strides: vec![1, 0],
                    extent: 3,
                },
                Guard {
                    offset: -1,
                    strides: vec![0, 1],
                    extent: 5,
                },
            ],
        },
        DType::F32,
    );
    code.store(at(output, &[9, 1]), x);
    build.kernel(map(&[7, 9], code));
    build.check(device, Tolerance::F32);
}

#[test]
fn gather_clamps_its_index() {
    let Some(device) = device() else { return };
    let mut build = Build::new();
    let table = build.input(DType::F32, &Random(4).floats(5 * 7));
    let indices: Vec<u32> = [0i32, 4, 5, -1, 2, i32::MAX, i32::MIN]
        .iter()
        .map(|i| *i as u32)
        .collect();
    let index = build.input(DType::I32, &indices);
    let output = build.output(DType::F32, 49);
    let mut code = Writer::default();
    let i = code.load(at(index, &[1, 0]), DType::I32);
    let x = code.push(
        ScalarKind::Gather {
            access: at(table, &[0, 1]),
            index: i,
            extent: 5,
            stride: 7,
        },
        DType::F32,
    );
    code.store(at(output, &[7, 1]), x);
    build.kernel(map(&[7, 7], code));
    build.check(device, Tolerance::F32);
}

#[test]
fn index_and_constants() {
    let Some(device) = device() else { return };
    let mut build = Build::new();
    let output = build.output(DType::I32, 12);
    let floats = build.output(DType::F32, 12);
    let mut code = Writer::default();
    let i = code.push(
        ScalarKind::Index {
            offset: -5,
            strides: vec![-2, 3],
        },
        DType::I32,
    );
    code.store(at(output, &[4, 1]), i);
    let mut sum = code.apply(Scalar::CAST, &[i], DType::F32);
    for number in [
        0.1,
        -0.0,
        1e-30,
        1e30,
        16777217.0,
        f64::from(f32::MAX) / 4.0,
        f64::from(f32::MIN_POSITIVE),
    ] {
        let number = code.number(number);
        sum = code.apply(Scalar::ADD, &[sum, number], DType::F32);
    }
    code.store(at(floats, &[4, 1]), sum);
    build.kernel(map(&[3, 4], code));
    for number in [
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::from(f32::MAX),
        -1e-45,
    ] {
        let output = build.output(DType::F32, 1);
        let mut code = Writer::default();
        let number = code.number(number);
        code.store(at(output, &[]), number);
        build.kernel(map(&[], code));
    }
    build.check(device, Tolerance::F32);
}

/// Buffers of several types in one region, at offsets, one updated in place.
#[test]
fn packed_region_updates_in_place() {
    let Some(device) = device() else { return };
    let mut build = Build::new();
    let whole = build.buffer("packed", DType::U32, &[1; 200], RegionKind::State);
    let region = build.schedule.buffers[whole.0 as usize].region;
    build.schedule.buffers.clear();
    let floats = build.view("floats", region, 4, DType::F32, 65);
    let bools = build.view("bools", region, 512, DType::Bool, 65);
    build.memory[region.0 as usize] = Random(5)
        .floats(200)
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect();
    let mut code = Writer::default();
    let x = code.load(at(floats, &[1]), DType::F32);
    let zero = code.number(0.0);
    let positive = code.apply(Scalar::LT, &[zero, x], DType::Bool);
    let y = code.apply(Scalar::SUB, &[zero, x], DType::F32);
    code.store(at(floats, &[1]), y);
    code.store(at(bools, &[1]), positive);
    build.kernel(map(&[65], code));
    build.check(device, Tolerance::F32);
}

/// A million rows of 64 need more than 65535 workgroups.
#[test]
fn large_map_folds_its_grid() {
    let Some(device) = device() else { return };
    let extent = 65535 * 64 + 65;
    let mut build = Build::new();
    let output = build.output(DType::I32, extent);
    let mut code = Writer::default();
    let i = code.push(
        ScalarKind::Index {
            offset: 7,
            strides: vec![3],
        },
        DType::I32,
    );
    code.store(at(output, &[1]), i);
    build.kernel(map(&[extent], code));
    let shaders = emit(&build.finish(), &Limits::default()).expect("emits");
    assert!(
        shaders.shaders[0].groups[1] > 1,
        "{:?}",
        shaders.shaders[0].groups
    );
    validate(&shaders.shaders[0]);
    let mut program = GpuSession::new(device, &build.finish(), &shaders).expect("a program");
    let memory = run(&mut program, &build.memory);
    let wrong = memory[1]
        .chunks_exact(4)
        .enumerate()
        .find(|(i, c)| i32::from_le_bytes([c[0], c[1], c[2], c[3]]) != 7 + 3 * *i as i32);
    assert_eq!(wrong, None);
}

fn each(code: Writer, reduces: &[(u32, Reduction, Reg)]) -> Stage {
    Stage::Each {
        code: code.0,
        reduces: reduces
            .iter()
            .map(|(row, reduction, reg)| (RowReg(*row), *reduction, *reg))
            .collect(),
    }
}

/// Stores row registers over the outer dims.
fn store_rows(rows: &[(u32, DType, BufferId)], strides: &[i64]) -> Stage {
    let mut code = Writer::default();
    for (row, dtype, buffer) in rows {
        let value = code.push(ScalarKind::Row(RowReg(*row)), *dtype);
        code.store(at(*buffer, strides), value);
    }
    Stage::Row {
        code: code.0,
        sets: Vec::new(),
    }
}

/// Sum, maximum and argmax of an f32 in one pass, over a given layout.
fn reduce_floats(outer: &[usize], inner: &[usize], strides: &[i64], words: &[u32]) -> Build {
    let rows: usize = outer.iter().product();
    let mut build = Build::new();
    let input = build.input(DType::F32, words);
    let sum = build.output(DType::F32, rows);
    let max = build.output(DType::F32, rows);
    let place = build.output(DType::I32, rows);
    let mut code = Writer::default();
    let x = code.load(at(input, strides), DType::F32);
    let mut out = row_major(outer);
    out.resize(outer.len() + inner.len(), 0);
    build.kernel(Class::Nest(Nest {
        outer: outer.to_vec(),
        inner: inner.to_vec(),
        stages: vec![
            each(
                code,
                &[
                    (0, Reduction::Sum, x),
                    (1, Reduction::Max, x),
                    (2, Reduction::ArgMax, x),
                ],
            ),
            store_rows(
                &[
                    (0, DType::F32, sum),
                    (1, DType::F32, max),
                    (2, DType::I32, place),
                ],
                &out,
            ),
        ],
        rows: vec![DType::F32, DType::F32, DType::I32],
        arrays: Vec::new(),
    }));
    build
}

/// Sums of `n` numbers between -1 and 1 in another order: rounding errors of the size of the
/// terms, not of the sum.
fn summed(n: usize) -> Tolerance {
    Tolerance::F32.absolute(1e-7 * n as f32)
}

#[test]
fn reductions_along_rows_and_columns() {
    let Some(device) = device() else { return };
    for rows in [1, 3, 65] {
        for length in EXTENTS {
            let words = Random((rows * length) as u64).floats(rows * length);
            let (r, l) = (rows as i64, length as i64);
            reduce_floats(&[rows], &[length], &[l, 1], &words).check(device, summed(length));
            reduce_floats(&[rows], &[length], &[1, r], &words).check(device, summed(length));
        }
    }
}

#[test]
fn reduction_to_a_scalar() {
    let Some(device) = device() else { return };
    for length in EXTENTS {
        let words = Random(length as u64).floats(length);
        reduce_floats(&[], &[length], &[1], &words).check(device, summed(length));
    }
}

#[test]
fn reduction_over_several_dims() {
    let Some(device) = device() else { return };
    // A [3, 5, 7, 11] tensor over dims 0 and 2, then over dims 1 and 3.
    let words = Random(9).floats(3 * 5 * 7 * 11);
    reduce_floats(&[5, 11], &[3, 7], &[77, 1, 385, 11], &words).check(device, summed(21));
    reduce_floats(&[3, 7], &[5, 11], &[385, 11, 77, 1], &words).check(device, summed(55));
}

#[test]
fn reductions_over_nothing() {
    let Some(device) = device() else { return };
    reduce_floats(&[3], &[0], &[0, 1], &[]).check(device, Tolerance::F32);
}

#[test]
fn reductions_keep_nan_and_take_the_first_maximum() {
    let Some(device) = device() else { return };
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for length in [4, 65, 1000] {
        let mut words = Vec::new();
        for row in 0..5 {
            let mut values = vec![0.25f32; length];
            match row {
                0 => values[length / 2] = 0.5,
                1 => {
                    values[length / 3] = nan;
                    values[length - 1] = nan;
                }
                2 => values.fill(-inf),
                3 => values[length - 1] = inf,
                _ => {}
            }
            words.extend(values.iter().map(|v| v.to_bits()));
        }
        reduce_floats(&[5], &[length], &[length as i64, 1], &words).check(device, summed(length));
    }
}

#[test]
fn integer_reductions() {
    let Some(device) = device() else { return };
    for (dtype, length) in [
        (DType::I32, 3),
        (DType::I32, 1000),
        (DType::U32, 3),
        (DType::U32, 1000),
    ] {
        let mut random = Random(length as u64);
        let words: Vec<u32> = (0..5 * length).map(|_| random.word()).collect();
        let mut build = Build::new();
        let input = build.input(dtype, &words);
        let mut code = Writer::default();
        let x = code.load(at(input, &[length as i64, 1]), dtype);
        let reduces = [
            (0, Reduction::Max, x),
            (1, Reduction::Sum, x),
            (2, Reduction::ArgMax, x),
        ];
        let rows = [
            (0, dtype, build.output(dtype, 5)),
            (1, dtype, build.output(dtype, 5)),
            (2, DType::I32, build.output(DType::I32, 5)),
        ];
        build.kernel(Class::Nest(Nest {
            outer: vec![5],
            inner: vec![length],
            stages: vec![each(code, &reduces), store_rows(&rows, &[1, 0])],
            rows: rows.iter().map(|(_, dtype, _)| *dtype).collect(),
            arrays: Vec::new(),
        }));
        build.check(device, Tolerance::F32);
    }
}

/// Softmax: a maximum, a sum that uses it, a map that uses both.
#[test]
fn softmax_in_three_stages() {
    let Some(device) = device() else { return };
    for (rows, length) in [(1, 1), (3, 17), (65, 10), (17, 65), (3, 1000)] {
        let mut build = Build::new();
        let input = build.input(DType::F32, &Random(6).floats(rows * length));
        let output = build.output(DType::F32, rows * length);
        let strides = [length as i64, 1];
        let mut first = Writer::default();
        let x = first.load(at(input, &strides), DType::F32);
        let shifted = || {
            let mut code = Writer::default();
            let x = code.load(at(input, &strides), DType::F32);
            let max = code.push(ScalarKind::Row(RowReg(0)), DType::F32);
            let d = code.apply(Scalar::SUB, &[x, max], DType::F32);
            let e = code.apply(Scalar::EXP, &[d], DType::F32);
            (code, e)
        };
        let (second, e) = shifted();
        let mut inverse = Writer::default();
        let sum = inverse.push(ScalarKind::Row(RowReg(1)), DType::F32);
        let one = inverse.number(1.0);
        let scale = inverse.apply(Scalar::DIV, &[one, sum], DType::F32);
        let (mut third, y) = shifted();
        let factor = third.push(ScalarKind::Row(RowReg(2)), DType::F32);
        let y = third.apply(Scalar::MUL, &[y, factor], DType::F32);
        third.store(at(output, &strides), y);
        build.kernel(Class::Nest(Nest {
            outer: vec![rows],
            inner: vec![length],
            stages: vec![
                each(first, &[(0, Reduction::Max, x)]),
                each(second, &[(1, Reduction::Sum, e)]),
                Stage::Row {
                    code: inverse.0,
                    sets: vec![(RowReg(2), scale)],
                },
                each(third, &[]),
            ],
            rows: vec![DType::F32; 3],
            arrays: Vec::new(),
        }));
        build.check(device, Tolerance::F32);
    }
}

/// A running statistic: the row stage stores where it loads, so no two invocations may share a row.
#[test]
fn row_stage_updates_in_place() {
    let Some(device) = device() else { return };
    let (rows, length) = (17, 1000);
    let mut build = Build::new();
    let input = build.input(DType::F32, &Random(8).floats(rows * length));
    let state = build.buffer(
        "state",
        DType::F32,
        &Random(9).floats(rows),
        RegionKind::State,
    );
    let mut code = Writer::default();
    let x = code.load(at(input, &[length as i64, 1]), DType::F32);
    let mut update = Writer::default();
    let old = update.load(at(state, &[1, 0]), DType::F32);
    let sum = update.push(ScalarKind::Row(RowReg(0)), DType::F32);
    let new = update.apply(Scalar::ADD, &[old, sum], DType::F32);
    update.store(at(state, &[1, 0]), new);
    build.kernel(Class::Nest(Nest {
        outer: vec![rows],
        inner: vec![length],
        stages: vec![
            each(code, &[(0, Reduction::Sum, x)]),
            Stage::Row {
                code: update.0,
                sets: Vec::new(),
            },
        ],
        rows: vec![DType::F32],
        arrays: Vec::new(),
    }));
    build.check(device, summed(length));
}

#[test]
fn too_many_regions_and_too_large_regions_are_errors() {
    let mut build = Build::new();
    let inputs: Vec<BufferId> = (0..8).map(|_| build.input(DType::F32, &[0])).collect();
    let output = build.output(DType::F32, 1);
    let mut code = Writer::default();
    for input in inputs {
        code.load(at(input, &[]), DType::F32);
    }
    code.store(at(output, &[]), Reg(0));
    build.kernel(map(&[], code));
    let error = emit(&build.finish(), &Limits::default()).expect_err("nine regions");
    assert_eq!(
        error.to_string(),
        "kernel `kernel_0` touches 9 regions, and the device binds at most 8"
    );

    let mut build = Build::new();
    let input = build.input(DType::F32, &[0]);
    let output = build.output(DType::F32, 1);
    build.schedule.regions[1].bytes = 200 << 20;
    build.kernel(map(&[], double(input, output, &[])));
    let error = emit(&build.finish(), &Limits::default()).expect_err("200 MiB");
    assert_eq!(
        error.to_string(),
        "kernel `kernel_0` needs region `x0` of 209715200 bytes, and the device binds at most \
         134217728 bytes at once"
    );
}

#[test]
fn f64_is_refused() {
    let mut build = Build::new();
    build.schedule.regions[0].bytes = 8;
    build.view("x", RegionId(0), 0, DType::F64, 1);
    let mut code = Writer::default();
    let x = code.load(at(BufferId(0), &[]), DType::F64);
    code.store(at(BufferId(0), &[]), x);
    build.kernel(Class::Nest(Nest {
        outer: Vec::new(),
        inner: Vec::new(),
        stages: vec![Stage::Row {
            code: Code { ..code.0 },
            sets: Vec::new(),
        }],
        rows: Vec::new(),
        arrays: Vec::new(),
    }));
    let error = emit(&build.finish(), &Limits::default()).expect_err("f64");
    assert_eq!(
        error.to_string(),
        "kernel `kernel_0` uses f64, which runs on the CPU only: bind the model to f32"
    );
}

/// 9 workgroups fold into a grid of 2 by 5 under the tight limits: the tenth must do nothing.
#[test]
fn spare_workgroups_of_a_folded_grid_stay_idle() {
    let Some(device) = device() else { return };
    let extent = 9 * 16;
    let mut build = Build::new();
    // What lies behind the map's elements stays as it is.
    let x = build.buffer("x", DType::F32, &Random(1).floats(200), RegionKind::State);
    build.kernel(map(&[extent], double(x, x, &[1])));
    build.check(device, Tolerance::F32);
    let words = Random(2).floats(9 * 1000);
    reduce_floats(&[9], &[1000], &[1000, 1], &words).check(device, summed(1000));
}
