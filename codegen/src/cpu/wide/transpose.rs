//! Squares of elements transposed in registers: pairs of rows are woven lane by lane within each 128 bits,
//! then the parts of 128 bits change places.

use cranelift_codegen::ir::Value;
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Width};
use super::machine::{Operand, VECTOR};
use super::select::{Select, Selected};

impl Select<'_> {
    /// As many rows as a vector has lanes; the results are the columns.
    pub(super) fn transpose(&mut self, rows: &[Value], columns: &[Value]) -> Selected<()> {
        let Some(first) = rows.first() else {
            return Err("a square without rows".to_owned());
        };
        let ty = self.ty(*first);
        let lanes = self.width.bytes() / ty.lane_type().bytes() as usize;
        if rows.len() != lanes || columns.len() != lanes {
            return Err(format!("a square of {} rows, not of {lanes}", rows.len()));
        }
        let mut parts = Vec::with_capacity(lanes);
        for row in rows {
            parts.push(self.register(*row)?);
        }
        // Lanes that a part of 128 bits holds, of which each becomes a row of its own.
        let within = 16 / ty.lane_type().bytes() as usize;
        let [low, high] = [codes::WEAVE_LOW, codes::WEAVE_HIGH];
        let pairs = [low, high].map(|pair| pair.of(self.width, ty));
        let fours = [low, high].map(|pair| pair.wide().of(self.width, ty));
        let mut woven = Vec::with_capacity(lanes);
        for group in parts.chunks(within) {
            match *group {
                [a, b] => woven.extend(pairs.map(|code| self.weave(code, a, b, None))),
                [a, b, c, d] => {
                    let [ab, ba] = pairs.map(|code| self.weave(code, a, b, None));
                    let [cd, dc] = pairs.map(|code| self.weave(code, c, d, None));
                    woven.extend(fours.map(|code| self.weave(code, ab, cd, None)));
                    woven.extend(fours.map(|code| self.weave(code, ba, dc, None)));
                }
                _ => return Err("rows that are no groups".to_owned()),
            }
        }
        // Row `i` of each group holds, in part p, the column `within p + i` of the group's rows.
        let code = codes::SHUFFLE_PARTS.of(self.width, ty);
        for i in 0..within {
            let of = |group: usize| woven[group * within + i];
            let to = |part: usize| part * within + i;
            match self.width {
                Width::W256 => {
                    for (part, order) in [(0, 0x20), (1, 0x31)] {
                        if let Some(column) = self.wanted(columns[to(part)]) {
                            self.weave_to(column, code, of(0), of(1), Some(order));
                        }
                    }
                }
                Width::W512 => {
                    // Even parts, then odd ones; of each the even and the odd.
                    for (odd, order) in [(0, 0x88), (1, 0xdd)] {
                        let a = self.weave(code, of(0), of(1), Some(order));
                        let b = self.weave(code, of(2), of(3), Some(order));
                        for (part, order) in [(odd, 0x88), (odd + 2, 0xdd)] {
                            if let Some(column) = self.wanted(columns[to(part)]) {
                                self.weave_to(column, code, a, b, Some(order));
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Two registers woven to a new one, perhaps in an order.
    fn weave(&mut self, code: Code, a: VReg, b: VReg, order: Option<i64>) -> VReg {
        let to = self.fresh(VECTOR);
        self.weave_to(to, code, a, b, order);
        to
    }

    fn weave_to(&mut self, to: VReg, code: Code, a: VReg, b: VReg, order: Option<i64>) {
        let view = self.whole();
        let mut operands = vec![
            Operand::Def(to, view),
            Operand::Use(a, view),
            Operand::Use(b, view),
        ];
        operands.extend(order.map(Operand::Immediate));
        self.emit(code, operands);
    }
}
