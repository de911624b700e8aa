//! What kernels do as text and back, class by class.

use super::parse::{Parsed, Parser};
use super::print::{AccessText, List, print_code};
use crate::kernel::{Class, Contract, Nest, Operand, RowArray, RowReg, Scan, Scatter, Sort, Stage};
use sinew_ir::Reduction;
use std::fmt::{self, Formatter};

impl Parser {
    pub(super) fn class(&mut self) -> Parsed<Class> {
        Ok(match self.word()?.as_str() {
            "nest" => Class::Nest(self.nest()?),
            "contract" => Class::Contract(self.contract()?),
            "scatter" => Class::Scatter(self.scatter()?),
            "scan" => Class::Scan(self.scan()?),
            "sort" => Class::Sort(self.sort()?),
            other => return self.wrong(format!("`{other}` is no class of kernels")),
        })
    }

    fn nest(&mut self) -> Parsed<Nest> {
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

    fn contract(&mut self) -> Parsed<Contract> {
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

    fn scatter(&mut self) -> Parsed<Scatter> {
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

    fn scan(&mut self) -> Parsed<Scan> {
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

    fn sort(&mut self) -> Parsed<Sort> {
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

/// Prints what a kernel does.
pub(super) fn print_class(class: &Class, f: &mut Formatter<'_>) -> fmt::Result {
    match class {
        Class::Nest(n) => print_nest(n, f),
        Class::Contract(c) => print_contract(c, f),
        Class::Scatter(s) => print_scatter(s, f),
        Class::Scan(s) => print_scan(s, f),
        Class::Sort(s) => print_sort(s, f),
    }
}

fn print_nest(n: &Nest, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "  nest outer {} inner {} rows {}",
        List(&n.outer),
        List(&n.inner),
        List(&n.rows)
    )?;
    for (at, stage) in n.stages.iter().enumerate() {
        match stage {
            Stage::Row { code: c, sets } => {
                writeln!(f, "  row {{")?;
                print_code(c, f)?;
                for (row, reg) in sets {
                    writeln!(f, "    row{} = r{}", row.0, reg.0)?;
                }
            }
            Stage::Each { code: c, reduces } => {
                writeln!(f, "  each {{")?;
                print_code(c, f)?;
                for (row, reduction, reg) in reduces {
                    let name = reduction.name();
                    writeln!(f, "    row{} = {name} r{}", row.0, reg.0)?;
                }
            }
        }
        for (number, array) in n.arrays.iter().enumerate().filter(|(_, a)| a.stage == at) {
            writeln!(f, "    array{number} = r{}", array.value.0)?;
        }
        writeln!(f, "  }}")?;
    }
    Ok(())
}

fn print_contract(c: &Contract, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "  contract {} batch {} m {} n {} k {}",
        c.dtype,
        List(&c.batch),
        List(&c.m),
        List(&c.n),
        List(&c.k)
    )?;
    let mut side = |name: &str, operand: &Operand| {
        writeln!(f, "  {name} r{} {{", operand.value.0)?;
        print_code(&operand.code, f)?;
        writeln!(f, "  }}")
    };
    side("left", &c.lhs)?;
    side("right", &c.rhs)?;
    writeln!(f, "  epilogue {{")?;
    print_code(&c.epilogue, f)?;
    writeln!(f, "  }}")
}

fn print_scatter(s: &Scatter, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "  scatter outer {} updates {} extent {} stride {} index r{} update r{}",
        List(&s.outer),
        s.updates,
        s.extent,
        s.stride,
        s.index.0,
        s.update.0
    )?;
    writeln!(f, "  target {}", AccessText(&s.target))?;
    writeln!(f, "  code {{")?;
    print_code(&s.code, f)?;
    writeln!(f, "  }}")
}

fn print_scan(s: &Scan, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "  scan outer {} extent {} start {:?} next r{} {{",
        List(&s.outer),
        s.extent,
        s.start,
        s.next.0
    )?;
    print_code(&s.code, f)?;
    writeln!(f, "  }}")
}

fn print_sort(s: &Sort, f: &mut Formatter<'_>) -> fmt::Result {
    let direction = match s.descending {
        false => "ascending",
        true => "descending",
    };
    let outer = List(&s.outer);
    writeln!(f, "  sort {direction} outer {outer} extent {}", s.extent)?;
    writeln!(f, "  keys {}", AccessText(&s.keys))?;
    writeln!(f, "  indices {}", AccessText(&s.indices))
}
