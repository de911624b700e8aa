//! Scatters.

use sinew_codegen::kernel::{Class, RegionKind, Scatter};
use sinew_ir::DType;

use crate::support::{Build, Random, Tolerance, Writer, at, device};

/// Rows of a gradient added into a table at the rows that `indices` name.
fn scatter(indices: &[i32], rows: usize, width: usize, dtype: DType) -> Build {
    let mut random = Random((indices.len() * rows) as u64);
    let count = indices.len();
    let mut build = Build::new();
    let words: Vec<u32> = indices.iter().map(|i| *i as u32).collect();
    let index = build.input(DType::I32, &words);
    let values = |random: &mut Random, n: usize| match dtype {
        DType::F32 => random.floats(n),
        DType::I32 | DType::U32 | DType::Bool | DType::F64 | DType::Float => {
            (0..n).map(|_| random.word()).collect()
        }
    };
    let updates = values(&mut random, count * width);
    let update = build.input(dtype, &updates);
    let base = values(&mut random, rows * width);
    let target = build.buffer("table", dtype, &base, RegionKind::State);
    let width_stride = width as i64;
    let mut code = Writer::default();
    let i = code.load(at(index, &[0, 1]), DType::I32);
    let x = code.load(at(update, &[1, width_stride]), dtype);
    build.kernel(Class::Scatter(Scatter {
        outer: vec![width],
        updates: count,
        extent: rows,
        target: at(target, &[1, 0]),
        stride: width_stride,
        code: code.0,
        index: i,
        update: x,
    }));
    build
}

#[test]
fn rows_meet_and_indices_are_clamped() {
    let Some(device) = device() else { return };
    let indices = [0, 4, 4, 2, -1, 7, 4, i32::MAX, i32::MIN, 0, 1];
    for width in [1, 3, 17, 65] {
        for dtype in [DType::F32, DType::I32, DType::U32] {
            let tolerance = Tolerance::F32.absolute(1e-6);
            scatter(&indices, 5, width, dtype).check(device, tolerance);
        }
    }
}

#[test]
fn one_update_into_one_row() {
    let Some(device) = device() else { return };
    scatter(&[0], 1, 1000, DType::F32).check(device, Tolerance::F32);
}

#[test]
fn many_updates() {
    let Some(device) = device() else { return };
    let mut random = Random(11);
    let indices: Vec<i32> = (0..1000).map(|_| (random.word() % 13) as i32).collect();
    scatter(&indices, 13, 3, DType::F32).check(device, Tolerance::F32.absolute(1e-5));
}

#[test]
fn spare_workgroups_of_a_folded_grid_stay_idle() {
    let Some(device) = device() else { return };
    scatter(&[1, 0, 2], 3, 9 * 16, DType::F32).check(device, Tolerance::F32.absolute(1e-6));
}
