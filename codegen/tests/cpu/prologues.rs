//! Contractions whose operands are computed where they are used, with every choice of kernel, against
//! the slow executor in f64.

use sinew_codegen::cpu::{Contraction, Options};
use sinew_codegen::kernel::*;
use sinew_ir::{DType, Scalar};

use crate::setup::*;
use crate::targets::{product_targets, small_blocks};

/// How an operand comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    /// As it lies.
    Plain,
    /// `max(x, 0)`.
    Relu,
    /// `max(x, 0)` of the transposed.
    Turned,
    /// `x * s + t` with `s` along the first of the two dims and `t` along the second.
    Scaled,
    /// Zeros around: the first row and the last column are none of `x`'s.
    Padded,
    /// Rows of a table, by indices of which some are out of range.
    Gathered,
    /// 1 where the second index is the label of the first.
    OneHot,
}

const COMPUTED: [Side; 6] = [
    Side::Relu,
    Side::Turned,
    Side::Scaled,
    Side::Padded,
    Side::Gathered,
    Side::OneHot,
];

#[derive(Clone, Debug)]
struct Case {
    batch: Vec<usize>,
    m: usize,
    n: usize,
    k: usize,
    lhs: Side,
    rhs: Side,
    /// `sum / 2 + bias[j]`, so that sums take the way through scratch; else they are stored.
    epilogue: bool,
    /// The result is stored transposed.
    turned: bool,
}

/// Buffers of an operand: elements, a row, a column, indices.
const BUFFERS: u32 = 4;

impl Case {
    fn new(m: usize, n: usize, k: usize, lhs: Side, rhs: Side) -> Case {
        Case {
            batch: vec![],
            m,
            n,
            k,
            lhs,
            rhs,
            epilogue: true,
            turned: false,
        }
    }

    /// The strides of a tensor over the batch and two dims, the last of these contiguous or not.
    fn strides(&self, rows: usize, columns: usize, turned: bool) -> Vec<i64> {
        let mut strides = match turned {
            false => vec![columns as i64, 1],
            true => vec![1, rows as i64],
        };
        let mut stride = (rows * columns) as i64;
        for extent in self.batch.iter().rev() {
            strides.insert(0, stride);
            stride *= *extent as i64;
        }
        strides
    }

    /// An operand of `rows` x `columns` over buffers from `first` on.
    fn side(&self, side: Side, first: u32, rows: usize, columns: usize, dtype: DType) -> Operand {
        let rank = self.batch.len();
        let along = |dim: usize| {
            let mut strides = vec![0; rank + 2];
            strides[rank + dim] = 1;
            strides
        };
        let x = |turned| access(first, 0, &self.strides(rows, columns, turned));
        let mut c = Coder::default();
        let value = match side {
            Side::Plain => return Operand::plain(x(false), dtype),
            Side::Relu | Side::Turned => {
                let zero = c.constant(0.0, dtype);
                let x = c.load(x(side == Side::Turned), dtype);
                c.apply(Scalar::MAXIMUM, &[x, zero], dtype)
            }
            Side::Scaled => {
                let x = c.load(x(false), dtype);
                let s = c.load(access(first + 1, 0, &along(0)), dtype);
                let t = c.load(access(first + 2, 0, &along(1)), dtype);
                let y = c.apply(Scalar::MUL, &[x, s], dtype);
                c.apply(Scalar::ADD, &[y, t], dtype)
            }
            Side::Padded => {
                let mut x = x(false);
                x.offset -= columns as i64;
                for (dim, offset, extent) in [(0, -1, rows as i64), (1, 0, columns as i64 - 1)] {
                    x.guards.push(Guard {
                        offset,
                        strides: along(dim),
                        extent,
                    });
                }
                c.load(x, dtype)
            }
            Side::Gathered => {
                let index = c.load(access(first + 3, 0, &along(0)), DType::I32);
                let mut place = x(false);
                place.strides[rank] = 0;
                let gather = ScalarKind::Gather {
                    access: place,
                    index,
                    extent: rows.max(1),
                    stride: columns as i64,
                };
                c.inst(gather, dtype)
            }
            Side::OneHot => {
                let index = ScalarKind::Index {
                    offset: 0,
                    strides: along(1),
                };
                let index = c.inst(index, DType::I32);
                let label = c.load(access(first + 3, 0, &along(0)), DType::I32);
                let same = c.apply(Scalar::EQ, &[index, label], DType::Bool);
                c.apply(Scalar::CAST, &[same], dtype)
            }
        };
        Operand {
            code: c.code,
            value,
        }
    }

    fn build(&self, dtype: DType) -> (Schedule, Vec<Data>) {
        let Case { m, n, k, .. } = *self;
        let rank = self.batch.len();
        let count: usize = self.batch.iter().product();
        let (bias, out) = (2 * BUFFERS, 2 * BUFFERS + 1);
        let mut c = Coder::default();
        let mut value = c.inst(ScalarKind::Accumulator, dtype);
        if self.epilogue {
            let mut along = vec![0; rank + 2];
            along[rank + 1] = 1;
            let b = c.load(access(bias, 0, &along), dtype);
            let half = c.constant(0.5, dtype);
            let half = c.apply(Scalar::MUL, &[value, half], dtype);
            value = c.apply(Scalar::ADD, &[half, b], dtype);
        }
        c.store(access(out, 0, &self.strides(m, n, self.turned)), value);
        let contract = Contract {
            batch: self.batch.clone(),
            m: vec![m],
            n: vec![n],
            k: vec![k],
            dtype,
            lhs: self.side(self.lhs, 0, m, k, dtype),
            rhs: self.side(self.rhs, BUFFERS, k, n, dtype),
            epilogue: c.code,
        };
        let mut random = Random(7);
        let mut data = Vec::new();
        for (rows, columns) in [(m, k), (k, n)] {
            for (size, most) in [(count * rows * columns, 1.0), (rows, 0.5), (columns, 0.5)] {
                let values = (0..size).map(|_| most * f64::from(random.next() as f32));
                data.push(Data::new(dtype, values.collect()));
            }
            // Labels within both dims, and some beside them.
            let most = (rows.max(columns) + 2) as f64;
            let values = (0..rows).map(|_| (random.next().abs() * most).floor() - 1.0);
            data.push(Data::new(DType::I32, values.collect()));
        }
        let values = (0..n).map(|_| f64::from(random.next() as f32));
        data.push(Data::new(dtype, values.collect()));
        data.push(Data::zeros(dtype, count * m * n));
        (schedule(&data, vec![Class::Contract(contract)]), data)
    }

    fn check(&self) {
        self.check_on(&product_targets());
    }

    fn check_on(&self, targets: &[Options]) {
        let (exact, mut expected) = self.build(DType::F64);
        execute(&exact, &mut expected);
        let expected = &expected[2 * BUFFERS as usize + 1].values;
        for (dtype, tolerance) in [
            (DType::F32, 1e-6 * (self.k as f64).sqrt().max(10.0)),
            (DType::F64, 1e-9),
        ] {
            let (schedule, data) = self.build(dtype);
            for options in targets {
                let mut found = data.clone();
                run(&schedule, options, &mut found);
                let found = &found[2 * BUFFERS as usize + 1].values;
                for (i, (f, e)) in found.iter().zip(expected).enumerate() {
                    // Terms are of size 1 at most.
                    assert!(
                        (f - e).abs() <= tolerance * e.abs().max(1.0),
                        "{self:?} {dtype} {options:?} element {i}: {f:e}, not {e:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_operand_on_either_side() {
    for (m, n, k) in [
        (13, 17, 9),
        (32, 64, 16),
        (1, 5, 7),
        (6, 1, 5),
        (29, 66, 31),
    ] {
        for side in COMPUTED {
            Case::new(m, n, k, side, Side::Plain).check();
            Case::new(m, n, k, Side::Plain, side).check();
        }
    }
}

#[test]
fn both_sides_at_once() {
    for lhs in COMPUTED {
        for rhs in COMPUTED {
            Case::new(11, 35, 10, lhs, rhs).check();
        }
    }
}

#[test]
fn sums_that_are_stored_as_they_are_and_transposed_results() {
    for side in COMPUTED {
        for turned in [false, true] {
            for epilogue in [false, true] {
                let case = |lhs, rhs| Case {
                    epilogue,
                    turned,
                    ..Case::new(15, 34, 13, lhs, rhs)
                };
                case(side, Side::Plain).check();
                case(Side::Plain, side).check();
                case(side, Side::Relu).check();
            }
        }
    }
}

#[test]
fn batches() {
    for batch in [vec![1], vec![3], vec![2, 3]] {
        for side in COMPUTED {
            for (lhs, rhs) in [(side, Side::Plain), (Side::Turned, side)] {
                Case {
                    batch: batch.clone(),
                    ..Case::new(5, 9, 6, lhs, rhs)
                }
                .check();
            }
        }
    }
}

#[test]
fn nothing_and_one() {
    for side in [Side::Relu, Side::Turned, Side::Scaled, Side::OneHot] {
        for (m, n, k) in [(3, 5, 0), (1, 1, 1), (14, 33, 1), (1, 40, 3), (40, 1, 3)] {
            Case::new(m, n, k, side, Side::Plain).check();
            Case::new(m, n, k, Side::Plain, side).check();
            Case::new(m, n, k, side, side).check();
        }
    }
}

/// The contracted dim in several blocks, columns in several, rows in several, on every set of
/// instructions.
#[test]
fn blocks_along_every_dim() {
    let targets = small_blocks();
    for (m, n, k) in [(29, 150, 37), (13, 40, 100), (61, 20, 33)] {
        for (i, lhs) in COMPUTED.into_iter().enumerate() {
            let rhs = COMPUTED[(i + 1) % COMPUTED.len()];
            Case::new(m, n, k, lhs, rhs).check_on(&targets);
        }
        Case {
            epilogue: false,
            ..Case::new(m, n, k, Side::Turned, Side::Relu)
        }
        .check_on(&targets);
    }
}

/// The blocks that large products have where nobody lowers them.
#[test]
fn blocks_of_large_products() {
    let mut targets = product_targets();
    targets.retain(|t| t.contraction == Contraction::Library && t.vectors);
    Case::new(3, 610, 1030, Side::Scaled, Side::Turned).check_on(&targets);
}

/// Own tiles compute rows of the left operand on the stack, some at a time, or none if they are long.
#[test]
fn rows_on_the_stack() {
    let mut targets = product_targets();
    targets.retain(|t| t.contraction == Contraction::Own);
    let own = |case: Case| case.check_on(&targets);
    for side in COMPUTED {
        own(Case::new(30, 9, 300, side, Side::Plain));
        own(Case::new(13, 9, 2900, side, Side::Plain));
        own(Case {
            batch: vec![2],
            ..Case::new(25, 6, 400, side, Side::Relu)
        });
    }
}

#[test]
fn batches_in_several_blocks() {
    for side in COMPUTED {
        let case = Case {
            batch: vec![2],
            ..Case::new(7, 70, 41, side, side)
        };
        case.check_on(&small_blocks());
    }
}
