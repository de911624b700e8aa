//! Contractions on a grid of sizes, layouts and batches.

use sinew_codegen::kernel::{Access, BufferId, Class, Contract, Guard, Operand, Reg, ScalarKind};
use sinew_codegen::wgsl::{Limits, emit};
use sinew_ir::{DType, Scalar};

use crate::support::{Build, Random, Tolerance, Writer, at, device, row_major};

/// A product of random operands with a bias and a relu behind it, the operands stored transposed
/// or not.
fn product(batch: &[usize], [m, n, k]: [usize; 3], lhs_turned: bool, rhs_turned: bool) -> Build {
    let groups: usize = batch.iter().product();
    let mut random = Random((m * 31 + n * 7 + k) as u64);
    let mut build = Build::new();
    let x = build.input(DType::F32, &random.floats(groups * m * k));
    let y = build.input(DType::F32, &random.floats(groups * k * n));
    let bias = build.input(DType::F32, &random.floats(n));
    // What lies behind the result stays as it is.
    let output = build.output(DType::F32, groups * m * n + 300);
    let access = |buffer, rows: usize, columns: usize, turned: bool| -> Access {
        let mut strides: Vec<i64> = row_major(batch)
            .iter()
            .map(|s| s * (rows * columns) as i64)
            .collect();
        if turned {
            strides.extend([1, rows as i64]);
        } else {
            strides.extend([columns as i64, 1]);
        }
        at(buffer, &strides)
    };
    let mut epilogue = Writer::default();
    let sum = epilogue.push(ScalarKind::Accumulator, DType::F32);
    let mut along = vec![0; batch.len()];
    along.extend([0, 1]);
    let b = epilogue.load(at(bias, &along), DType::F32);
    let sum = epilogue.apply(Scalar::ADD, &[sum, b], DType::F32);
    let zero = epilogue.number(0.0);
    let below = epilogue.apply(Scalar::LE, &[sum, zero], DType::Bool);
    let relu = epilogue.apply(Scalar::SELECT, &[below, zero, sum], DType::F32);
    epilogue.store(access(output, m, n, false), relu);
    build.kernel(Class::Contract(Contract {
        batch: batch.to_vec(),
        m: vec![m],
        n: vec![n],
        k: vec![k],
        dtype: DType::F32,
        lhs: Operand::plain(access(x, m, k, lhs_turned), DType::F32),
        rhs: Operand::plain(access(y, k, n, rhs_turned), DType::F32),
        epilogue: epilogue.0,
    }));
    build
}

/// Sums of k products of numbers between -1 and 1: errors of the size of the terms.
fn tolerance(k: usize) -> Tolerance {
    Tolerance::F32.absolute(1e-7 * k as f32)
}

#[test]
fn products_of_every_size() {
    let Some(device) = device() else { return };
    for m in [1, 3, 17, 65] {
        for n in [1, 10, 17, 65] {
            for k in [1, 3, 17, 65] {
                product(&[], [m, n, k], false, false).check(device, tolerance(k));
            }
        }
    }
}

#[test]
fn products_of_nothing_are_the_epilogue_of_zero() {
    let Some(device) = device() else { return };
    product(&[], [3, 17, 0], false, false).check(device, tolerance(0));
}

#[test]
fn transposed_operands() {
    let Some(device) = device() else { return };
    for size in [[17, 65, 33], [64, 64, 64], [70, 30, 5], [2, 3, 4]] {
        for (lhs, rhs) in [(true, false), (false, true), (true, true)] {
            product(&[], size, lhs, rhs).check(device, tolerance(size[2]));
        }
    }
}

#[test]
fn batches() {
    let Some(device) = device() else { return };
    for batch in [&[3][..], &[2, 3], &[1, 2]] {
        for size in [[1, 1, 1], [5, 3, 7], [33, 17, 20]] {
            product(batch, size, false, true).check(device, tolerance(size[2]));
        }
    }
}

/// Long sums of few elements are shared by invocations.
#[test]
fn long_sums() {
    let Some(device) = device() else { return };
    for k in [127, 1000, 4097] {
        product(&[], [2, 5, k], false, false).check(device, tolerance(k));
        product(&[], [16, 16, k], true, false).check(device, tolerance(k));
    }
}

/// Enough tiles for the largest kind, with edges on both sides.
#[test]
fn large_tiles() {
    let Some(device) = device() else { return };
    let build = product(&[128], [45, 50, 9], false, false);
    let shaders = emit(&build.finish(), &Limits::default()).expect("emits");
    assert!(
        shaders.shaders[0].source.contains("sum7_1"),
        "no 8 by 8 registers"
    );
    build.check(device, tolerance(9));
    product(&[32], [128, 64, 16], true, true).check(device, tolerance(16));
}

/// The sum itself goes out twice, once as it is.
#[test]
fn epilogue_with_two_results() {
    let Some(device) = device() else { return };
    for (m, n, k) in [(5, 6, 7), (40, 36, 20)] {
        let mut build = product(&[], [m, n, k], false, false);
        let raw = build.output(DType::F32, m * n);
        let Class::Contract(contract) = &mut build.classes[0] else {
            unreachable!("a product is a contraction")
        };
        let mut epilogue = Writer(contract.epilogue.clone());
        // Stored transposed.
        epilogue.store(at(raw, &[1, m as i64]), Reg(0));
        contract.epilogue = epilogue.0;
        build.check(device, tolerance(k));
    }
}

/// Operands of every kind that is computed where it is used, on both sides.
#[test]
fn computed_operands() {
    let Some(device) = device() else { return };
    for size in [[17, 33, 20], [40, 36, 70], [1, 5, 100], [3, 17, 0]] {
        for kind in 0..4 {
            let batch = if kind < 2 { &[][..] } else { &[3] };
            let mut build = product(batch, size, kind % 2 == 0, false);
            let [m, _, k] = size;
            let rows = m.max(k);
            let labels: Vec<u32> = (0..rows as u32).map(|i| (i * 7 + 1) % 5).collect();
            let labels = build.input(DType::I32, &labels);
            let Class::Contract(contract) = &mut build.classes[0] else {
                unreachable!("a product is a contraction")
            };
            let extents = [contract.k[0], contract.n[0]];
            let sides = [&mut contract.lhs, &mut contract.rhs];
            for (side, extent) in sides.into_iter().zip(extents) {
                let access = side.access().expect("plain");
                *side = computed(kind, access, extent.max(1), labels);
            }
            build.check(device, tolerance(k));
        }
    }
}

/// An operand made of an access: a relu, padding, one-hot rows, elements of the last dim by an index.
fn computed(kind: usize, access: &Access, extent: usize, labels: BufferId) -> Operand {
    let last = access.strides.len() - 1;
    let along = |dim: usize| {
        let mut strides = vec![0; last + 1];
        strides[dim] = 1;
        strides
    };
    let mut code = Writer::default();
    let value = match kind {
        0 => {
            let x = code.load(access.clone(), DType::F32);
            let zero = code.number(0.0);
            code.apply(Scalar::MAXIMUM, &[x, zero], DType::F32)
        }
        1 => {
            let mut padded = access.clone();
            padded.guards.push(Guard {
                offset: -1,
                strides: along(last),
                extent: 4,
            });
            code.load(padded, DType::F32)
        }
        2 => {
            let index = ScalarKind::Index {
                offset: 0,
                strides: along(last),
            };
            let index = code.push(index, DType::I32);
            let label = code.load(at(labels, &along(last - 1)), DType::I32);
            let same = code.apply(Scalar::EQ, &[index, label], DType::Bool);
            code.apply(Scalar::CAST, &[same], DType::F32)
        }
        _ => {
            let index = code.load(at(labels, &along(last - 1)), DType::I32);
            let mut place = access.clone();
            let stride = std::mem::take(&mut place.strides[last]);
            let gather = ScalarKind::Gather {
                access: place,
                index,
                extent,
                stride,
            };
            code.push(gather, DType::F32)
        }
    };
    Operand {
        code: code.0,
        value,
    }
}

#[test]
fn spare_tiles_of_a_folded_grid_stay_idle() {
    let Some(device) = device() else { return };
    product(&[9], [16, 16, 8], false, false).check(device, tolerance(8));
}
