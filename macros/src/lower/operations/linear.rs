//! Linear algebra of small matrices: loops over columns, written in the language.
//!
//! A matrix that is built up is not indexed by the loop's index, which is for what the loop runs along: its columns
//! and rows are sums where an index is the iteration's.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose;
use sinew_ir::{Dim, Value};

/// Outer products of columns are taken off what is left (Golub and Van Loan, "Matrix Computations", 4.2.5).
const CHOLESKY: &str = "{
    let mut rest = (x + x.t()) / 2.0;
    let mut columns = Vec::new();
    for j in 0..N {
        let index = arange(N);
        let column = where_(index == j, rest, 0.0).sum(-1);
        let pivot = where_(index == j, column, 0.0).sum(-1, keepdims = true).sqrt();
        let column = where_(index >= j, column / pivot, 0.0);
        rest = rest - column.unsqueeze(-1) * column.unsqueeze(-2);
        columns.push(column);
    }
    stack(columns, axis = -1)
}";

/// Forward substitution by columns (Golub and Van Loan, 3.1.3).
const TRIANGULAR: &str = "{
    let mut rest = y.t();
    let mut rows = Vec::new();
    for j in 0..N {
        let index = arange(N);
        let column = where_(index == j, x, 0.0).sum(-1).unsqueeze(-2);
        let pivot = where_(index == j, column, 0.0).sum(-1);
        let row = where_(index == j, rest, 0.0).sum(-1) / pivot;
        rest = rest - row.unsqueeze(-1) * column;
        rows.push(row);
    }
    stack(rows, axis = -1).t()
}";

/// Gauss and Jordan's elimination with the greatest pivot of each column.
const SOLVE: &str = "{
    let mut rest = concat([x, y], axis = -1);
    for j in 0..N {
        let (row_index, index) = (arange(N).unsqueeze(-1), arange(N + M));
        let column = where_(index == j, rest, 0.0).sum(-1, keepdims = true);
        let greatest = where_(row_index >= j, column.abs(), -1.0).argmax(-2, keepdims = true);
        let of_pivot = where_(row_index == greatest, rest, 0.0).sum(-2, keepdims = true);
        let of_j = where_(row_index == j, rest, 0.0).sum(-2, keepdims = true);
        let swapped = where_(row_index == greatest, of_j, rest);
        let factors = where_(index == j, swapped, 0.0).sum(-1, keepdims = true);
        let row = of_pivot / where_(index == j, of_pivot, 0.0).sum(-1, keepdims = true);
        rest = where_(row_index == j, row, swapped - factors * row);
    }
    rest[(.., N..)]
}";

/// Gauss's elimination with the greatest pivot of each column, of which the pivots and the swaps are kept.
const LOGDET: &str = "{
    let mut rest = x;
    let mut pivots = Vec::new();
    let mut swaps = Vec::new();
    for j in 0..N {
        let (row_index, index) = (arange(N).unsqueeze(-1), arange(N));
        let column = where_(index == j, rest, 0.0).sum(-1, keepdims = true);
        let greatest = where_(row_index >= j, column.abs(), -1.0).argmax(-2, keepdims = true);
        let of_pivot = where_(row_index == greatest, rest, 0.0).sum(-2, keepdims = true);
        let of_j = where_(row_index == j, rest, 0.0).sum(-2, keepdims = true);
        let swapped = where_(row_index == greatest, of_j, rest);
        let factors = where_(index == j, swapped, 0.0).sum(-1, keepdims = true);
        let pivot = where_(index == j, of_pivot, 0.0).sum(-1, keepdims = true);
        let row = of_pivot / where_(pivot == 0.0, 1.0, pivot);
        rest = swapped - where_(row_index > j, factors, 0.0) * row;
        pivots.push(pivot);
        swaps.push(where_(greatest == j, ones_like(pivot), -ones_like(pivot)));
    }
    let pivots = stack(pivots, axis = -1);
    let sign = (pivots.sign() * stack(swaps, axis = -1)).prod(-1);
    (pivots.abs().log().sum(-1) + sign.log()).squeeze([-1, -2])
}";

impl Lowerer<'_, '_> {
    /// `cholesky(x)`
    pub fn cholesky(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, n) = self.square_arg(a)?;
        self.by_columns(a, CHOLESKY, &[("x", x)], &[("N", n)])
    }

    /// `logdet(x)`
    pub fn logdet(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, n) = self.square_arg(a)?;
        self.by_columns(a, LOGDET, &[("x", x)], &[("N", n)])
    }

    /// `inverse(x)`
    pub fn inverse(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, n) = self.square_arg(a)?;
        let operand = WrittenOperand::new(&a.tokens(0), x);
        let y = self.build(&a.name, a.op.name, &[operand], |b| compose::eye_like(b, x))?;
        let sizes = [("N", n.clone()), ("M", n)];
        self.by_columns(a, SOLVE, &[("x", x), ("y", y)], &sizes)
    }

    /// `solve(a, b)`
    pub fn solve(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, n) = self.square_arg(a)?;
        let y = self.right_side(a, &n)?;
        let (x, y, m) = self.alike(a, x, y)?;
        let sizes = [("N", n), ("M", m)];
        self.by_columns(a, SOLVE, &[("x", x), ("y", y)], &sizes)
    }

    /// `triangular_solve(a, b, upper, transposed, unit_diagonal)`
    pub fn triangular_solve(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, n) = self.square_arg(a)?;
        let y = self.right_side(a, &n)?;
        let upper = self.flag_arg(a, 2)?;
        let transposed = self.flag_arg(a, 3)?;
        let unit = self.flag_arg(a, 4)?;
        let (x, y, _) = self.alike(a, x, y)?;
        // A transposed lower one is an upper one, which turned round is a lower one, of rows in the other order.
        let turned = upper != transposed;
        let operands = self.both(a, x, y);
        let (x, y) = self.build(&a.name, a.op.name, &operands, |b| {
            let mut x = x;
            if unit {
                x = compose::with_unit_diagonals(b, x)?;
            }
            if transposed {
                x = compose::swapaxes(b, x, -1, -2)?;
            }
            match turned {
                true => Ok((
                    compose::turned(b, x, &[-1, -2])?,
                    compose::turned(b, y, &[-2])?,
                )),
                false => Ok((x, y)),
            }
        })?;
        let solved = self.by_columns(a, TRIANGULAR, &[("x", x), ("y", y)], &[("N", n)])?;
        let Val::Tensor(z) = solved else {
            return Ok(solved);
        };
        match turned {
            true => self.on(a, z, &a.name, |b| compose::turned(b, z, &[-2])),
            false => Ok(solved),
        }
    }

    /// A matrix, or several, and the number of its rows and columns.
    fn square_arg(&mut self, a: &Arguments<'_>) -> Checked<(Value, Dim)> {
        let x = self.tensor_arg(a, 0, None)?;
        let ty = self.builder.type_of(x);
        let fact = messages::operand("", &a.tokens(0), ty);
        let message = messages::no_square(&a.tokens(0), a.op.name, fact);
        let [.., rows, columns] = ty.shape.dims.as_slice() else {
            return Err(self.report(message.into_error()));
        };
        let (rows, columns) = (rows.clone(), columns.clone());
        self.equal(&rows, &columns, &message)?;
        Ok((x, self.dim(&rows)?))
    }

    /// What a system is solved for: columns of as many elements as the matrix has rows.
    fn right_side(&mut self, a: &Arguments<'_>, n: &Dim) -> Checked<Value> {
        let y = self.tensor_arg(a, 1, None)?;
        let ty = self.builder.type_of(y);
        let fact = messages::operand("", &a.tokens(1), ty);
        let message = messages::right_side(&a.tokens(1), a.op.name, n, fact);
        let [.., rows, _] = ty.shape.dims.as_slice() else {
            return Err(self.report(message.into_error()));
        };
        let rows = rows.clone();
        self.equal(&rows, n, &message)?;
        Ok(y)
    }

    fn both(&self, a: &Arguments<'_>, x: Value, y: Value) -> [WrittenOperand; 2] {
        [(0, x), (1, y)].map(|(i, v)| WrittenOperand::new(&a.tokens(i), v))
    }

    /// Both with the same dims in front of their last two, and how many columns the second has.
    fn alike(&mut self, a: &Arguments<'_>, x: Value, y: Value) -> Checked<(Value, Value, Dim)> {
        let operands = self.both(a, x, y);
        let (x, y) = self.build(&a.name, a.op.name, &operands, |b| {
            compose::with_equal_batches(b, x, y)
        })?;
        let columns = self.builder.type_of(y).shape.dims.last().cloned();
        Ok((x, y, columns.unwrap_or_default()))
    }

    fn by_columns(
        &mut self,
        a: &Arguments<'_>,
        definition: &str,
        tensors: &[(&str, Value)],
        sizes: &[(&str, Dim)],
    ) -> Checked<Val> {
        let written = tensors.iter().enumerate().filter(|(i, _)| a.has(*i));
        let operands = written.map(|(i, (_, v))| WrittenOperand::new(&a.tokens(i), *v));
        let operands = operands.collect();
        let tensors = tensors.iter().map(|(name, v)| (*name, Val::Tensor(*v)));
        let sizes = sizes.iter().map(|(name, d)| (*name, Val::Size(d.clone())));
        self.by_definition(a, tensors.chain(sizes).collect(), operands, definition)
    }
}
