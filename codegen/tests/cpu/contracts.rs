//! Contractions of awkward sizes, strides and batches with every choice of kernel, against a plain
//! triple loop in f64.

use sinew_codegen::cpu::{self, Contraction, EmitError, Instructions, Options};
use sinew_codegen::kernel::*;
use sinew_ir::{DType, Scalar};

use crate::setup::*;
use crate::targets::{product_targets, small_blocks};

/// What follows the sums.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Epilogue {
    /// They are stored.
    Plain,
    /// `relu(sum + bias)`, and the mask beside it.
    BiasRelu,
    /// `tanh(sum) * scale[i, j]` stored transposed: a long epilogue whose lanes run along the rows.
    Transposed,
    /// `sum + base[i, j]` where `base` is overwritten.
    InPlace,
}

/// How an operand lies: as written, or with its last two axes exchanged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Rows,
    Columns,
}

#[derive(Clone, Debug)]
struct Case {
    batch: Vec<usize>,
    m: usize,
    n: usize,
    k: usize,
    lhs: Layout,
    rhs: Layout,
    epilogue: Epilogue,
    dtype: DType,
}

impl Case {
    fn strides(&self, layout: Layout, rows: usize, columns: usize) -> Vec<i64> {
        let mut strides = Vec::new();
        let mut stride = (rows * columns) as i64;
        for &extent in self.batch.iter().rev() {
            strides.insert(0, stride);
            stride *= extent as i64;
        }
        match layout {
            Layout::Rows => strides.extend([columns as i64, 1]),
            Layout::Columns => strides.extend([1, rows as i64]),
        }
        strides
    }

    fn build(&self) -> (Schedule, Vec<Data>) {
        let Case { m, n, k, dtype, .. } = *self;
        let count: usize = self.batch.iter().product();
        let out = self.strides(Layout::Rows, m, n);
        let across = self.strides(Layout::Columns, m, n);
        let mut coder = Coder::default();
        let sum = coder.inst(ScalarKind::Accumulator, dtype);
        match self.epilogue {
            Epilogue::Plain => coder.store(access(3, 0, &out), sum),
            Epilogue::BiasRelu => {
                let mut along = vec![0; self.batch.len() + 2];
                along[self.batch.len() + 1] = 1;
                let bias = coder.load(access(2, 0, &along), dtype);
                let y = coder.apply(Scalar::ADD, &[sum, bias], dtype);
                let zero = coder.constant(0.0, dtype);
                let off = coder.apply(Scalar::LE, &[y, zero], DType::Bool);
                let y = coder.apply(Scalar::SELECT, &[off, zero, y], dtype);
                coder.store(access(3, 0, &out), y);
                coder.store(access(4, 0, &out), off);
            }
            Epilogue::Transposed => {
                let t = coder.apply(Scalar::TANH, &[sum], dtype);
                let scale = coder.load(access(2, 0, &across), dtype);
                let y = coder.apply(Scalar::MUL, &[t, scale], dtype);
                coder.store(access(3, 0, &across), y);
            }
            Epilogue::InPlace => {
                let base = coder.load(access(3, 0, &out), dtype);
                let y = coder.apply(Scalar::ADD, &[sum, base], dtype);
                coder.store(access(3, 0, &out), y);
            }
        }
        let contract = Contract {
            batch: self.batch.clone(),
            m: vec![m],
            n: vec![n],
            k: vec![k],
            dtype,
            lhs: Operand::plain(access(0, 0, &self.strides(self.lhs, m, k)), dtype),
            rhs: Operand::plain(access(1, 0, &self.strides(self.rhs, k, n)), dtype),
            epilogue: coder.code,
        };
        let mut random = Random(42);
        let mut fill = |count: usize| {
            let values = (0..count).map(|_| f64::from(random.next() as f32));
            Data::new(dtype, values.collect())
        };
        let data = vec![
            fill(count * m * k),
            fill(count * k * n),
            fill(count * m * n + n),
            fill(count * m * n),
            Data::zeros(DType::Bool, count * m * n),
        ];
        (schedule(&data, vec![Class::Contract(contract)]), data)
    }

    /// The destination, by a triple loop.
    fn expected(&self, data: &[Data]) -> Vec<f64> {
        let Case { m, n, k, .. } = *self;
        let at = |layout: Layout, rows: usize, columns: usize, i: usize, j: usize| match layout {
            Layout::Rows => i * columns + j,
            Layout::Columns => j * rows + i,
        };
        let count: usize = self.batch.iter().product();
        let mut out = data[3].values.clone();
        for b in 0..count {
            for i in 0..m {
                for j in 0..n {
                    let sum: f64 = (0..k)
                        .map(|p| {
                            data[0].values[b * m * k + at(self.lhs, m, k, i, p)]
                                * data[1].values[b * k * n + at(self.rhs, k, n, p, j)]
                        })
                        .sum();
                    let place = b * m * n + i * n + j;
                    let across = b * m * n + j * m + i;
                    match self.epilogue {
                        Epilogue::Plain => out[place] = sum,
                        Epilogue::BiasRelu => out[place] = (sum + data[2].values[j]).max(0.0),
                        Epilogue::Transposed => {
                            out[across] = sum.tanh() * data[2].values[across];
                        }
                        Epilogue::InPlace => out[place] += sum,
                    }
                }
            }
        }
        out
    }

    fn check(&self) {
        self.check_on(&product_targets());
    }

    fn check_on(&self, targets: &[Options]) {
        let (schedule, data) = self.build();
        sinew_codegen::verify::verify(&schedule).unwrap_or_else(|e| panic!("{self:?}: {e}"));
        let expected = self.expected(&data);
        let tolerance = match self.dtype {
            DType::F32 => 1e-6 * (self.k as f64).sqrt().max(10.0),
            DType::F64 | DType::Float | DType::I32 | DType::U32 | DType::Bool => 1e-12,
        };
        for options in targets {
            let mut found = data.clone();
            run(&schedule, options, &mut found);
            for (i, (f, e)) in found[3].values.iter().zip(&expected).enumerate() {
                // Terms are of size 1 at most: an absolute bound.
                assert!(
                    (f - e).abs() <= tolerance,
                    "{self:?} {options:?} element {i}: {f:e}, not {e:e}"
                );
            }
            if self.epilogue == Epilogue::BiasRelu {
                for (y, off) in found[3].values.iter().zip(&found[4].values) {
                    assert_eq!(*off != 0.0, *y == 0.0, "{self:?} {options:?}");
                }
            }
        }
    }
}

const EPILOGUES: [Epilogue; 4] = [
    Epilogue::Plain,
    Epilogue::BiasRelu,
    Epilogue::Transposed,
    Epilogue::InPlace,
];

#[test]
fn sizes_that_fill_no_tile() {
    for (m, n, k) in [
        (1, 1, 1),
        (1, 7, 3),
        (5, 1, 4),
        (3, 3, 0),
        (13, 17, 5),
        (14, 32, 16),
        (15, 33, 1),
        (29, 65, 31),
    ] {
        for dtype in [DType::F32, DType::F64] {
            for epilogue in EPILOGUES {
                Case {
                    batch: vec![],
                    m,
                    n,
                    k,
                    lhs: Layout::Rows,
                    rhs: Layout::Rows,
                    epilogue,
                    dtype,
                }
                .check();
            }
        }
    }
}

#[test]
fn transposed_operands() {
    for lhs in [Layout::Rows, Layout::Columns] {
        for rhs in [Layout::Rows, Layout::Columns] {
            for (m, n, k) in [(11, 6, 9), (32, 10, 33), (7, 40, 4)] {
                for dtype in [DType::F32, DType::F64] {
                    Case {
                        batch: vec![],
                        m,
                        n,
                        k,
                        lhs,
                        rhs,
                        epilogue: Epilogue::BiasRelu,
                        dtype,
                    }
                    .check();
                }
            }
        }
    }
}

#[test]
fn batches() {
    for batch in [vec![1], vec![3], vec![2, 3]] {
        for epilogue in EPILOGUES {
            for lhs in [Layout::Rows, Layout::Columns] {
                Case {
                    batch: batch.clone(),
                    m: 5,
                    n: 9,
                    k: 6,
                    lhs,
                    rhs: Layout::Columns,
                    epilogue,
                    dtype: DType::F32,
                }
                .check();
            }
        }
    }
}

/// Several blocks along every dim, the last ones not full, both operands packed or not, on every set of
/// instructions.
#[test]
fn blocks_along_every_dim() {
    let targets = small_blocks();
    for (m, n, k) in [(29, 150, 37), (13, 40, 100), (3, 131, 33)] {
        for (lhs, rhs) in [
            (Layout::Rows, Layout::Rows),
            (Layout::Columns, Layout::Rows),
            (Layout::Rows, Layout::Columns),
            (Layout::Columns, Layout::Columns),
        ] {
            for epilogue in [Epilogue::Plain, Epilogue::BiasRelu] {
                for (batch, dtype) in [(vec![], DType::F32), (vec![2], DType::F64)] {
                    Case {
                        batch,
                        m,
                        n,
                        k,
                        lhs,
                        rhs,
                        epilogue,
                        dtype,
                    }
                    .check_on(&targets);
                }
            }
        }
    }
}

/// Wide enough that the right operand is copied even where its rows lie side by side.
#[test]
fn operands_with_far_rows_are_packed() {
    let targets = small_blocks();
    for (m, n, k) in [(61, 530, 5), (300, 270, 6)] {
        for lhs in [Layout::Rows, Layout::Columns] {
            Case {
                batch: vec![],
                m,
                n,
                k,
                lhs,
                rhs: Layout::Rows,
                epilogue: Epilogue::BiasRelu,
                dtype: DType::F32,
            }
            .check_on(&targets);
        }
    }
}

/// The blocks that large products have where nobody lowers them.
#[test]
fn blocks_of_large_products() {
    let mut targets = product_targets();
    targets.retain(|t| t.contraction == Contraction::Library && t.vectors);
    for dtype in [DType::F32, DType::F64] {
        Case {
            batch: vec![],
            m: 3,
            n: 620,
            k: 1100,
            lhs: Layout::Rows,
            rhs: Layout::Rows,
            epilogue: Epilogue::BiasRelu,
            dtype,
        }
        .check_on(&targets);
    }
}

/// A host runs what it has and refuses what it has not.
#[test]
fn instructions_that_the_host_lacks_are_refused() {
    let case = Case {
        batch: vec![],
        m: 2,
        n: 2,
        k: 2,
        lhs: Layout::Rows,
        rhs: Layout::Rows,
        epilogue: Epilogue::Plain,
        dtype: DType::F32,
    };
    let (schedule, _) = case.build();
    let host = Instructions::of_host();
    println!("this host has {host:?}");
    assert_eq!(host.first(), Some(&Instructions::Baseline));
    assert_eq!(host.last(), Some(&Instructions::widest()));
    for instructions in Instructions::ALL {
        let options = Options {
            instructions,
            ..Options::default()
        };
        match cpu::compile(&schedule, &options) {
            Ok(_) => assert!(host.contains(&instructions)),
            Err(EmitError::Instructions(set)) => {
                assert_eq!(set, instructions);
                assert!(!host.contains(&set));
            }
            Err(e) => panic!("{e}"),
        }
    }
}
