//! Text to what kernels do, class by class.

use super::parse::{Parsed, Parser};
use crate::kernel::{Contract, Nest, Operand, RowArray, RowReg, Scan, Scatter, Sort, Stage};
use sinew_ir::Reduction;

impl Parser {
    pub(super) fn nest(&mut self) -> Parsed<Nest> {
        self.expect("outer")?;
        let outer = self.numbers()?;
        self.expect("inner")?;
        let inner = self.numbers()?;
        self.expect("rows")?;
        let rows = self.list(Parser::dtype)?;
        let mut stages = Vec::new();
        let mut arrays = Vec::new();
        loop {
            if self.eat("row") {
                stages.push(self.row_stage()?);
            } else if self.eat("each") {
                let stage = self.each_stage(stages.len(), &mut arrays)?;
                stages.push(stage);
            } else {
                return Ok(Nest {
                    outer,
                    inner,
                    stages,
                    rows,
                    arrays,
                });
            }
        }
    }

    fn row_stage(&mut self) -> Parsed<Stage> {
        self.mark('{')?;
        let code = self.code()?;
        let mut sets = Vec::new();
        while !self.eat_mark('}') {
            let row = RowReg(self.id("row")?);
            self.mark('=')?;
            sets.push((row, self.reg()?));
        }
        Ok(Stage::Row { code, sets })
    }

    /// The stage of a number; what it keeps of each element goes to `arrays`.
    fn each_stage(&mut self, stage: usize, arrays: &mut Vec<RowArray>) -> Parsed<Stage> {
        self.mark('{')?;
        let code = self.code()?;
        let mut reduces = Vec::new();
        while !self.eat_mark('}') {
            let word = self.word()?;
            if word.starts_with("array") {
                if self.id_in(&word, "array")? as usize != arrays.len() {
                    return self.wrong("row arrays are numbered in order");
                }
                self.mark('=')?;
                let value = self.reg()?;
                arrays.push(RowArray { stage, value });
            } else {
                let row = RowReg(self.id_in(&word, "row")?);
                self.mark('=')?;
                reduces.push((row, self.reduction()?, self.reg()?));
            }
        }
        Ok(Stage::Each { code, reduces })
    }

    fn reduction(&mut self) -> Parsed<Reduction> {
        let word = self.word()?;
        match [
            Reduction::Sum,
            Reduction::Prod,
            Reduction::Max,
            Reduction::ArgMax,
        ]
        .into_iter()
        .find(|r| r.name() == word)
        {
            Some(reduction) => Ok(reduction),
            None => self.wrong(format!("`{word}` is no reduction")),
        }
    }

    pub(super) fn contract(&mut self) -> Parsed<Contract> {
        let dtype = self.dtype()?;
        self.expect("batch")?;
        let batch = self.numbers()?;
        self.expect("m")?;
        let m = self.numbers()?;
        self.expect("n")?;
        let n = self.numbers()?;
        self.expect("k")?;
        let k = self.numbers()?;
        let lhs = self.operand("left")?;
        let rhs = self.operand("right")?;
        self.expect("epilogue")?;
        Ok(Contract {
            batch,
            m,
            n,
            k,
            dtype,
            lhs,
            rhs,
            epilogue: self.block()?,
        })
    }

    fn operand(&mut self, name: &str) -> Parsed<Operand> {
        self.expect(name)?;
        let value = self.reg()?;
        let code = self.block()?;
        Ok(Operand { code, value })
    }

    pub(super) fn scatter(&mut self) -> Parsed<Scatter> {
        self.expect("outer")?;
        let outer = self.numbers()?;
        self.expect("updates")?;
        let updates = self.number()?;
        self.expect("extent")?;
        let extent = self.number()?;
        self.expect("stride")?;
        let stride = self.number()?;
        self.expect("index")?;
        let index = self.reg()?;
        self.expect("update")?;
        let update = self.reg()?;
        self.expect("target")?;
        let target = self.access()?;
        self.expect("code")?;
        Ok(Scatter {
            outer,
            updates,
            extent,
            target,
            stride,
            code: self.block()?,
            index,
            update,
        })
    }

    pub(super) fn scan(&mut self) -> Parsed<Scan> {
        self.expect("outer")?;
        let outer = self.numbers()?;
        self.expect("extent")?;
        let extent = self.number()?;
        self.expect("start")?;
        let start = self.number()?;
        self.expect("next")?;
        let next = self.reg()?;
        Ok(Scan {
            outer,
            extent,
            start,
            code: self.block()?,
            next,
        })
    }

    pub(super) fn sort(&mut self) -> Parsed<Sort> {
        let descending = match self.word()?.as_str() {
            "ascending" => false,
            "descending" => true,
            other => return self.wrong(format!("`{other}` is no direction")),
        };
        self.expect("outer")?;
        let outer = self.numbers()?;
        self.expect("extent")?;
        let extent = self.number()?;
        self.expect("keys")?;
        let keys = self.access()?;
        self.expect("indices")?;
        Ok(Sort {
            outer,
            extent,
            descending,
            keys,
            indices: self.access()?,
        })
    }
}
