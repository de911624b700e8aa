//! Random products of operands that are computed, the same ones for a seed.

use super::ProgramBuilder;
use super::random::{Maker, Random, With};
use sinew_ir::ops::{self, DotAxes};
use sinew_ir::{Attribute, Axis, DType, Dim, Function, Shape, Value};

/// Inputs that a matrix may be made of.
struct Material {
    shape: [usize; 2],
    x: Value,
    turned: Value,
    /// A row less.
    shorter: Value,
    /// Of other extents along the first axis, along the second.
    tables: [Value; 2],
    index: Value,
    labels: Value,
    /// Along the first axis, along the second.
    scales: [Value; 2],
}

impl Maker {
    /// All that an operand may be made of.
    fn material(&mut self, rows: usize, columns: usize) -> Material {
        let float = self.float;
        Material {
            shape: [rows, columns],
            x: self.input(&[rows, columns], float),
            turned: self.input(&[columns, rows], float),
            shorter: self.input(&[rows.max(2) - 1, columns], float),
            tables: [
                self.input(&[7, columns], float),
                self.input(&[rows, 4], float),
            ],
            index: self.input(&[rows, columns], DType::I32),
            labels: self.input(&[rows], DType::I32),
            scales: [self.input(&[rows], float), self.input(&[columns], float)],
        }
    }

    /// A matrix of inputs put through a few cheap ops that nobody else reads.
    fn operand(&mut self, from: &Material) -> Value {
        let axis = |d| Attribute::Axes(vec![Axis::At(d)]);
        let shape = from.shape;
        let mut x = match self.random.below(5) {
            // Rows or columns of a table.
            0 => {
                let d = self.random.below(2);
                let operands = [from.tables[d], from.index];
                self.p.b.op(ops::TAKE_ALONG_AXIS, &operands, vec![axis(d)])
            }
            // One-hot rows.
            1 => {
                let to = Shape::from_extents(&shape);
                let b = &mut self.p.b;
                let labels = b.broadcast(from.labels, &to, &[Axis::At(1)]);
                let labels = labels.expect("labels");
                let places = b.iota(DType::I32, to, Axis::At(1)).expect("iota");
                let same = b.op(ops::EQ, &[places, labels], vec![]).expect("eq");
                b.cast(same, self.float)
            }
            // Padded, transposed or neither.
            2 if shape[0] > 1 => {
                let low = self.random.below(2);
                let widths = [low, 1 - low, 1].map(Dim::from).to_vec();
                let widths = Attribute::Dims(widths);
                self.p
                    .b
                    .op(ops::PAD, &[from.shorter], vec![axis(0), widths])
            }
            3 => self.p.b.permute(from.turned, &[Axis::At(1), Axis::At(0)]),
            _ => Ok(from.x),
        }
        .expect("an operand");
        for _ in 0..self.random.below(3) {
            x = match self.random.below(4) {
                0 => self.p.b.op(ops::RELU, &[x], vec![]),
                1 => self.p.b.op(ops::ABS, &[x], vec![]),
                2 => {
                    let d = self.random.below(2);
                    let b = &mut self.p.b;
                    let to = Shape::from_extents(&shape);
                    let scale = from.scales[d];
                    let scale = b.broadcast(scale, &to, &[Axis::At(1 - d)]).expect("scale");
                    b.mul(x, scale)
                }
                _ => self.p.b.with(ops::SUB, x, 0.5),
            }
            .expect("cheap");
        }
        x
    }

    /// A further input with its numbers.
    fn input(&mut self, shape: &[usize], dtype: DType) -> Value {
        let n: usize = shape.iter().product();
        let numbers = (0..n).map(|_| match dtype {
            DType::I32 => self.random.below(9) as f64 - 2.0,
            _ => self.random.number(self.float),
        });
        let numbers = numbers.collect();
        self.inputs.push(numbers);
        let name = format!("x{}", self.inputs.len());
        self.p.input(&name, dtype, shape)
    }
}

/// Products of operands that are computed, with something behind the sums at times.
pub fn products(seed: u64, float: DType) -> (Function, Vec<Vec<f64>>) {
    let mut m = Maker {
        p: ProgramBuilder::new(),
        random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
        pool: Vec::new(),
        inputs: Vec::new(),
        zero_extents: false,
        with: With::Nothing,
        float,
    };
    let mut sides = Vec::new();
    for _ in 0..1 + m.random.below(2) {
        let list = [1, 2, 3, 5, 8, 13, 17, 24, 33, 40];
        let [rows, columns, k] = [(); 3].map(|()| m.random.pick(&list));
        sides.push((m.material(rows, k), m.material(k, columns)));
    }
    let mut results = Vec::new();
    for (left, right) in &sides {
        let (x, y) = (m.operand(left), m.operand(right));
        let dot = DotAxes {
            contract_x: vec![Axis::At(1)],
            contract_y: vec![Axis::At(0)],
            ..DotAxes::default()
        };
        let mut z = m.p.b.dot(x, y, &dot).expect("a product");
        if m.random.below(2) == 0 {
            z = m.p.b.op(ops::RELU, &[z], vec![]).expect("relu");
        }
        results.push(z);
    }
    (m.p.finish(&results), m.inputs)
}
