//! Nests: reductions of inner and of leading axes at awkward extents, padding, gathers, in-place
//! updates, scatters; each against the slow executor.

use sinew_codegen::kernel::*;
use sinew_ir::{DType, Reduction, Scalar};

use crate::setup::*;
use crate::targets::targets;

const EXTENTS: [usize; 9] = [0, 1, 3, 4, 5, 7, 8, 17, 33];

/// Extents of parallel dims: the verifier refuses empty ones, which the scheduler drops.
const PARALLEL: [usize; 8] = [1, 3, 4, 5, 7, 8, 17, 33];

fn random(dtype: DType, count: usize, seed: u64) -> Data {
    let mut random = Random(seed);
    let values = (0..count)
        .map(|_| match dtype {
            DType::F32 | DType::F64 | DType::Float => f64::from(random.next() as f32),
            DType::I32 => (random.next() * 50.0).trunc(),
            DType::U32 => (random.next().abs() * 50.0).trunc(),
            DType::Bool => f64::from(u8::from(random.next() > 0.0)),
        })
        .collect();
    Data::new(dtype, values)
}

/// Runs the schedule with every option and compares all memory with the executor's.
fn check(schedule: &Schedule, data: &[Data], tolerance: f64, what: &str) {
    let mut expected = data.to_vec();
    execute(schedule, &mut expected);
    for options in targets() {
        let mut found = data.to_vec();
        run(schedule, &options, &mut found);
        for (b, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for (i, (&f, &e)) in found.values.iter().zip(&expected.values).enumerate() {
                let what = format!("{what}, buffer {b}, element {i}, {options:?}");
                // Sums in another order: what matters is the size of the addends, about 1.
                if tolerance > 0.0 && (f - e).abs() < tolerance {
                    continue;
                }
                assert_close(f, e, tolerance, &what);
            }
        }
    }
}

/// softmax of each row, with its maximum, sum and index of the maximum stored as well.
fn softmax(rows: usize, columns: usize, row_stride: i64, column_stride: i64, dtype: DType) {
    let strides = [row_stride, column_stride];
    let mut largest = Coder::default();
    let x = largest.load(access(0, 0, &strides), dtype);
    let mut sum = Coder::default();
    let y = sum.load(access(0, 0, &strides), dtype);
    let m = sum.inst(ScalarKind::Row(RowReg(0)), dtype);
    let d = sum.apply(Scalar::SUB, &[y, m], dtype);
    let e = sum.apply(Scalar::EXP, &[d], dtype);
    let mut inverse = Coder::default();
    let s = inverse.inst(ScalarKind::Row(RowReg(2)), dtype);
    let one = inverse.constant(1.0, dtype);
    let q = inverse.apply(Scalar::DIV, &[one, s], dtype);
    let at = inverse.inst(ScalarKind::Row(RowReg(1)), DType::I32);
    let m2 = inverse.inst(ScalarKind::Row(RowReg(0)), dtype);
    inverse.store(access(2, 0, &[1, 0]), s);
    inverse.store(access(3, 0, &[1, 0]), at);
    inverse.store(access(4, 0, &[1, 0]), m2);
    let mut scale = Coder::default();
    let z = scale.load(access(0, 0, &strides), dtype);
    let m3 = scale.inst(ScalarKind::Row(RowReg(0)), dtype);
    let d = scale.apply(Scalar::SUB, &[z, m3], dtype);
    let e2 = scale.apply(Scalar::EXP, &[d], dtype);
    let q2 = scale.inst(ScalarKind::Row(RowReg(3)), dtype);
    let p = scale.apply(Scalar::MUL, &[e2, q2], dtype);
    scale.store(access(1, 0, &strides), p);
    let nest = Nest {
        outer: vec![rows],
        inner: vec![columns],
        rows: vec![dtype, DType::I32, dtype, dtype],
        arrays: Vec::new(),
        stages: vec![
            Stage::Each {
                code: largest.code,
                reduces: vec![
                    (RowReg(0), Reduction::Max, x),
                    (RowReg(1), Reduction::ArgMax, x),
                ],
            },
            Stage::Each {
                code: sum.code,
                reduces: vec![(RowReg(2), Reduction::Sum, e)],
            },
            Stage::Row {
                code: inverse.code,
                sets: vec![(RowReg(3), q)],
            },
            Stage::Each {
                code: scale.code,
                reduces: vec![],
            },
        ],
    };
    let n = rows * columns;
    let data = vec![
        random(dtype, n, 3),
        Data::zeros(dtype, n),
        Data::zeros(dtype, rows),
        Data::zeros(DType::I32, rows),
        Data::zeros(dtype, rows),
    ];
    let schedule = schedule(&data, vec![Class::Nest(nest)]);
    let tolerance = if dtype == DType::F32 { 1e-5 } else { 1e-12 };
    let what = format!("softmax {rows}x{columns} {dtype} strides {strides:?}");
    check(&schedule, &data, tolerance, &what);
}

#[test]
fn softmax_along_the_last_axis() {
    for dtype in [DType::F32, DType::F64] {
        for rows in [1, 3, 9] {
            for columns in EXTENTS {
                softmax(rows, columns, columns.max(1) as i64, 1, dtype);
            }
        }
    }
}

#[test]
fn softmax_along_the_first_axis() {
    for dtype in [DType::F32, DType::F64] {
        for columns in [0, 1, 3, 9] {
            for rows in PARALLEL {
                softmax(rows, columns, 1, rows as i64, dtype);
            }
        }
    }
}

/// Sum and maximum over a leading, a trailing or both axes of a matrix.
fn reduce(outer: &[usize], inner: &[usize], strides: &[i64], dtype: DType) {
    let mut coder = Coder::default();
    let x = coder.load(access(0, 0, strides), dtype);
    let mut end = Coder::default();
    let s = end.inst(ScalarKind::Row(RowReg(0)), dtype);
    let m = end.inst(ScalarKind::Row(RowReg(1)), dtype);
    let mut out = vec![0; outer.len() + inner.len()];
    let mut stride = 1;
    for d in (0..outer.len()).rev() {
        out[d] = stride;
        stride *= outer[d] as i64;
    }
    end.store(access(1, 0, &out), s);
    end.store(access(2, 0, &out), m);
    let nest = Nest {
        outer: outer.to_vec(),
        inner: inner.to_vec(),
        rows: vec![dtype, dtype],
        arrays: Vec::new(),
        stages: vec![
            Stage::Each {
                code: coder.code,
                reduces: vec![
                    (RowReg(0), Reduction::Sum, x),
                    (RowReg(1), Reduction::Max, x),
                ],
            },
            Stage::Row {
                code: end.code,
                sets: vec![],
            },
        ],
    };
    let kept: usize = outer.iter().product();
    let n = kept * inner.iter().product::<usize>();
    let data = vec![
        random(dtype, n, 11),
        Data::zeros(dtype, kept),
        Data::zeros(dtype, kept),
    ];
    let schedule = schedule(&data, vec![Class::Nest(nest)]);
    let tolerance = match dtype {
        // The error of a sum grows with the number of addends.
        DType::F32 => 1e-5_f64.max(1e-7 * (n / kept) as f64),
        DType::F64 => 1e-12,
        DType::I32 | DType::U32 | DType::Bool | DType::Float => 0.0,
    };
    let what = format!("{outer:?} {inner:?} {dtype} strides {strides:?}");
    check(&schedule, &data, tolerance, &what);
}

#[test]
fn reductions_of_every_axis() {
    for dtype in [DType::F32, DType::F64, DType::I32, DType::U32] {
        for a in EXTENTS {
            for b in [1, 4, 7, 70] {
                let (m, n) = (a as i64, b as i64);
                if a > 0 {
                    reduce(&[a], &[b], &[n, 1], dtype);
                }
                reduce(&[b], &[a], &[1, n], dtype);
                reduce(&[], &[a, b], &[n, 1], dtype);
                reduce(&[3], &[a, b], &[m * n, n, 1], dtype);
                reduce(&[2, b], &[a], &[m * n, 1, n], dtype);
            }
        }
    }
}

#[test]
fn broadcast_and_transposed_maps() {
    for (m, n) in [(1, 5), (5, 1), (7, 9), (8, 4), (3, 33), (4, 1)] {
        for dtype in [DType::F32, DType::F64] {
            let mut coder = Coder::default();
            let x = coder.load(access(0, 0, &[1, m as i64]), dtype);
            let y = coder.load(access(1, 0, &[0, 1]), dtype);
            let z = coder.load(access(2, 0, &[1, 0]), dtype);
            let p = coder.apply(Scalar::MUL, &[x, y], dtype);
            let q = coder.apply(Scalar::ADD, &[p, z], dtype);
            let b = coder.apply(Scalar::LT, &[q, y], DType::Bool);
            coder.store(access(3, 0, &[n as i64, 1]), q);
            coder.store(access(4, 0, &[1, m as i64]), q);
            coder.store(access(5, 0, &[n as i64, 1]), b);
            let data = vec![
                random(dtype, m * n, 1),
                random(dtype, n, 2),
                random(dtype, m, 3),
                Data::zeros(dtype, m * n),
                Data::zeros(dtype, m * n),
                Data::zeros(DType::Bool, m * n),
            ];
            let schedule = schedule(&data, vec![map(&[m, n], coder.code)]);
            check(&schedule, &data, 1e-6, &format!("{m}x{n} {dtype}"));
        }
    }
}

/// A 3x3 window sum with a border of zeros, and an index computed from the place.
#[test]
fn padding_reads_zeros() {
    for (h, w) in [(1, 1), (2, 3), (5, 9), (8, 8)] {
        let (hi, wi) = (h as i64, w as i64);
        let mut coder = Coder::default();
        let mut load = access(0, -wi - 1, &[wi, 1, wi, 1]);
        load.guards = vec![
            Guard {
                offset: -1,
                strides: vec![1, 0, 1, 0],
                extent: hi,
            },
            Guard {
                offset: -1,
                strides: vec![0, 1, 0, 1],
                extent: wi,
            },
        ];
        let x = coder.load(load, DType::F32);
        let at = coder.inst(
            ScalarKind::Index {
                offset: 2,
                strides: vec![10, 1, 3, -1],
            },
            DType::I32,
        );
        let at = coder.apply(Scalar::CAST, &[at], DType::F32);
        let y = coder.apply(Scalar::MUL, &[x, at], DType::F32);
        let mut end = Coder::default();
        let s = end.inst(ScalarKind::Row(RowReg(0)), DType::F32);
        end.store(access(1, 0, &[wi, 1, 0, 0]), s);
        let nest = Nest {
            outer: vec![h, w],
            inner: vec![3, 3],
            rows: vec![DType::F32],
            arrays: Vec::new(),
            stages: vec![
                Stage::Each {
                    code: coder.code,
                    reduces: vec![(RowReg(0), Reduction::Sum, y)],
                },
                Stage::Row {
                    code: end.code,
                    sets: vec![],
                },
            ],
        };
        let data = vec![random(DType::F32, h * w, 5), Data::zeros(DType::F32, h * w)];
        let schedule = schedule(&data, vec![Class::Nest(nest)]);
        check(&schedule, &data, 1e-3, &format!("{h}x{w}"));
    }
}

/// Rows of a table at indices that are partly outside, then added back.
#[test]
fn gather_and_scatter_clamp_their_indices() {
    for dtype in [DType::F32, DType::F64] {
        let (rows, width, picks) = (5usize, 7usize, 11usize);
        let w = width as i64;
        let mut coder = Coder::default();
        let i = coder.load(access(1, 0, &[1, 0]), DType::I32);
        let x = coder.inst(
            ScalarKind::Gather {
                access: access(0, 0, &[0, 1]),
                index: i,
                extent: rows,
                stride: w,
            },
            dtype,
        );
        coder.store(access(2, 0, &[w, 1]), x);
        let mut back = Coder::default();
        let index = back.load(access(1, 0, &[0, 1]), DType::I32);
        let update = back.load(access(2, 0, &[1, w]), dtype);
        let scatter = Scatter {
            outer: vec![width],
            updates: picks,
            extent: rows,
            target: access(3, 0, &[1, 0]),
            stride: w,
            code: back.code,
            index,
            update,
        };
        let kernels = vec![map(&[picks, width], coder.code), Class::Scatter(scatter)];
        let indices = [0.0, 4.0, 4.0, 2.0, -3.0, 9.0, 1.0, 4.0, 0.0, 2.0, 3.0];
        let data = vec![
            random(dtype, rows * width, 1),
            Data::new(DType::I32, indices.to_vec()),
            Data::zeros(dtype, picks * width),
            random(dtype, rows * width, 2),
        ];
        let schedule = schedule(&data, kernels);
        check(&schedule, &data, 1e-5, "gather and scatter");
    }
}

/// Broke once: the guards of gathers were not looked at.
#[test]
fn a_gather_from_padding_reads_zeros() {
    let (rows, width) = (4usize, 6usize);
    let w = width as i64;
    let mut coder = Coder::default();
    let i = coder.load(access(1, 0, &[0, 1]), DType::I32);
    // The first and the last row are padding.
    let mut table = access(0, -w, &[w, 0]);
    table.guards = vec![Guard {
        offset: -1,
        strides: vec![1, 0],
        extent: rows as i64 - 2,
    }];
    let x = coder.inst(
        ScalarKind::Gather {
            access: table,
            index: i,
            extent: width,
            stride: 1,
        },
        DType::F32,
    );
    coder.store(access(2, 0, &[w, 1]), x);
    let data = vec![
        random(DType::F32, (rows - 2) * width, 1),
        Data::new(DType::I32, vec![5.0, 0.0, 9.0, -4.0, 2.0, 3.0]),
        Data::zeros(DType::F32, rows * width),
    ];
    let schedule = schedule(&data, vec![map(&[rows, width], coder.code)]);
    check(&schedule, &data, 0.0, "padding");
}

/// Momentum and parameter updated where they are: the second store uses what the first overwrites.
#[test]
fn updates_in_place_read_before_they_write() {
    for n in PARALLEL {
        let mut coder = Coder::default();
        let p = coder.load(access(0, 0, &[1]), DType::F32);
        let m = coder.load(access(1, 0, &[1]), DType::F32);
        let g = coder.load(access(2, 0, &[1]), DType::F32);
        let rate = coder.load(access(3, 0, &[0]), DType::F32);
        let d = coder.apply(Scalar::MUL, &[m, rate], DType::F32);
        let m2 = coder.apply(Scalar::ADD, &[d, g], DType::F32);
        let q = coder.apply(Scalar::SUB, &[p, d], DType::F32);
        coder.store(access(1, 0, &[1]), m2);
        coder.store(access(0, 0, &[1]), q);
        let data = vec![
            random(DType::F32, n, 1),
            random(DType::F32, n, 2),
            random(DType::F32, n, 3),
            random(DType::F32, 1, 4),
        ];
        let schedule = schedule(&data, vec![map(&[n], coder.code)]);
        check(&schedule, &data, 1e-6, &format!("{n}"));
    }
}

/// Ties go to the first, the first NaN beats everything, nothing gives 0.
#[test]
fn argmax_of_ties_and_nan() {
    let nan = f64::NAN;
    let rows: [&[f64]; 6] = [
        &[1.0, 3.0, 3.0, 0.0, 3.0, 2.0, 1.0, 0.0, 3.0],
        &[f64::NEG_INFINITY; 9],
        &[0.0, nan, 5.0, nan, 1.0, 0.0, 0.0, 0.0, 9.0],
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        &[-1.0, -1.0, -1.0, -1.0, -1.0, -2.0, -1.0, 5.0, 5.0],
        &[2.0; 9],
    ];
    let expected = [1.0, 0.0, 1.0, 8.0, 7.0, 0.0];
    for transposed in [false, true] {
        let (r, c) = (rows.len(), 9);
        let values: Vec<f64> = (0..r * c)
            .map(|i| {
                if transposed {
                    rows[i % r][i / r]
                } else {
                    rows[i / c][i % c]
                }
            })
            .collect();
        let strides = if transposed {
            [1, r as i64]
        } else {
            [c as i64, 1]
        };
        let mut coder = Coder::default();
        let x = coder.load(access(0, 0, &strides), DType::F32);
        let mut end = Coder::default();
        let at = end.inst(ScalarKind::Row(RowReg(0)), DType::I32);
        end.store(access(1, 0, &[1, 0]), at);
        let nest = Nest {
            outer: vec![r],
            inner: vec![c],
            rows: vec![DType::I32],
            arrays: Vec::new(),
            stages: vec![
                Stage::Each {
                    code: coder.code,
                    reduces: vec![(RowReg(0), Reduction::ArgMax, x)],
                },
                Stage::Row {
                    code: end.code,
                    sets: vec![],
                },
            ],
        };
        let mut data = vec![Data::new(DType::F32, values), Data::zeros(DType::I32, r)];
        let schedule = schedule(&data, vec![Class::Nest(nest)]);
        for options in targets() {
            run(&schedule, &options, &mut data);
            assert_eq!(data[1].values, expected, "{options:?}");
        }
    }
}
